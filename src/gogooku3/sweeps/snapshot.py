"""How a search stands, read from its study alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

FINISHED = ("COMPLETE", "PRUNED", "FAIL")


@dataclass(frozen=True, kw_only=True)
class Running:
    """A trial at work.

    Attributes:
        number: Its number.
        minutes: Since it began.
        curve: RankIC after each epoch of the first fold.
        live: What its last epoch told: fold, epoch, loss, stock-days a second, memory.
        params: Its point, so far as it is chosen.
    """

    number: int
    minutes: float
    curve: Sequence[float]
    live: Mapping[str, Any]
    params: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A search at a moment.

    Attributes:
        name: Of the study.
        states: Trials by state.
        best: Number, value and point of the best completed trial; None before the first.
        running: Trials at work.
        failed: Number and reason of the last that failed.
        per_hour: Trials that ended in an hour of work; None before the first.
        hours_left: For those that have not ended; None before the first.
        values: Value of every completed trial, by number.
    """

    name: str
    states: Mapping[str, int]
    best: tuple[int, float, Mapping[str, Any]] | None
    running: Sequence[Running]
    failed: Sequence[tuple[int, str]]
    per_hour: float | None
    hours_left: float | None
    values: Mapping[int, float] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        return not self.states.get("RUNNING") and not self.states.get("WAITING")


def take(name: str, trials: Sequence[FrozenTrial], now: datetime) -> Snapshot:
    """Look at all trials of a study.

    Args:
        name: Of the study.
        trials: All of them.
        now: The present, as the study's database counts it.
    """
    from gogooku3.sweeps.study import LIVE, REASON

    states = Counter(trial.state.name for trial in trials)
    values = {t.number: float(t.value) for t in trials if t.state.name == "COMPLETE" and t.value is not None}
    best = max(values, key=lambda number: values[number], default=None)
    running = [
        Running(
            number=trial.number,
            minutes=(now - trial.datetime_start).total_seconds() / 60 if trial.datetime_start else 0.0,
            curve=[value for _, value in sorted(trial.intermediate_values.items())],
            live=trial.user_attrs.get(LIVE, {}),
            params=trial.params,
        )
        for trial in trials
        if trial.state.name == "RUNNING"
    ]
    per_hour = _per_hour(trials, now)
    left = states.get("RUNNING", 0) + states.get("WAITING", 0)
    return Snapshot(
        name=name,
        states=dict(states),
        best=None if best is None else (best, values[best], trials[best].params),
        running=running,
        failed=[
            (t.number, t.user_attrs.get(REASON, "no reason is known"))
            for t in trials
            if t.state.name == "FAIL"
        ],
        per_hour=per_hour,
        hours_left=None if not per_hour else left / per_hour,
        values=values,
    )


def _per_hour(trials: Sequence[FrozenTrial], now: datetime) -> float | None:
    """Return trials that ended by hours in which any was at work, so that a night without work does not count."""
    spans = sorted(
        (t.datetime_start, t.datetime_complete or now)
        for t in trials
        if t.datetime_start is not None and t.state.name != "WAITING"
    )
    ended = sum(t.state.name in FINISHED for t in trials)
    busy, reached = 0.0, None
    for start, stop in spans:
        begin = start if reached is None or start > reached else reached
        if stop > begin:
            busy += (stop - begin).total_seconds()
            reached = stop
    return ended / (busy / 3600) if ended and busy > 0 else None
