"""A run's own scores, as evidence is gathered from them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gogooku3.axes import StoredLNF
from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.pipeline.drift import drift_of
from gogooku3.pipeline.evidence import Tested
from gogooku3.pipeline.panel_market import panel_market
from gogooku3.pipeline.period import Period, PeriodScores

_AT_ONCE = 16  # sessions of features held at a time


def tested_of(period: Period, evaluation: Evaluation) -> Tested:
    """Return what evidence is gathered from, for a run's own scores."""
    run, panel = period.run, period.panel
    return Tested(
        evaluation=evaluation,
        market=panel_market(panel, run.settings.market),
        universe=panel.universe,
        start=period.start,
        stop=period.stop,
        end=period.end,
        scores={model: PeriodScores(period, model) for model in run.settings.train.models},
        label=period.label,
        features=(panel.feature_names, lambda: _features(period)),
        drift=drift_of(run, panel, period.folds, evaluation, settings=run.settings.evaluation.drift),
    )


def _features(period: Period) -> Iterator[tuple[slice, StoredLNF]]:
    """Go through the features of the period, a few sessions at a time, in one buffer."""
    panel = period.panel
    buffer = np.empty((_AT_ONCE, len(panel.codes), len(panel.feature_names)), dtype=np.float32)
    for first in range(period.start, period.stop, _AT_ONCE):
        last = min(first + _AT_ONCE, period.stop)
        block = panel.read(first, last, out=buffer[: last - first])
        yield slice(first - period.start, last - period.start), block
