"""The tested sessions of a run, and what may be looked at of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from gogooku3.axes import FloatDN
from gogooku3.labels.target import Target
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.predictions import column, to_grid
from gogooku3.pipeline.run_folder import Run
from gogooku3.splits.fold import Fold


@dataclass(frozen=True, eq=False)
class Period:
    """A run of test sessions, and the first session whose prices may not be looked at."""

    run: Run
    panel: Panel
    predictions: pl.DataFrame
    folds: Sequence[Fold]
    end: int

    @property
    def start(self) -> int:
        """First tested session."""
        return int(self.folds[0].test[0])

    @property
    def stop(self) -> int:
        """Session after the last tested one."""
        return int(self.folds[-1].test[-1]) + 1

    def scores(self, name: str) -> FloatDN:
        """Return a column of the predictions on the period's grid; days outside the folds have no score."""
        return to_grid(self.panel, self.predictions, name, self.start, self.stop)

    def label(self, target: Target) -> FloatDN:
        """Return the labels whose whole span lies before ``end``."""
        values = self.panel.target(target)[self.start : self.stop].astype(np.float64)
        open_rows = max(0, self.end - target.reach - self.start)
        values[open_rows:] = np.nan
        values[~self.panel.universe[self.start : self.stop]] = np.nan
        return values


class PeriodScores(Mapping[Target, FloatDN]):
    """A model's scores, read target by target so that only one grid is held."""

    def __init__(self, period: Period, model: str) -> None:
        self._period, self._model = period, model

    def __getitem__(self, target: Target) -> FloatDN:
        if target not in self._period.panel.targets:
            raise KeyError(target)
        return self._period.scores(column(self._model, target))

    def __iter__(self) -> Iterator[Target]:
        return iter(self._period.panel.targets)

    def __len__(self) -> int:
        return len(self._period.panel.targets)

    def __contains__(self, target: object) -> bool:
        return target in self._period.panel.targets


def attainable_scores(period: Period) -> dict[Target, FloatDN]:
    """The simulated market's own expected returns, on the stock-days that the models score."""
    truth = pl.read_parquet(period.run.path("truth.parquet"))
    panel, rows = period.panel, slice(period.start, period.stop)
    tested = np.zeros(period.stop - period.start, dtype=np.bool_)
    for fold in period.folds:
        tested[fold.test - period.start] = True
    scored = panel.universe[rows] & tested[:, None]
    return {
        target: np.where(scored, to_grid(panel, truth, str(target), period.start, period.stop), np.nan)
        for target in panel.targets
    }
