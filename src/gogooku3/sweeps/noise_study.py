"""Sweeps of trials that know nothing, or of which some know a little: what the noise check is calibrated on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gogooku3.axes import FloatD
from gogooku3.sweeps.trial_series import TrialSeries

_RANK_IC, _RETURN = 0.1, 0.01  # standard deviations of a session
_STEADY, _TURBULENCE = 0.98, 0.4  # of the logarithm of volatility: autocorrelation and standard deviation


def noise_study(
    seed: int | Sequence[int],
    *,
    trials: int,
    days: int = 490,
    correlation: float = 0.5,
    persistence: float = 0.98,
    horizons: Sequence[int] = (1, 5, 10, 20),
    skill: FloatD | None = None,
) -> tuple[TrialSeries, ...]:
    """Draw the daily series of a sweep's trials.

    What a trial's score of session t earns on a later session s is a draw a(t, s). It is the same trial's and the same
    session's, so neighbouring scores earn alike: over t it is a stationary autoregression; over s draws are
    independent, with a volatility that wanders. The RankIC of session t is .1 times the sum of the next h draws over
    the root of h, the return of session s .01 times the mean of what the last h scores earn on it. Labels of
    neighbouring sessions overlap, so the RankIC is autocorrelated as far as label and score are.

    Args:
        seed: Same seed, same study.
        trials: Trials M.
        days: Sessions.
        correlation: Between the draws of any two trials.
        persistence: Correlation of the scores of neighbouring sessions.
        horizons: Sessions of each label.
        skill: Mean of each trial's draws, which is about its daily Sharpe ratio; none for worthless trials, [M].
    """
    rng = np.random.default_rng(seed)
    longest = max(horizons)
    sessions = days + longest
    volatility = np.exp(_TURBULENCE * _autoregression(rng.standard_normal((sessions, 1, 1)), _STEADY, 0))
    shape = (sessions, longest, trials)
    common = rng.standard_normal((sessions, longest, 1))
    draws = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * rng.standard_normal(shape)
    earned = volatility / np.sqrt((volatility**2).mean()) * _autoregression(draws, persistence, 1)
    if skill is not None:
        earned += skill
    rank_ic, net = np.empty((len(horizons), days, trials)), np.empty((len(horizons), days, trials))
    for row, horizon in enumerate(horizons):
        ages = [
            earned[age + 1 : age + 1 + days, age] for age in range(horizon)
        ]  # a score t earns on t + 1 + age
        rank_ic[row] = _RANK_IC * sum(ages) / np.sqrt(horizon)
        net[row] = _RETURN * earned[longest:, :horizon].mean(axis=1)
    calendar = np.datetime64("2020-01-01") + np.arange(days)
    return tuple(
        TrialSeries(
            sessions=calendar, horizons=tuple(horizons), rank_ic=rank_ic[:, :, trial], net=net[:, :, trial]
        )
        for trial in range(trials)
    )


def _autoregression(noise: np.ndarray, phi: float, axis: int) -> np.ndarray:
    """Return a stationary autoregression of variance 1 along an axis."""
    series = np.moveaxis(noise, axis, 0).copy()
    for step in range(1, len(series)):
        series[step] = phi * series[step - 1] + np.sqrt(1 - phi**2) * series[step]
    return np.moveaxis(series, 0, axis)
