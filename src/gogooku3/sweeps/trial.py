"""A trial: an ordinary run on the shared panel, in a process of its own."""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gogooku3.errors import ModelError
from gogooku3.sweeps.engines.protocol import Facts, Report

if TYPE_CHECKING:
    from gogooku3.evaluation.evaluation import Evaluation
    from gogooku3.labels.target import Target
    from gogooku3.pipeline.run_folder import Run
    from gogooku3.progress import Progress

LAG = 1


def compute(task: Facts, report: Report) -> Facts:
    """Train a point on all folds and measure it on their test sessions.

    Args:
        task: ``base`` and ``settings``, all settings of the search and of the trial as plain data, and ``horizons``,
            those of the objective.
        report: Told after every epoch; what it is told of the first fold is what pruning goes by.

    Returns:
        ``value``, the mean RankIC at lag 1 over the folds' test sessions and the horizons; ``fold_rank_ic`` and
        ``epochs``, what each fold reached and chose, by name; ``series``, daily; ``memory_mb``.

    Raises:
        Gogooku3Error: The point cannot be trained; scores are degenerate.
    """
    from gogooku3.config.process import prepare_process

    prepare_process()
    from gogooku3.pipeline.build import panel_of
    from gogooku3.pipeline.evaluate import Judged
    from gogooku3.pipeline.train import folds_of, train
    from gogooku3.sweeps.shared import SharedWork

    base, run = run_of(task["base"]), run_of(task["settings"])
    panel = panel_of(run)
    first = folds_of(run, panel)[0].name
    watch = _Watch(report, panel.targets, task["horizons"], f"fold {first}")
    train(run, lambda panel, stop: SharedWork(base, run, panel, stop, watch))
    evaluation = Judged(run).tested
    return measured(evaluation, task["horizons"]) | {
        "epochs": watch.chosen,
        "memory_mb": peak_memory_mb(),
    }


def run_of(tree: Mapping[str, Any], progress: Progress | None = None) -> Run:
    """Return the run that settings as plain data describe; silent if nobody is to be told."""
    from gogooku3.config.resolve import Resolved
    from gogooku3.config.settings import Settings
    from gogooku3.pipeline.run_folder import Run
    from gogooku3.progress import Silent

    settings = Settings.model_validate(
        {**tree, "run": {**tree["run"], "folder": Path(tree["run"]["folder"])}}
    )
    return Run(resolved=Resolved(settings=settings, origins={}), progress=progress or Silent())


def measured(evaluation: Evaluation, horizons: Sequence[int]) -> dict[str, Any]:
    """Return value, RankIC by fold and the daily series of a trial's only model.

    Args:
        evaluation: Of the folds' test sessions; a fold is a calendar year.
        horizons: Those of the objective.
    """
    chosen = {
        one.target.horizon: one
        for one in evaluation.results
        if one.target.lag == LAG and one.target.horizon in horizons
    }
    rank_ic = {h: chosen[h].rank_ic.values for h in horizons}
    years = evaluation.sessions.astype("datetime64[Y]")
    return {
        "value": float(np.mean([np.nanmean(values) for values in rank_ic.values()])),
        "fold_rank_ic": {
            str(year): float(np.mean([np.nanmean(values[years == year]) for values in rank_ic.values()]))
            for year in np.unique(years)
        },
        "series": {
            "date": [str(day) for day in evaluation.sessions],
            "rank_ic": {str(h): plain(values) for h, values in rank_ic.items()},
            "net": {str(h): plain(chosen[h].portfolio.net) for h in horizons},
        },
    }


def plain(values: np.ndarray) -> list[float | None]:
    """Return numbers as JSON has them; what is no number is null."""
    return [float(value) if math.isfinite(value) else None for value in values]


def peak_memory_mb() -> int:
    """Return the most memory that this process ever held, MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024 if sys.platform == "darwin" else 1024)


class _Watch:
    """Tells the search of every epoch, and keeps which epochs were chosen.

    Args:
        report: Told.
        targets: What is predicted.
        horizons: Those of the objective.
        first: How the first fold is called in a training's name.
    """

    def __init__(
        self, report: Report, targets: Sequence[Target], horizons: Sequence[int], first: str
    ) -> None:
        self.report, self.first = report, first
        self.watched = [n for n, one in enumerate(targets) if one.lag == LAG and one.horizon in horizons]
        self.chosen: dict[str, int] = {}
        self._best: dict[str, float] = {}
        self._epochs, self._rows, self._began = 0, 0, time.perf_counter()

    def begin(self, name: str, steps: int, done: int) -> None:  # noqa: ARG002 - of the protocol
        """Start the clock."""
        self._rows, self._began = 0, time.perf_counter()

    def step(self, loss: float, rows: int, learning_rate: float) -> None:  # noqa: ARG002 - of the protocol
        """Count rows."""
        self._rows += rows

    def epoch(
        self, name: str, epoch: int, loss: float, learning_rate: float, validation: Sequence[float]
    ) -> None:
        """Report an epoch.

        Raises:
            ModelError: The model's scores have no RankIC.
        """
        value = float(np.mean([validation[n] for n in self.watched]))
        if not math.isfinite(value):
            raise ModelError(
                "the validation RankIC is no finite number",
                where=f"{name}, epoch {epoch}",
                got=value,
                expected="finite scores that differ between stocks",
                remedy="lower the learning rate or the weight decay",
            )
        fold = name.split(", ")[1].removeprefix("fold ")
        if value > self._best.get(fold, -math.inf):
            self._best[fold], self.chosen[fold] = value, epoch
        self._epochs += 1
        facts = {
            "fold": fold,
            "epoch": epoch,
            "prunes": f"fold {fold}" == self.first,
            "loss": round(loss, 6),
            "learning_rate": learning_rate,
            "stock_days_per_second": round(self._rows / max(time.perf_counter() - self._began, 1e-9)),
            "memory_mb": peak_memory_mb(),
            **_gpu(),
        }
        self.report(self._epochs, value, facts)
        self._rows, self._began = 0, time.perf_counter()


def _gpu() -> dict[str, int]:
    """Return the most memory held on a GPU, MB; nothing where there is none."""
    import torch

    if not torch.cuda.is_available():
        return {}
    return {"gpu_memory_mb": torch.cuda.max_memory_allocated() // (1024 * 1024)}
