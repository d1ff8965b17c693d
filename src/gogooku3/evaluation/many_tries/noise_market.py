"""A market that no score can foretell, and the daily series that tests are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from gogooku3.axes import FloatDN
from gogooku3.ranks import average_ranks

Series = Float64[np.ndarray, "P H D"]
"""One daily series per persistence and horizon."""

_SECTORS = 10
_TAIL = 5  # degrees of freedom of a single stock's return
_TENTH = 10


@dataclass(frozen=True, eq=False, kw_only=True)
class NoiseMarket:
    """Daily series of scores that know nothing, whose true means are all 0.

    Attributes:
        persistence: First-order autocorrelation of each score; 1 never changes.
        horizons: Sessions of each label.
        rank_ic: Daily RankIC of each score at each horizon.
        spread: Daily top minus bottom decile of each score at each horizon, log returns.
        portfolio: Daily return of the decile long-short portfolio in overlapping tranches.
    """

    persistence: tuple[float, ...]
    horizons: tuple[int, ...]
    rank_ic: Series
    spread: Series
    portfolio: Series


def noise_market(
    seed: int | Sequence[int],
    *,
    persistence: Sequence[float] = (0.0, 0.9, 0.98),
    horizons: Sequence[int] = (1, 5, 10, 20),
    days: int = 750,
    stocks: int = 200,
    lag: int = 1,
    factors: bool = False,
) -> NoiseMarket:
    """Draw one market and its scores, independent of each other.

    Every score is a stationary Gaussian autoregression of its own for each stock. Returns are independent over
    sessions: either standard normal, or, with ``factors``, the sum of a market return times a beta, of ten
    sectors' returns and of Student's t noise with 5 degrees of freedom, all times a volatility that wanders
    (autoregression of its logarithm, .98, standard deviation .4). A label is the log return from the close
    ``lag`` sessions after the score to ``horizon`` sessions later, so that labels of neighbouring sessions
    overlap; the RankIC then is autocorrelated as far as both score and label are.

    Args:
        seed: Same seed, same market.
        persistence: Autocorrelation of each score, 0 to 1.
        horizons: Sessions of each label.
        days: Sessions of each series.
        stocks: Names of each session.
        lag: Sessions from score to entry.
        factors: Correlated stocks, heavy tails and clustered volatility instead of plain noise.
    """
    rng = np.random.default_rng(seed)
    longest = max(horizons)
    returns = _returns(rng, days + longest + lag + longest, stocks, factors)
    price = np.concatenate([np.zeros((1, stocks)), np.cumsum(returns, axis=0)])  # log, at each close
    first = longest  # rows before it only feed the tranches of the portfolio
    labels = [_label(price, first + lag, horizon, days) for horizon in horizons]
    ranked = [_standardised(label) for label in labels]
    shape = (len(persistence), len(horizons), days)
    rank_ic, spread, portfolio = np.empty(shape), np.empty(shape), np.empty(shape)
    for p, phi in enumerate(persistence):
        ranks = _standardised(_scores(rng, first + days, stocks, phi))
        weight = _decile_weights(ranks)
        for h, horizon in enumerate(horizons):
            rank_ic[p, h] = np.einsum("dn,dn->d", ranks[first:], ranked[h])
            spread[p, h] = np.einsum("dn,dn->d", weight[first:], labels[h])
            held = _tranches(weight, horizon)[first:]
            portfolio[p, h] = np.einsum("dn,dn->d", held, returns[first + lag : first + lag + days])
    return NoiseMarket(
        persistence=tuple(persistence),
        horizons=tuple(horizons),
        rank_ic=rank_ic,
        spread=spread,
        portfolio=portfolio,
    )


def _returns(rng: np.random.Generator, days: int, stocks: int, factors: bool) -> FloatDN:
    """Return log returns; row t is from close t to close t + 1."""
    if not factors:
        return rng.standard_normal((days, stocks))
    noise = rng.standard_t(_TAIL, (days, stocks)) * rng.uniform(0.5, 1.5, stocks)
    sector = rng.integers(0, _SECTORS, stocks)
    common = rng.standard_normal((days, 1)) * rng.uniform(0.3, 1.7, stocks)
    common += 0.5 * rng.standard_normal((days, _SECTORS))[:, sector]
    volatility = np.exp(0.4 * _scores(rng, days, 1, 0.98))
    total: np.ndarray = volatility * (noise + common)
    return total


def _scores(rng: np.random.Generator, days: int, stocks: int, phi: float) -> FloatDN:
    if phi >= 1:
        return np.repeat(rng.standard_normal((1, stocks)), days, axis=0)
    from scipy.signal import lfilter

    noise = rng.standard_normal((days, stocks))
    noise[1:] *= np.sqrt(1 - phi**2)  # the first row is stationary already
    score: np.ndarray = lfilter([1.0], [1.0, -phi], noise, axis=0)
    return score


def _label(price: np.ndarray, entry: int, horizon: int, days: int) -> FloatDN:
    label: FloatDN = price[entry + horizon : entry + horizon + days] - price[entry : entry + days]
    return label


def _standardised(grid: FloatDN) -> FloatDN:
    """Return each row's ranks with mean 0 and length 1, so that products are correlations."""
    ranks = average_ranks(grid)
    ranks -= ranks.mean(axis=1, keepdims=True)
    ranks /= np.linalg.norm(ranks, axis=1, keepdims=True)
    return ranks


def _decile_weights(ranks: FloatDN) -> FloatDN:
    """Return +1/n in the top tenth of each row and -1/n in the bottom tenth; no score is tied."""
    names = max(1, ranks.shape[1] // _TENTH)
    ordered = np.sort(ranks, axis=1)
    top, bottom = ranks >= ordered[:, -names, None], ranks <= ordered[:, names - 1, None]
    weight: FloatDN = (top.astype(np.float64) - bottom) / names
    return weight


def _tranches(weight: FloatDN, horizon: int) -> FloatDN:
    """Return the mean of the last ``horizon`` rows; the first rows average what there is."""
    total = np.cumsum(weight, axis=0)
    total[horizon:] -= total[:-horizon].copy()
    counts = np.minimum(np.arange(1, len(weight) + 1), horizon)
    held: FloatDN = total / counts[:, None]
    return held
