"""From grids of the market to what was known on each session."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gogooku3.axes import BoolDN, FloatDN, FloatLN, FloatWN, Int16N
from gogooku3.errors import EvaluationError
from gogooku3.evaluation.anatomy.market_view import MarketView
from gogooku3.evaluation.anatomy.settings import AnatomySettings
from gogooku3.evaluation.blocks import row_blocks
from gogooku3.features import kernels
from gogooku3.features.beta import market_return
from gogooku3.features.helpers import enough


def view_market(
    *,
    link: FloatDN,
    turnover: np.ndarray | None,
    present: np.ndarray,
    universe: np.ndarray,
    sector: Int16N,
    sector_names: Sequence[str],
    warm_up: int,
    settings: AnatomySettings | None = None,
) -> MarketView:
    """Return the view of the sessions after the first ``warm_up`` ones; no value uses a later session.

    Beta is the slope of the log link on its mean over each session's universe, volatility the standard deviation
    of the log link (ddof 1), both over ``style_window`` sessions; share counts are not known, so the median
    turnover of ``size_window`` sessions stands for size, as it does in the choice of the universe: a session
    without a bar of the stock counts as zero, a bar without a known turnover does not count.

    Args:
        link: Gross total return from the previous bar, NaN where none, [W + D, N].
        turnover: Value traded, NaN where unknown, [W + D, N]; None where there is none at all.
        present: True where the stock has a bar, bool [W + D, N].
        universe: Membership, bool [W + D, N].
        sector: Index into ``sector_names``, -1 where unknown, [N].
        sector_names: Names of the sectors.
        warm_up: W, the sessions before the tested period; with fewer than the windows need, the first values
            rest on fewer sessions or are missing.
        settings: Windows.

    Raises:
        EvaluationError: Grids are not aligned, or the warm-up leaves no session.
    """
    chosen = settings if settings is not None else AnatomySettings()
    grids = [grid for grid in (turnover, present, universe) if grid is not None]
    if any(grid.shape != link.shape for grid in grids):
        raise EvaluationError(
            "grids are not aligned", got=[grid.shape for grid in grids], expected=link.shape
        )
    if not 0 <= warm_up < len(link):
        raise EvaluationError(
            "the warm-up leaves no session", got=warm_up, expected=f"0 to {len(link) - 1} sessions"
        )
    beta, volatility = _risk(link, universe, warm_up, chosen.style_window)
    return MarketView(
        universe=universe[warm_up:],
        sector=sector,
        sector_names=tuple(sector_names),
        size=_size(turnover, present, warm_up, chosen.size_window),
        beta=beta,
        volatility=volatility,
        size_is=f"the median turnover of {chosen.size_window} sessions",
    )


def _risk(link: FloatWN, universe: np.ndarray, warm_up: int, window: int) -> tuple[FloatLN, FloatLN]:
    log = np.full(link.shape, np.nan)
    np.log(link, out=log, where=link > 0)
    market = market_return(log, universe)
    log, market = (_from(grid, warm_up, window) for grid in (log, market))
    need = enough(window)
    slope, _, _ = kernels.rolling_regression(log, market, window, need)
    return slope, kernels.rolling_std(log, window, need)


def _from(grid: FloatDN, warm_up: int, window: int) -> FloatWN:
    """Return the rows that windows ending at ``warm_up`` and later reach back to, missing ones as NaN."""
    start = warm_up - window + 1
    if start >= 0:
        return grid[start:]
    return np.concatenate([np.full((-start, grid.shape[1]), np.nan), grid])


def _size(turnover: np.ndarray | None, present: np.ndarray, warm_up: int, window: int) -> FloatLN:
    size = np.full(present.shape, np.nan)
    held = np.flatnonzero(present.any(axis=1))  # a hole in the source is not a session without trading
    if turnover is not None and held.size:
        traded = np.where(present, turnover, 0.0)[held]
        known = present[held] & np.isfinite(traded)
        wanted = np.flatnonzero(held >= warm_up)
        for part in row_blocks(len(wanted)):
            rows = wanted[part]
            size[held[rows]] = _medians(traded, known, rows, window)
    return size[warm_up:]


def _medians(traded: FloatDN, known: BoolDN, rows: np.ndarray, window: int) -> FloatLN:
    """Return the median of the ``window`` rows up to each of ``rows``; NaN where not one bar is known."""
    first = max(0, int(rows[0]) - window + 1)
    recent, seen = traded[first : rows[-1] + 1], known[first : rows[-1] + 1]
    short = max(0, window - 1 - int(rows[0]))
    recent = np.concatenate([np.full((short, recent.shape[1]), np.nan), recent])
    seen = np.concatenate([np.zeros((short, recent.shape[1]), dtype=np.bool_), seen])
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(recent, window, axis=0), axis=2)  # NaN last
    count = np.isfinite(windows).sum(axis=2)
    low = np.take_along_axis(windows, np.maximum(count - 1, 0)[..., None] // 2, axis=2)[..., 0]
    high = np.take_along_axis(windows, np.minimum(count // 2, window - 1)[..., None], axis=2)[..., 0]
    anything = np.lib.stride_tricks.sliding_window_view(seen, window, axis=0).any(axis=2)
    medians: FloatLN = np.where(anything & (count > 0), (low + high) / 2, np.nan)
    return medians
