"""What has moved between the sessions a model learned from and the one it ranks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Float32

from gogooku3.axes import IntD, RowsRF
from gogooku3.evaluation.drift.drift_alarm import DriftAlarm
from gogooku3.evaluation.drift.missing_rate import missing_rate
from gogooku3.evaluation.drift.population_stability import population_stability
from gogooku3.evaluation.drift.reference_bins import reference_bins
from gogooku3.evaluation.drift.settings import DriftSettings
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.drift_sample import Sample, raw_outputs, sample_of
from gogooku3.pipeline.ranker import Ranker
from gogooku3.scoring.blend import BlendScorer
from gogooku3.scoring.scorer import RowScorer, Scorer

_STRETCH = 10


def feature_alarms(
    names: Sequence[str], before: RowsRF, values: RowsRF, settings: DriftSettings
) -> list[DriftAlarm]:
    """Return what has moved of the features, or is missing more often.

    Args:
        names: Of the features.
        before: As they stand in the panel, on a sample of the stock-days learned from [R, F].
        values: Of the session's universe [R, F].
        settings: When it is an alarm.
    """
    found: list[DriftAlarm | None] = []
    for f, name in enumerate(names):
        found.append(_moved(name, before[:, f], values[:, f], settings))
        if np.count_nonzero(~np.isnan(before[:, f])) >= settings.bins and len(values):
            bins = reference_bins(before[:, f], bins=settings.bins)
            found.append(missing_rate(bins, values[:, f], name=name).alarm(settings))
    return [alarm for alarm in found if alarm is not None]


def score_alarms(ranker: Ranker, panel: Panel, day: int, settings: DriftSettings) -> list[DriftAlarm]:
    """Return what has moved of the model's raw outputs; of a blend, which is of ranks, those of its two models.

    Args:
        ranker: The model, and the sessions that it was fitted on.
        panel: The panel.
        day: The session.
        settings: Sample, and when it is an alarm.
    """
    found: list[DriftAlarm | None] = []
    for name, part in _parts(ranker.model, ranker.scorer).items():
        before = _outputs_of(part, panel, ranker.learned, settings)
        after = raw_outputs(part, panel, [(day, slice(None))])
        for t, target in enumerate(panel.targets):
            found.append(_moved(f"score {name} {target}", before[:, t], after[:, t], settings))
    return [alarm for alarm in found if alarm is not None]


def _moved(name: str, before: np.ndarray, values: np.ndarray, settings: DriftSettings) -> DriftAlarm | None:
    """Hold one session's values against those learned from.

    The index of few values is far from 0 even if nothing has moved, so what is expected then is taken off it.
    """
    if np.count_nonzero(~np.isnan(before)) < settings.bins:
        return None
    found = population_stability(reference_bins(before, bins=settings.bins), values, name=name)
    return found.alarm(settings) if found.index - found.floor > settings.max_psi else None


def _parts(model: str, scorer: Scorer) -> Mapping[str, Scorer]:
    if isinstance(scorer, BlendScorer):
        return dict(zip(scorer.blend.of, scorer.parts, strict=True))
    return {model: scorer}


def _outputs_of(
    scorer: Scorer, panel: Panel, learned: IntD, settings: DriftSettings
) -> Float32[np.ndarray, "R T"]:
    """Return raw outputs on a sample; deep models read it in stretches, each with its own sessions before it."""
    if isinstance(scorer, RowScorer):
        return raw_outputs(scorer, panel, sample_of(panel, learned, settings))
    sample = sample_of(panel, learned, settings, stretch=_STRETCH)
    return np.concatenate([raw_outputs(scorer, panel, part) for part in _stretches(sample)])


def _stretches(sample: Sample) -> Iterator[Sample]:
    """Cut a sample where sessions do not follow each other."""
    begin = 0
    for i in range(1, len(sample) + 1):
        if i == len(sample) or sample[i][0] != sample[i - 1][0] + 1:
            yield sample[begin:i]
            begin = i
