"""What has moved between the sessions a model learned from and the one it ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from gogooku3.axes import IndexR, IntD, RowsRF
from gogooku3.evaluation.drift.drift_alarm import DriftAlarm
from gogooku3.evaluation.drift.missing_rate import missing_rate
from gogooku3.evaluation.drift.population_stability import population_stability
from gogooku3.evaluation.drift.reference_bins import ReferenceBins, reference_bins
from gogooku3.evaluation.drift.settings import DriftSettings
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.drift_sample import Sample, raw_features, raw_outputs, sample_of, stretch_of
from gogooku3.pipeline.ranker import Ranker
from gogooku3.scoring.blend import BlendScorer
from gogooku3.scoring.scorer import Scorer


@dataclass(frozen=True, eq=False, kw_only=True)
class Reference:
    """Values on a sample of the stock-days that a model learned from.

    Attributes:
        values: NaN where missing [R, C].
        session: Which session each is of [R].
    """

    values: Float32[np.ndarray, "R C"]
    session: IndexR


def feature_reference(panel: Panel, learned: IntD, settings: DriftSettings) -> Reference:
    """Return features as they stand in the panel, on a sample of the sessions learned from."""
    sample = sample_of(panel, learned, settings) if len(learned) else []
    return Reference(values=raw_features(panel, sample), session=_sessions(panel, sample))


def feature_alarms(
    names: Sequence[str], reference: Reference, values: RowsRF, settings: DriftSettings
) -> list[DriftAlarm]:
    """Return what has moved of the features, or is missing more often.

    Args:
        names: Of the features.
        reference: Those learned from.
        values: Of the session's universe [R, F].
        settings: When it is an alarm.
    """
    found: list[DriftAlarm | None] = []
    for f, name in enumerate(names):
        before = reference.values[:, f]
        if np.count_nonzero(~np.isnan(before)) >= settings.bins and len(values):
            bins = reference_bins(before, bins=settings.bins)
            found.append(_moved(name, bins, (before, reference.session), values[:, f], settings))
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
        reference = _outputs_of(part, panel, ranker.learned, settings)
        after = raw_outputs(part, panel, [(day, slice(None))])
        for t, target in enumerate(panel.targets):
            before = reference.values[:, t]
            if np.count_nonzero(~np.isnan(before)) >= settings.bins:
                bins = reference_bins(before, bins=settings.bins)
                called = f"score {name} {target}"
                found.append(_moved(called, bins, (before, reference.session), after[:, t], settings))
    return [alarm for alarm in found if alarm is not None]


def _moved(
    name: str,
    bins: ReferenceBins,
    learned: tuple[np.ndarray, np.ndarray],
    values: np.ndarray,
    settings: DriftSettings,
) -> DriftAlarm | None:
    """Hold one session's values against those learned from.

    The values of one session move together, and the index of few values is far from 0 even if nothing has moved. So
    what is expected of as many independent values is taken off the index, and it is an alarm only if no single session
    of the sample was as far from all of them.
    """
    found = population_stability(bins, values, name=name)
    alarm, beyond = found.alarm(settings), found.index - found.floor
    if alarm is None or not beyond > settings.max_psi:
        return None
    before, session = learned
    for one in np.unique(session):
        usual = population_stability(bins, before[session == one], name=name)
        if usual.index - usual.floor >= beyond:
            return None
    return alarm


def _parts(model: str, scorer: Scorer) -> Mapping[str, Scorer]:
    if isinstance(scorer, BlendScorer):
        return dict(zip(scorer.blend.of, scorer.parts, strict=True))
    return {model: scorer}


def _outputs_of(scorer: Scorer, panel: Panel, learned: IntD, settings: DriftSettings) -> Reference:
    """Return raw outputs on a sample of the sessions learned from."""
    sample = sample_of(panel, learned, settings, stretch=stretch_of(scorer))
    return Reference(values=raw_outputs(scorer, panel, sample), session=_sessions(panel, sample))


def _sessions(panel: Panel, sample: Sample) -> np.ndarray:
    """Return the session of each stock-day of a sample, int64 [R]."""
    days = np.array([day for day, _ in sample], dtype=np.int64)
    sizes = [len(range(int(panel.universe[day].sum()))[picked]) for day, picked in sample]
    return np.repeat(days, np.array(sizes, dtype=np.int64))
