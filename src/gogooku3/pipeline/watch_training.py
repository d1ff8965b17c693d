"""Curves of a training: progress with rate and memory, training.jsonl as it goes, TensorBoard by option."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gogooku3.config.process import TorchProcess
from gogooku3.labels.target import Target
from gogooku3.pipeline.run_folder import Run

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

CURVES = "training.jsonl"


class WatchTraining:
    """Shows every training of a run and appends each epoch to ``training.jsonl``.

    Args:
        run: The run.
        targets: What is predicted, to name.
        process: Threads and memory of this process, to keep beside the figures.
    """

    def __init__(self, run: Run, targets: Sequence[Target], process: TorchProcess) -> None:
        self.run, self.targets, self.process = run, targets, process
        self._began, self._rows = time.perf_counter(), 0

    def begin(self, name: str, steps: int, done: int) -> None:
        """Show a training, or that it goes on."""
        self.run.progress.start(name, steps, "steps")
        self.run.progress.advance(done)
        if done:
            self.run.progress.note(f"{name}: goes on after {done:,} steps")
        self._began, self._rows = time.perf_counter(), 0

    def step(self, loss: float, rows: int, learning_rate: float) -> None:  # noqa: ARG002 - of the protocol
        """Count a step."""
        self._rows += rows
        self.run.progress.advance()

    def epoch(
        self, name: str, epoch: int, loss: float, learning_rate: float, validation: Sequence[float]
    ) -> None:
        """Say how the epoch went, and keep it."""
        rate = self._rows / max(time.perf_counter() - self._began, 1e-9)
        known = {str(t): round(v, 6) for t, v in zip(self.targets, validation, strict=True) if v == v}  # noqa: PLR0124
        line: dict[str, Any] = {
            "training": name,
            "epoch": epoch,
            "loss": round(loss, 6),
            "learning_rate": learning_rate,
            "rank_ic": known,
            "stock_days_per_second": round(rate),
            "memory_mb": _peak_memory_mb(),
            **vars(self.process),
        }
        path = self.run.path(CURVES)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        shown = ", ".join(f"{t} {v:.4f}" for t, v in known.items())
        self.run.progress.note(
            f"{name}: epoch {epoch}, loss {loss:.4f}, {rate:,.0f} stock-days/s, {line['memory_mb']:,} MB"
            + (f", RankIC {shown}" if shown else "")
        )
        if self.run.settings.deep.tensorboard:
            self._board.add_scalars(f"{name}/rank_ic", known, epoch)
            self._board.add_scalar(f"{name}/loss", loss, epoch)
            self._board.flush()
        self._began, self._rows = time.perf_counter(), 0

    @cached_property
    def _board(self) -> SummaryWriter:
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter(str(self.run.path("tensorboard")))


def _peak_memory_mb() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024 if sys.platform == "darwin" else 1024)
