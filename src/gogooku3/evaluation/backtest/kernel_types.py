"""What the compiled books read and write."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Bars(NamedTuple):
    """Grids of a tape, [D, N].

    Attributes:
        open_, high, low, close, volume, ratio, link: As in ``Tape``.
    """

    open_: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    ratio: np.ndarray
    link: np.ndarray


class Rule(NamedTuple):
    """A construction as numbers.

    Attributes:
        kind: DECILE, TOP_K or RANK of the construction's kernel.
        size: Buckets of DECILE, names per leg of TOP_K.
        min_names: Scores that a session needs.
        long_only: No short leg.
        max_weight: Largest absolute weight, inf for none.
    """

    kind: int
    size: int
    min_names: int
    long_only: bool
    max_weight: float


class Feed(NamedTuple):
    """Grids [D, N]; those that are not needed have no rows.

    Attributes:
        open_, close, link, ratio: As in ``Tape``.
        status: Fill codes, uint8.
        targets: Target weights by session of the score.
        borrowable: Whether a stock can be sold short.
        half_spread, volatility, daily_turnover: As in ``CostGrids``.
        end_row: Row on which a stock's terminal return is paid, D for never, int64 [N].
        paid: Gross return of that row, [N].
        fee: Borrowing fee of each session per short value at the close before it, [D].
    """

    open_: np.ndarray
    close: np.ndarray
    link: np.ndarray
    ratio: np.ndarray
    status: np.ndarray
    targets: np.ndarray
    borrowable: np.ndarray
    half_spread: np.ndarray
    volatility: np.ndarray
    daily_turnover: np.ndarray
    end_row: np.ndarray
    paid: np.ndarray
    fee: np.ndarray


class Terms(NamedTuple):
    """The settings as numbers.

    Attributes:
        holding, lag, at_open, long_only: Schedule and side.
        bps: Cost per traded value, a fraction.
        eta, exponent, gamma: Impact.
        compared: Capital that orders are compared with daily turnover by; 0 where they are not.
        participation: Largest share of daily turnover, inf for none.
        capital, lot, split_from: The cash books; 0 for weights.
        record: Keep positions and trades.
    """

    holding: int
    lag: int
    at_open: bool
    long_only: bool
    bps: float
    eta: float
    exponent: float
    gamma: float
    compared: float
    participation: float
    capital: float
    lot: float
    split_from: float
    record: bool


class Tables(NamedTuple):
    """What a run writes, by the rows of ``columns``.

    Attributes:
        series: float64 [SERIES, D].
        counts: int64 [COUNTS, D].
        positions: Held at each close, [D, N] or no rows.
    """

    series: np.ndarray
    counts: np.ndarray
    positions: np.ndarray


class Log(NamedTuple):
    """Trades so far.

    Attributes:
        where: Row and stock, int64 [capacity, 2].
        columns: float64 [capacity, TRADE_COLUMNS].
        used: How many there are, int64 [1].
    """

    where: np.ndarray
    columns: np.ndarray
    used: np.ndarray


class Step(NamedTuple):
    """One session at work.

    Attributes:
        feed, terms: What is read.
        d: The session.
        row: Its column of the series, [SERIES].
        tally: Its column of the counts, [COUNTS].
        log: Trades so far, with room for one in every stock.
    """

    feed: Feed
    terms: Terms
    d: int
    row: np.ndarray
    tally: np.ndarray
    log: Log


class Units(NamedTuple):
    """The weights books: units of each stock's total-return index.

    Attributes:
        units: By tranche, [N, holding].
        total: Their sum, [N].
        level: The index, [N].
        held, wanted: Value of the tranche at work, now and next, [N].
        aim: What would be wanted without limits of borrowing and volume, [N].
    """

    units: np.ndarray
    total: np.ndarray
    level: np.ndarray
    held: np.ndarray
    wanted: np.ndarray
    aim: np.ndarray


class Shares(NamedTuple):
    """The cash books.

    Attributes:
        plan: Shares that each tranche wants, fractions included, [N, holding].
        price: Last price, NaN before the first, [N].
        whole: Sum of the plans, [N].
        shares: Shares held, [N].
        before: Plan of the tranche at work before this session, [N].
        order: Shares to trade now, [N].
        aim: Shares that would be traded without limits of borrowing, volume and cash, [N].
        spread, impact: What the order costs over its value, [N].
    """

    plan: np.ndarray
    price: np.ndarray
    whole: np.ndarray
    shares: np.ndarray
    before: np.ndarray
    order: np.ndarray
    aim: np.ndarray
    spread: np.ndarray
    impact: np.ndarray
