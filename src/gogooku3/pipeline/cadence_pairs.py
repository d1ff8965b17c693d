"""The same models, fitted anew at two cadences, on the same sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gogooku3.errors import EvaluationError, StorageError
from gogooku3.evaluation.paired import Paired, PairedCoverage, adjusted, paired
from gogooku3.evaluation.rank_series import RankSeries, rank_series
from gogooku3.labels.target import Target
from gogooku3.pipeline.contestant import Contestant, contestant
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.run_folder import Run

_LAG = 1


@dataclass(frozen=True, kw_only=True)
class CadencePair:
    """A model at one target, fitted anew at two cadences.

    Attributes:
        name: The model.
        before, now: Mean RankIC of the run and of its replay, over the days on which both have a value.
        paired: The daily difference, replay minus run.
    """

    name: str
    before: float
    now: float
    paired: Paired


def cadence_pairs(run: Run, replay: Run) -> tuple[tuple[CadencePair, ...], dict[str, str]]:
    """Compare a replay with its run at lag 1, or at the largest lag where there is none.

    Both are measured on the stock-days that both have a score for; the intervals are those of ``gogooku3 compare``.

    Args:
        run: The run that the replay is of.
        replay: A trained run on the same panel, with the same test years.

    Returns:
        The pairs by target and model, and why a model has none: it was not trained in the run, say.
    """
    judged, replayed = Judged(run), Judged(replay)
    targets = _targets(judged.panel.targets)
    found: list[CadencePair] = []
    without: dict[str, str] = {}
    for model in replay.settings.train.models:
        try:
            sides = contestant(replayed, model), contestant(judged, model)
        except (StorageError, EvaluationError) as error:
            without[model] = str(error)
            continue
        found += [_pair(*sides, target) for target in targets]
    level = replay.settings.evaluation.confidence
    decided = adjusted([each.paired for each in found], confidence=level) if found else ()
    pairs = [replace(each, paired=verdict) for each, verdict in zip(found, decided, strict=True)]
    return tuple(sorted(pairs, key=lambda each: (each.paired.target, each.name))), without


def _targets(known: Sequence[Target]) -> list[Target]:
    lag = _LAG if any(target.lag == _LAG for target in known) else max(target.lag for target in known)
    return [target for target in known if target.lag == lag]


def _pair(replay: Contestant, run: Contestant, target: Target) -> CadencePair:
    settings, panel = replay.run.settings.evaluation, run.panel
    label = run.labels(target, run.end)
    sides = [side.scores(target, panel) for side in (replay, run)]
    labelled = np.isfinite(label)
    keep = labelled & np.logical_and.reduce([np.isfinite(score) for score, _ in sides])
    now, before = (
        rank_series(score, members, label, keep, min_names=settings.min_names) for score, members in sides
    )
    counts = [int((np.isfinite(score) & labelled).sum()) for score, _ in sides]
    means = _means(before, now)
    return CadencePair(
        name=replay.model,
        before=means[0],
        now=means[1],
        paired=paired(
            (replay.label, now),
            (run.label, before),
            target=target,
            sessions=panel.sessions[run.start : run.stop],
            coverage=PairedCoverage(compared=int(keep.sum()), model=counts[0], against=counts[1]),
            settings=settings,
        ),
    )


def _means(first: RankSeries, other: RankSeries) -> tuple[float, float]:
    both = np.isfinite(first.values) & np.isfinite(other.values)
    if not both.any():
        return float("nan"), float("nan")
    return float(first.values[both].mean()), float(other.values[both].mean())
