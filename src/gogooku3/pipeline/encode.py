"""The encoded panel on disk: every stock-day's ranks once, mapped by all trainings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gogooku3.panel.panel import Panel
from gogooku3.pipeline.lineage import code_digest
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.stage import run_stage
from gogooku3.scoring.encode import EncodedLNC, Encoding, encode
from gogooku3.storage.atomic import atomic_path

_CODE = ("scoring.encode", "panel.open")


def encoded(run: Run, panel: Panel, encoding: Encoding, stop: int) -> EncodedLNC:
    """Return sessions [0, stop) of the panel, encoded, as a mapped file; made if it is not there.

    Args:
        run: The run.
        panel: Its panel.
        encoding: The columns.
        stop: Session after the last.

    Returns:
        float16 [stop, N, C], read-only.
    """
    name = "inputs/encoded.npy"
    inputs = {
        "panel": panel.digest(np.arange(stop), ("known",)),
        "frequency": encoding.frequency.model_dump(mode="json"),
        "stocks": len(panel.codes),
        "code": code_digest(_CODE),
    }

    def work() -> Sequence[Mapping[str, Any]]:
        shape = (stop, len(panel.codes), len(encoding.names))
        with atomic_path(run.path(name)) as partial:
            grid = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float16, shape=shape)
            encode(panel, encoding, 0, stop, out=grid, progress=run.progress)
            grid.flush()
        return [{"stage": "encode", "sessions": stop, "columns": shape[2], "bytes": int(grid.nbytes)}]

    run_stage(run, "encode", inputs, [name], work)
    mapped: EncodedLNC = np.load(run.path(name), mmap_mode="r")
    return mapped
