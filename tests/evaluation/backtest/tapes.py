"""Small tapes with everything that goes wrong in a market."""

from __future__ import annotations

import numpy as np

from gogooku3.evaluation.backtest.tape import Tape


def sessions(days: int) -> np.ndarray:
    return np.busday_offset("2020-01-06", np.arange(days)).astype("datetime64[D]")


def tape_of_links(link, *, terminal_return=None, last_bar=None, volume=None, **more) -> Tape:
    """A tape that has nothing but links: bars move inside the day, so that none is locked."""
    days, stocks = link.shape
    close = 1000.0 * np.cumprod(np.where(np.isfinite(link), link, 1.0), axis=0)
    close[~np.isfinite(link)] = np.nan
    fields = {
        "sessions": sessions(days),
        "codes": tuple(f"{1000 + n}" for n in range(stocks)),
        "open": close * 1.001,
        "high": close * 1.01,
        "low": close * 0.99,
        "close": close,
        "volume": np.ones_like(link) if volume is None else volume.astype(float),
        "turnover": np.full_like(link, 1e8),
        "ratio": np.ones_like(link),
        "link": link,
        "terminal_return": np.full(stocks, np.nan) if terminal_return is None else terminal_return,
        "last_bar": np.full(stocks, days - 1) if last_bar is None else last_bar,
        "sector": (np.arange(stocks) % 3).astype(np.int16),
    }
    return Tape(**(fields | more))


def wild_tape(rng: np.random.Generator, *, days: int = 60, stocks: int = 26) -> Tape:
    """Halts, idle bars, locked days, splits, dividends, a broken link, ends, late starts, no opening price."""
    move = np.exp(rng.normal(0.0005, 0.025, (days, stocks)))
    locked = rng.random(move.shape) < 0.03
    move[locked] = rng.choice([0.8, 1.2], locked.sum())
    ratio = np.ones_like(move)
    ratio[rng.random(move.shape) < 0.01] = 1.02
    ratio[rng.random(move.shape) < 0.01] = 1.1
    ratio[rng.random(move.shape) < 0.01] = 2.0
    ratio[rng.random(move.shape) < 0.01] = 0.2
    close = rng.uniform(200, 5000, stocks) * np.cumprod(move / ratio, axis=0)
    night = np.exp(rng.normal(0, 0.01, move.shape))
    open_ = close * night
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 0.01, move.shape)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, 0.01, move.shape)))
    for grid in (open_, high, low):
        grid[locked] = close[locked]
    volume = np.round(np.exp(rng.normal(9, 1, move.shape)))
    volume[rng.random(move.shape) < 0.03] = 0.0
    absent = rng.random(move.shape) < 0.04
    absent[: days // 4, 1] = True
    last_bar, terminal = np.full(stocks, days + 3), np.full(stocks, np.nan)
    for stock, last, value in ((3, days // 2, -1.0), (7, days // 3, 0.2), (11, days // 5, np.nan)):
        absent[last + 1 :, stock], absent[last, stock] = True, False
        last_bar[stock], terminal[stock] = last, value
    factor = np.cumprod(ratio, axis=0)
    link, shown = np.full_like(move, np.nan), np.full_like(move, np.nan)
    for n in range(stocks):
        held = np.flatnonzero(~absent[:, n])
        shown[held[1:], n] = factor[held[1:], n] / factor[held[:-1], n]
        link[held[1:], n] = close[held[1:], n] / close[held[:-1], n] * shown[held[1:], n]
    broken = rng.random(move.shape) < 0.01
    link[broken] = np.nan
    for grid in (open_, high, low, close, volume):
        grid[absent] = np.nan
    open_[(rng.random(move.shape) < 0.02) & ~locked] = np.nan
    return Tape(
        sessions=sessions(days),
        codes=tuple(f"{1000 + n}" for n in range(stocks)),
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        turnover=close * volume,
        ratio=shown,
        link=link,
        terminal_return=terminal,
        last_bar=last_bar,
        sector=(np.arange(stocks) % 3 - (np.arange(stocks) == 5)).astype(np.int16),
        borrowable=rng.random(move.shape) < 0.9,
    )


def wild_score(rng: np.random.Generator, tape: Tape) -> np.ndarray:
    """Scores with ties, gaps, and sessions without a ranking."""
    score = np.round(rng.normal(size=tape.link.shape), 1)
    score[~np.isfinite(tape.close)] = np.nan
    score[len(score) // 3] = np.nan
    score[len(score) // 2] = 1.0
    return score
