"""From log returns to open, high, low, close, volume and the adjustment factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.axes import FloatDN
from gogooku3.sources.simulation.autoregression import autoregression
from gogooku3.sources.simulation.noise import Noise
from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.sources.simulation.stocks import Stocks
from gogooku3.sources.simulation.streams import stream
from gogooku3.sources.simulation.tape import Tape

_OVERNIGHT = 0.35  # share of a return's variance between the closes that falls before the open
_TICK_ABOVE = np.array([1000.0, 3000.0, 10_000.0, 30_000.0])
_TICKS = np.array([0.1, 0.5, 1.0, 5.0, 10.0])
_UNIT = 100.0  # shares of a trading unit


@dataclass(frozen=True, eq=False, kw_only=True)
class PriceGrids:
    """Bars of every stock on every session, traded or not; all [D, N]."""

    open: FloatDN
    high: FloatDN
    low: FloatDN
    close: FloatDN
    volume: FloatDN
    factor: FloatDN


def make_prices(
    settings: SimulationSettings, stocks: Stocks, noise: Noise, tape: Tape, *, alpha: FloatDN, factor: FloatDN
) -> PriceGrids:
    """Build bars whose total return ``close * factor`` is the noise plus yesterday's alpha.

    Args:
        settings: Size and seed.
        stocks: Traits.
        noise: Unpredictable returns.
        tape: Where the close lies in the range, and abnormal turnover.
        alpha: Expected log return of the next session [D, N].
        factor: Cumulative adjustment factor; a split or dividend of session t is in it from t on [D, N].
    """
    returns = noise.total.copy()
    returns[1:] += alpha[:-1]
    path = np.log(stocks.price) + np.cumsum(returns, axis=0)
    before_open = stream(settings.seed, "overnight").standard_normal(path.shape)
    before_open *= np.sqrt(_OVERNIGHT * (1.0 - _OVERNIGHT)) * noise.volatility
    before_open += _OVERNIGHT * returns
    raw = path - np.log(factor)
    body = returns - before_open
    start = raw - body
    high, low = _range(settings, noise, tape, body)
    close = to_tick(np.exp(raw))
    return PriceGrids(
        open=to_tick(np.exp(start)),
        high=to_tick(np.exp(np.maximum(start, raw) + high)),
        low=to_tick(np.exp(np.minimum(start, raw) - low)),
        close=close,
        volume=_volume(settings, stocks, noise, tape, close),
        factor=factor,
    )


def to_tick(price: np.ndarray) -> np.ndarray:
    """Round prices to the exchange's ticks (finer ones below 1,000 yen); never below one tick.

    The order of two prices never turns around, since every bound of a tick band is a multiple of its ticks.
    """
    tick = _TICKS[np.searchsorted(_TICK_ABOVE, price)]
    inverse = np.round(1.0 / tick, 1)
    fine, coarse = np.round(price * inverse) / inverse, np.round(price / tick) * tick
    rounded: np.ndarray = np.maximum(np.where(tick < 1.0, fine, coarse), _TICKS[0])
    return rounded


def _range(settings: SimulationSettings, noise: Noise, tape: Tape, body: FloatDN) -> tuple[FloatDN, FloatDN]:
    """Return the upper and lower shadow that put the close where the tape wants it.

    The range grows where the day moved the other way, at most to four standard deviations; beyond that the
    close lies as near to the wanted place as the body allows.
    """
    up, down = np.maximum(body, 0.0), np.maximum(-body, 0.0)
    size = np.abs(body)
    rng = stream(settings.seed, "range")
    shadows = noise.volatility * (0.4 + 0.6 * rng.gamma(2.0, 0.5, body.shape))
    where = tape.close_location
    needed = np.maximum(up / where, down / (1.0 - where))
    whole = np.maximum(size + shadows, np.minimum(needed, 4.0 * noise.volatility))
    lower = np.clip(where * whole - up, 0.0, whole - size)
    return whole - size - lower, lower


def _volume(
    settings: SimulationSettings, stocks: Stocks, noise: Noise, tape: Tape, close: FloatDN
) -> FloatDN:
    """Return shares: value traded follows size, the market's activity, the tape and the size of the move."""
    common = autoregression(stream(settings.seed, "activity").standard_normal((settings.sessions, 1)), 0.9)
    move = np.abs(noise.total) / stocks.volatility
    log_value = np.log(3e8) + 1.2 * stocks.size + 0.15 * common + 0.25 * (move - 0.8)
    log_value += 0.5 * tape.abnormal_turnover
    volume: FloatDN = np.maximum(np.round(np.exp(log_value) / close / _UNIT), 1.0) * _UNIT
    return volume
