"""What may be believed of the best trial of a sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from gogooku3.errors import EvaluationError, StorageError
from gogooku3.evaluation.many_tries.deflated_sharpe import DeflatedSharpe, deflated_sharpe
from gogooku3.evaluation.many_tries.overfitting import overfitting
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.ledger_chain import last_attempts
from gogooku3.sweeps.ledger_entry import LedgerEntry
from gogooku3.sweeps.noise_check import NoiseCheck, noise_check
from gogooku3.sweeps.trial_series import TrialSeries

LEVEL = 0.05
_MOST_BLOCKS, _LEAST_BLOCKS = 16, 4
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Honesty:
    """The best trial, and what is left of it after counting all that were tried. None is what could not be computed.

    Attributes:
        trials: Trials that have ended, however they did; several attempts at one point are one.
        without_series: Those of them that have no daily series that varies.
        effective_trials: As many independent ones, by the mean correlation of their daily RankIC.
        best: Number of the complete trial with the largest value.
        value: Its value.
        sharpe: Its Sharpe ratio, net, per session.
        sharpe_threshold: The Sharpe ratio that the best of as many worthless trials is expected to show.
        deflated_sharpe: Probability that its true ratio is above the threshold (DSR), for autocorrelated returns.
        overfitting: Probability of backtest overfitting (PBO) of choosing by mean RankIC, by CSCV.
        noise_p_value: Probability that the best of as many worthless trials shows so large a mean RankIC.
        believed: Whether ``noise_p_value`` is at most 5 %: the best can be told from the best of worthless ones.
        unknown: Why something is None, or a trial without a series, by name, in a sentence.
    """

    trials: int
    without_series: int
    effective_trials: float | None = None
    best: int | None = None
    value: float | None = None
    sharpe: float | None = None
    sharpe_threshold: float | None = None
    deflated_sharpe: float | None = None
    overfitting: float | None = None
    noise_p_value: float | None = None
    believed: bool = False
    unknown: Mapping[str, str] = field(default_factory=dict)

    def sentence(self) -> str:
        """Say whether the best trial can be told from the best of as many worthless ones."""
        if self.best is None:
            return f"Nothing can be believed: {self.unknown['best']}"
        about = "the only trial"
        worthless = "a worthless one"
        if self.trials > 1:
            about = f"the best of {self.trials} trials"
            worthless = "the best of as many worthless ones"
        if self.noise_p_value is None:
            return f"Whether {about} can be told from {worthless} is unknown: {self.unknown['noise']}"
        if self.trials > 1 and self.effective_trials is not None:
            about += f" (about {self.effective_trials:.0f} independent ones)"
        can = "can" if self.believed else "cannot"
        return f"{about.capitalize()} {can} be told from {worthless} (p {_probability(self.noise_p_value)})."


def judge(ledger: Ledger) -> Honesty:
    """Judge a sweep by its ledger.

    Whatever cannot be computed is None, with its reason; only a ledger that cannot be read is an error.

    Args:
        ledger: Of the sweep, at any moment.

    Raises:
        StorageError: The ledger is damaged.

    Source: Bailey and López de Prado (2014), "The Deflated Sharpe Ratio"; Bailey, Borwein, López de Prado and Zhu
    (2017), "The Probability of Backtest Overfitting"; for the noise check see `noise_check`.
    """
    trials = last_attempts(ledger.read().trials)
    unknown: dict[str, str] = {}
    series: dict[int, TrialSeries] = {}
    for number, entry in trials.items():
        try:
            if entry.series is not None:
                series[number] = _varying(ledger.series(entry.series))
        except (StorageError, EvaluationError) as error:
            unknown[f"trial {number}"] = _sentence(error)
    return _judged(trials, series, unknown)


def _judged(
    trials: Mapping[int, LedgerEntry], series: Mapping[int, TrialSeries], unknown: dict[str, str]
) -> Honesty:
    values = {number: entry.value for number, entry in trials.items() if entry.value is not None}
    without = len(trials) - len(series)
    if not values:
        return Honesty(
            trials=len(trials),
            without_series=without,
            unknown={**unknown, "best": f"none of {len(trials)} trials is complete."},
        )
    best = max(values, key=lambda number: (values[number], -number))
    noise, deflated, probability = None, None, None
    if best in series:
        daily = _Daily(series, best)
        noise = _try("noise", unknown, lambda: daily.noise(without))
        deflated = _try("deflated_sharpe", unknown, lambda: daily.deflated(without))
        probability = _try("overfitting", unknown, daily.overfitting)
    else:
        lacking = f"trial {best}, the best, has no daily series that can be used, or none that varies."
        unknown |= dict.fromkeys(("noise", "deflated_sharpe", "overfitting"), lacking)
    p_value = None if noise is None else noise.p_value
    return Honesty(
        trials=len(trials),
        without_series=without,
        effective_trials=None if noise is None else noise.effective,
        best=best,
        value=values[best],
        sharpe=None if deflated is None else deflated.sharpe.ratio,
        sharpe_threshold=None if deflated is None else deflated.threshold,
        deflated_sharpe=None if deflated is None else deflated.serial_probability,
        overfitting=probability,
        noise_p_value=p_value,
        believed=p_value is not None and p_value <= LEVEL,
        unknown=unknown,
    )


class _Daily:
    """The series of the trials on the sessions that any has, a column a trial."""

    def __init__(self, series: Mapping[int, TrialSeries], best: int) -> None:
        sessions = np.unique(np.concatenate([one.sessions for one in series.values()]))
        self.rank_ic = np.full((len(sessions), len(series)), np.nan)
        self.net = self.rank_ic.copy()
        for column, one in enumerate(series.values()):
            rows = np.searchsorted(sessions, one.sessions)
            self.rank_ic[rows, column] = one.mean_rank_ic
            self.net[rows, column] = one.mean_net
        self.best = list(series).index(best)
        self.horizon = max(max(one.horizons) for one in series.values())

    def noise(self, without: int) -> NoiseCheck:
        return noise_check(self.rank_ic, self.best, horizon=self.horizon, without_series=without)

    def deflated(self, without: int) -> DeflatedSharpe:
        return deflated_sharpe(self.net, self.best, without_series=without)

    def overfitting(self) -> float:
        """Choose by mean RankIC in blocks of days that are no shorter than two labels."""
        days = int(np.isfinite(self.rank_ic).all(axis=1).sum())
        blocks = min(_MOST_BLOCKS, days // (4 * self.horizon) * 2)
        if blocks < _LEAST_BLOCKS:
            raise EvaluationError(
                "trials have too few days in common",
                got=f"{days} days",
                expected=f"at least {_LEAST_BLOCKS} blocks of {2 * self.horizon}",
            )
        return overfitting(self.rank_ic, blocks=blocks, measure="mean").probability


def _try(what: str, unknown: dict[str, str], work: Callable[[], _T]) -> _T | None:
    try:
        return work()
    except EvaluationError as error:
        unknown[what] = _sentence(error)
        return None


def _varying(series: TrialSeries) -> TrialSeries:
    known = series.mean_rank_ic[np.isfinite(series.mean_rank_ic)]
    if len(known) < 2 or np.ptp(known) == 0:
        raise EvaluationError("its daily RankIC does not vary", got=f"{len(known)} days with one")
    return series


def _sentence(error: EvaluationError | StorageError) -> str:
    told = [str(error.got)] if error.got else []
    told += [f"expected: {error.expected}"] if error.expected else []
    return f"{error.what} ({', '.join(told)})." if told else f"{error.what}."


def _probability(p: float) -> str:
    """Write a probability to two digits, or three where it is small."""
    if p < 0.001:
        return "< .001"
    text = f"{p:.2f}" if p >= 0.095 else f"{p:.3f}"
    return "= " + text.removeprefix("0")
