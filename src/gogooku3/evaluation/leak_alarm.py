"""Whether a score is too good to be honest, or lives on the price it is entered at."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gogooku3.evaluation.report.wording import interval, listed, number, percent, sessions
from gogooku3.evaluation.significance import MeanTest, ewc_test
from gogooku3.labels.target import Target

if TYPE_CHECKING:
    from gogooku3.evaluation.settings import EvaluationSettings
    from gogooku3.evaluation.target_evaluation import TargetEvaluation

_AT_ONCE, _NEXT = Target(1, 0), Target(1, 1)
_TOO_GOOD = (
    "A feature, a normaliser or the choice of the universe has seen later sessions.",
    "The label, or a part of it, is among the features, or labels and scores are shifted against each other.",
    "A model was fitted, stopped or chosen on sessions that it is tested on.",
    "Prices were adjusted by a factor that was not known yet, or wrongly, so that jumps can be foretold.",
)
_COLLAPSE = (
    "The score uses the very close it is entered at, as one-day reversal does: nobody could trade it.",
    "Closes bounce between bid and ask, and what bounces back at once is no return.",
    "The label is shifted by one session, or a feature has seen the next one.",
    "Stale prices: a close that did not trade catches up on the next session.",
)


@dataclass(frozen=True, kw_only=True)
class LeakAlarm:
    """One finding, to be explained before the figures are believed.

    Attributes:
        kind: ``too good`` or ``collapse``.
        model: Name of the scores.
        target: Target whose RankIC was looked at.
        seen: The mean RankIC, or the share of the RankIC at lag 0 that is left at lag 1.
        threshold: What ``seen`` was held against: a limit from above for ``too good``, from below for ``collapse``.
        text: The finding as a sentence.
        causes: Likely causes, a sentence each.
    """

    kind: str
    model: str
    target: Target
    seen: float
    threshold: float
    text: str
    causes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LeakCheck:
    """What was looked for, what was found, and what could not be looked at.

    Attributes:
        alarms: Findings, model by model; none is the usual case.
        unseen: What could not be looked at and why, a sentence each.
        rule: How the thresholds are defined.
    """

    alarms: tuple[LeakAlarm, ...]
    unseen: tuple[str, ...]
    rule: str

    @property
    def headline(self) -> str:
        """``No leak alarm`` or how many there are."""
        return f"Leak alarm: {len(self.alarms)}" if self.alarms else "No leak alarm"

    @property
    def explanation(self) -> str:
        """The rule, and what could not be looked at."""
        return " ".join([self.rule, *self.unseen])


def look_for_leaks(
    results: Sequence[TargetEvaluation],
    *,
    settings: EvaluationSettings,
    attainable: Mapping[Target, float] | None = None,
) -> LeakCheck:
    """Hold the RankIC of every contestant against the thresholds of ``settings.leak_alarm``.

    Too good is a mean RankIC at lag 1 or more, of either sign, beyond ``max_rank_ic``; where the attainable RankIC
    is known, one that is surely beyond that. A collapse is a 1-session RankIC that is at least ``min_rank_ic``
    and surely above 0 at lag 0, of which less than ``min_kept`` is left at lag 1, by a fall that is surely above
    0. Surely means by the interval of the equal-weighted cosine test at ``settings.confidence``; the fall is that
    of the paired days.

    An honest one-session score loses half and more by lag 1, since part of what it foretells has happened by
    then: on Tokyo ridge and LightGBM keep .43 and .44 over five years and .32 to .62 in single ones. One-day
    reversal keeps .10 to .25 there; the threshold lies between.

    Args:
        results: Every model at every target, the attainable benchmark included.
        settings: Thresholds, level of the intervals and the benchmark's name.
        attainable: Known attainable RankIC per target; that of the benchmark's scores takes precedence.
    """
    known = dict(attainable or {})
    known |= {r.target: r.whole.rank_ic.mean for r in results if r.model == settings.attainable}
    known = {target: mean for target, mean in known.items() if mean > 0}
    models: dict[str, dict[Target, TargetEvaluation]] = {}
    for result in results:
        if result.model != settings.attainable:
            models.setdefault(result.model, {})[result.target] = result
    alarms: list[LeakAlarm] = []
    for found in models.values():
        alarms += _too_good(found.values(), settings.leak_alarm.max_rank_ic, known)
        alarms += _collapse(found, settings)
    return LeakCheck(
        alarms=tuple(alarms), unseen=tuple(_unseen(models, settings)), rule=_rule(settings, bool(known))
    )


def _too_good(
    results: Iterable[TargetEvaluation], usual: float, attainable: Mapping[Target, float]
) -> Iterator[LeakAlarm]:
    for result in results:
        target, rank_ic = result.target, result.whole.rank_ic
        limit = attainable.get(target, usual)
        surely = rank_ic.low if rank_ic.mean > 0 else -rank_ic.high
        within = target in attainable and surely <= limit  # a perfect score has no interval
        if target.lag < 1 or not abs(rank_ic.mean) > limit or within:
            continue
        verdict = (
            f"above what is attainable, {number(limit)}: a leak"
            if target in attainable
            else f"beyond {_threshold(limit)} is a leak until proven otherwise"
        )
        where = f"{result.model} at {sessions([target.horizon])}, lag {target.lag}"
        yield LeakAlarm(
            kind="too good",
            model=result.model,
            target=target,
            seen=rank_ic.mean,
            threshold=limit,
            text=f"{where}, has a RankIC of {number(rank_ic.mean)}: {verdict}.",
            causes=_TOO_GOOD,
        )


def _collapse(
    results: Mapping[Target, TargetEvaluation], settings: EvaluationSettings
) -> Iterator[LeakAlarm]:
    if not {_AT_ONCE, _NEXT} <= results.keys():
        return
    leak_alarm = settings.leak_alarm
    first, later = (results[target].whole.rank_ic for target in (_AT_ONCE, _NEXT))
    fall = _fall(results, settings)
    substantial = first.mean >= leak_alarm.min_rank_ic and first.mean > 0 and not first.low <= 0
    if substantial and later.mean < leak_alarm.min_kept * first.mean and fall.low > 0:
        kept = later.mean / first.mean
        yield LeakAlarm(
            kind="collapse",
            model=results[_NEXT].model,
            target=_NEXT,
            seen=kept,
            threshold=leak_alarm.min_kept,
            text=(
                f"{results[_NEXT].model}: the RankIC at 1 session falls from {number(first.mean)} at lag 0 to "
                f"{number(later.mean)} at lag 1; {percent(kept, 0)} of it is left, less than "
                f"{100 * leak_alarm.min_kept:g} % ({100 * settings.confidence:g} % interval of the fall "
                f"{interval(fall.low, fall.high)})."
            ),
            causes=_COLLAPSE,
        )


def _fall(results: Mapping[Target, TargetEvaluation], settings: EvaluationSettings) -> MeanTest:
    """Lag 0 less lag 1, over the sessions that have both."""
    lost = results[_AT_ONCE].rank_ic.values - results[_NEXT].rank_ic.values
    return ewc_test(lost, confidence=settings.confidence)


def _unseen(
    models: Mapping[str, Mapping[Target, TargetEvaluation]], settings: EvaluationSettings
) -> Iterator[str]:
    lacking = [model for model, found in models.items() if _NEXT not in found]
    if lacking:
        yield f"Not looked at, for want of that target: the RankIC at 1 session and lag 1 of {listed(lacking)}."
    lacking = [model for model, found in models.items() if not {_AT_ONCE, _NEXT} <= found.keys()]
    if lacking:
        yield (
            "Not looked at, for want of the 1-session target at lag 0 and at lag 1: a collapse of "
            f"{listed(lacking)}."
        )
    short = [
        model
        for model, found in models.items()
        if model not in lacking and not math.isfinite(_fall(found, settings).low)
    ]
    if short:
        yield f"Not looked at, for want of sessions: a collapse of {listed(short)}."


def _rule(settings: EvaluationSettings, known: bool) -> str:
    leak_alarm = settings.leak_alarm
    instead = " (where the attainable one is known: surely beyond that)" if known else ""
    return (
        f"Flagged are a mean RankIC beyond {_threshold(leak_alarm.max_rank_ic)} at lag 1 or more{instead}, and a "
        f"collapse: a 1-session RankIC of at least {_threshold(leak_alarm.min_rank_ic)} at lag 0 of which less than "
        f"{100 * leak_alarm.min_kept:g} % is left at lag 1, it and the fall being above 0 by their "
        f"{100 * settings.confidence:g} % intervals."
    )


def _threshold(value: float) -> str:
    return number(value, 2) if round(value, 2) == value else f"{value:g}"
