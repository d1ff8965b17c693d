"""What came of a trial, as the ledger keeps it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial

from gogooku3.sweeps.engines.protocol import Facts, Failed
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.ledger_entry import LedgerEntry
from gogooku3.sweeps.study import LIVE, REASON, attempt_of
from gogooku3.sweeps.trial_series import TrialSeries


class Attempt:
    """An attempt at a trial, from its beginning; ends with one line in the ledger.

    Args:
        ledger: Where it is written down.
        number: Number of the trial.
        attempt: How often its point had been tried before.
        params: The point.
        seed: Seed of the models.
        began: When it began, in this machine's time, if that was before now.
        seconds: Time at work before now.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        number: int,
        attempt: int,
        params: Mapping[str, Any],
        seed: int,
        began: datetime | None = None,
        seconds: float | None = None,
    ) -> None:
        self._ledger = ledger
        self._clock, self._lost = time.monotonic(), seconds
        self._known: dict[str, Any] = {
            "number": number,
            "attempt": attempt,
            "params": dict(params),
            "seed": seed,
            "started": in_utc(began),
        }
        self._memory: float | None = None

    @property
    def seconds(self) -> float:
        """Time at work."""
        return self._lost if self._lost is not None else time.monotonic() - self._clock

    def saw(self, facts: Facts) -> None:
        """Remember the memory that an epoch told of."""
        self._memory = facts.get("memory_mb", self._memory)

    def complete(self, outcome: Facts) -> LedgerEntry:
        """Write down a trial that ended well.

        Raises:
            StorageError: The ledger cannot be written.
        """
        number, attempt = self._known["number"], self._known["attempt"]
        series = self._ledger.store(number, attempt, series_of(outcome["series"]))
        return self._write(
            state="COMPLETE",
            value=outcome["value"],
            epochs=tuple(outcome["epochs"].values()),
            fold_rank_ic=tuple(outcome["fold_rank_ic"].values()),
            memory_mb=outcome["memory_mb"],
            series=series,
        )

    def pruned(self, epoch: int) -> LedgerEntry:
        """Write down a trial that was given up.

        Raises:
            StorageError: The ledger cannot be written.
        """
        reason = f"below the median of the other trials after epoch {epoch}"
        return self._write(state="PRUNED", why="pruned", reason=reason, memory_mb=self._memory)

    def failed(self, failure: Failed) -> LedgerEntry:
        """Write down a trial that failed.

        Raises:
            StorageError: The ledger cannot be written.
        """
        return self._write(
            state="FAIL",
            why=failure.why,
            reason=failure.reason,
            traceback=failure.traceback or None,
            memory_mb=self._memory,
        )

    def _write(self, **said: Any) -> LedgerEntry:
        ended = datetime.now(tz=UTC)
        entry = LedgerEntry(**self._known, ended=ended, seconds=self.seconds, **said)
        self._ledger.append(entry)
        return entry


def known_of(trial: FrozenTrial, seed: int) -> LedgerEntry:
    """Return what a study alone knows of a trial that has ended: neither its series nor the epochs that it chose."""
    state = trial.state.name
    complete = state == "COMPLETE"
    return LedgerEntry.model_validate(
        {
            "number": trial.number,
            "attempt": attempt_of(trial),
            "params": trial.params,
            "seed": seed,
            "state": state,
            "why": {"COMPLETE": None, "PRUNED": "pruned"}.get(state, "error"),
            "reason": None
            if complete
            else trial.user_attrs.get(REASON, "its machine told the study no reason"),
            "value": trial.value if complete else None,
            "started": in_utc(trial.datetime_start),
            "ended": in_utc(trial.datetime_complete),
            "seconds": trial.user_attrs.get(LIVE, {}).get("seconds", 0.0),
        }
    )


def in_utc(moment: datetime | None) -> datetime:
    """Return a moment of this machine's time, as Optuna has it, in UTC; the present if there is none."""
    return datetime.now(tz=UTC) if moment is None else moment.astimezone(UTC)


def unfit(outcome: Facts) -> str | None:
    """Return why an outcome is no result, None if it is one."""
    value = outcome.get("value")
    if isinstance(value, float) and math.isfinite(value):
        return None
    return f"the objective is {value}, no finite number"


def series_of(series: Mapping[str, Any]) -> TrialSeries:
    """Return the daily series that a trial told of."""
    horizons = tuple(map(int, series["rank_ic"]))

    def grid(name: str) -> np.ndarray:
        return np.array([series[name][str(h)] for h in horizons], dtype=np.float64)

    return TrialSeries(
        sessions=np.array(series["date"], dtype="datetime64[D]"),
        horizons=horizons,
        rank_ic=grid("rank_ic"),
        net=grid("net"),
    )
