"""What is killed half-way: writes over something older, each told when its preparation is over."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from gogooku3.config.process import prepare_process

prepare_process()

# what a write loads at its first use is loaded before, so that only the write's own calls are counted
import _strptime  # noqa: E402, F401 - threads are limited first

import filelock  # noqa: E402, F401
import pandas as pd  # noqa: E402, F401

from gogooku3.errors import DataError  # noqa: E402
from gogooku3.panel.segment_file import write_single  # noqa: E402
from gogooku3.pipeline.append import append  # noqa: E402
from gogooku3.pipeline.build import build  # noqa: E402
from gogooku3.pipeline.run_folder import open_run  # noqa: E402
from gogooku3.pipeline.train import train  # noqa: E402
from gogooku3.storage.atomic import write_json  # noqa: E402
from gogooku3.training.checkpoint import save_checkpoint  # noqa: E402
from tests.pipeline.tiny import tiny_run  # noqa: E402

Ready = Callable[[], None]
NEW = {"universe.min_history": 45}
"""Settings of a panel that differs from the tiny run's."""
JSON = {"new": list(range(5000))}


def write_panel(folder: Path, ready: Ready) -> None:
    """Write a panel of two segments, of other values than seed 0's."""
    from tests.panel import panels

    segments = panels.random_segments(seed=1)
    ready()
    panels.write_panel(folder, segments)


def relabel_panel(folder: Path, ready: Ready) -> None:
    """Take over a panel's segments, the last of them with other labels."""
    import numpy as np

    from gogooku3.panel.labels import Labels
    from gogooku3.panel.open import open_panel
    from gogooku3.panel.writer import PanelWriter

    panel = open_panel(folder)
    *kept, changed = panel.segments
    targets = changed.column("targets") + np.float32(1)
    ready()
    with PanelWriter(folder, panel.axes, panel.stocks, panel.lineage) as writer:
        for segment in kept:
            writer.keep(segment)
        labels = Labels(
            sessions=changed.sessions,
            codes=changed.codes,
            present=changed.column("present"),
            targets=targets,
            target_ranks=changed.column("target_ranks"),
        )
        writer.keep(changed, labels)


def write_file(folder: Path, ready: Ready) -> None:
    """Write a panel of one file."""
    from tests.panel import panels

    segment = panels.random_segments(seed=1)[0]
    ready()
    write_single(folder / "panel.arrow", segment, panels.AXES, stocks=panels.STOCKS, lineage={})


def write_value(folder: Path, ready: Ready) -> None:
    """Write a JSON file."""
    ready()
    write_json(folder / "value.json", JSON)


def write_checkpoint(folder: Path, ready: Ready) -> None:
    """Save a training's state beside an older one, which it replaces."""
    import torch

    state = {"weight": torch.ones(200, 300), "step": 2, "rng": torch.get_rng_state()}
    ready()
    save_checkpoint(folder, state, step=2, keep=1)


def build_run(folder: Path, ready: Ready) -> None:
    """Build the tiny run's panel with other settings."""
    run = tiny_run(folder, NEW)
    ready()
    build(run)


def train_run(folder: Path, ready: Ready) -> None:
    """Train the tiny run."""
    run = tiny_run(folder)
    ready()
    train(run)


def append_run(folder: Path, ready: Ready) -> None:
    """Append new sessions, with a correction, to a run of files; nothing if it has them."""
    flags, new = json.loads((folder / "flags.json").read_text())
    run = open_run(flags={**flags, "run.folder": str(folder)}, remembered=False)
    ready()
    try:
        append(run, Path(new))
    except DataError as error:
        if "nothing new" not in str(error):
            raise


WORKS = {
    work.__name__: work
    for work in (
        write_panel,
        relabel_panel,
        write_file,
        write_value,
        write_checkpoint,
        build_run,
        train_run,
        append_run,
    )
}
