"""gogooku3 ranks stocks from daily bars.

```python
import gogooku3 as g3

run = g3.open_run(flags={"run.name": "notebook", "source.bars": "prices.parquet"})
g3.build(run)
g3.train(run)
g3.evaluate(run)
g3.report(run)
g3.predict(run).table
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gogooku3.labels.target import Target
    from gogooku3.panel.open import open_panel
    from gogooku3.pipeline.build import build
    from gogooku3.pipeline.evaluate import evaluate
    from gogooku3.pipeline.predict import predict
    from gogooku3.pipeline.report import report
    from gogooku3.pipeline.run import run_all
    from gogooku3.pipeline.run_folder import Run, open_run
    from gogooku3.pipeline.train import train
    from gogooku3.sources.files import read_bars
    from gogooku3.sources.simulation.simulate import simulate

__all__ = [
    "Run",
    "Target",
    "build",
    "evaluate",
    "open_panel",
    "open_run",
    "predict",
    "read_bars",
    "report",
    "run_all",
    "simulate",
    "train",
]

_HOMES = {
    "Run": "gogooku3.pipeline.run_folder",
    "Target": "gogooku3.labels.target",
    "build": "gogooku3.pipeline.build",
    "evaluate": "gogooku3.pipeline.evaluate",
    "open_panel": "gogooku3.panel.open",
    "open_run": "gogooku3.pipeline.run_folder",
    "predict": "gogooku3.pipeline.predict",
    "read_bars": "gogooku3.sources.files",
    "report": "gogooku3.pipeline.report",
    "run_all": "gogooku3.pipeline.run",
    "simulate": "gogooku3.sources.simulation.simulate",
    "train": "gogooku3.pipeline.train",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that ``import gogooku3`` costs nothing."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module 'gogooku3' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
