"""What is left of the ranking without sectors and styles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from gogooku3.axes import BoolDN, FloatDN, Int16N
from gogooku3.evaluation.anatomy.anatomy import Neutral
from gogooku3.evaluation.anatomy.market_view import MarketView
from gogooku3.evaluation.anatomy.ordered_grid import OrderedGrid, ordered, rank_correlation
from gogooku3.evaluation.blocks import row_blocks
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.summary import SeriesSummary, summarise
from gogooku3.ranks import average_ranks

_NOTHING = 1e-11  # of the largest score: smaller residuals are rounding, which is not to be ranked


def measure_neutral(
    score: FloatDN,
    label: OrderedGrid,
    *,
    view: MarketView,
    horizon: int,
    settings: EvaluationSettings,
) -> Neutral | None:
    """Return the RankIC before and after removing sectors and styles; None where neither is known.

    What is removed is decided over all scored names, whether or not they will have a label.

    Args:
        score: Scores [D, N], NaN where none and outside the universe.
        label: Labels [D, N].
        view: Sectors and styles.
        horizon: Of the labels.
        settings: How to judge.
    """
    used = np.isfinite(score)
    sectors, styles = bool((view.sector >= 0).any()), all(np.isfinite(g[used]).any() for g in view.styles)
    if not sectors and not styles:
        return None
    if sectors:
        used &= view.sector >= 0
    if styles:
        used &= np.isfinite(sum(view.styles))
    kept = np.where(used, score, np.nan)

    def summary(grid: FloatDN) -> SeriesSummary:
        values = rank_correlation(ordered(grid), label, min_names=settings.min_names)
        return summarise(values, horizon=horizon, settings=settings)

    nothing = np.full(score.shape, np.nan)
    return Neutral(
        plain=summary(kept),
        sector=summary(without_sectors(kept, view.sector) if sectors else nothing),
        style=summary(without_styles(kept, view.styles) if styles else nothing),
        size_is=view.size_is,
    )


def without_sectors(score: FloatDN, sector: Int16N) -> FloatDN:
    """Return scores less their sector's mean of the session; the only name of a sector is left with 0, [D, N].

    Args:
        score: Scores [D, N], NaN where none.
        sector: Index, -1 where unknown: such stocks have no value.
    """
    known = np.flatnonzero(sector >= 0)
    left = np.full(score.shape, np.nan)
    groups = int(sector.max(initial=-1)) + 1
    for rows in row_blocks(len(score)):
        grid = score[rows][:, known]
        used = np.isfinite(grid)
        cell = np.arange(len(grid))[:, None] * groups + sector[known]
        total = np.bincount(cell[used], weights=grid[used], minlength=len(grid) * groups)
        count = np.bincount(cell[used], minlength=len(grid) * groups)
        residual = grid - (total / np.maximum(count, 1))[cell]
        left[rows, known] = _without_rounding(residual, grid)
    return left


def without_styles(score: FloatDN, styles: Sequence[FloatDN]) -> FloatDN:
    """Return what least squares per session, with intercept, leave of scores on the ranks of styles, [D, N].

    Styles enter as ranks among the names used: turnover is skewed over many orders of magnitude and a few betas are
    extreme, so that the linear effect of the values themselves would be that of a handful of stocks; and ranks make
    it the same for turnover and its logarithm. A style that is constant on a session takes nothing away.

    Args:
        score: Scores [D, N], NaN where none.
        styles: Grids [D, N]; a stock-day without all of them has no value.
    """
    left = np.full(score.shape, np.nan)
    for rows in row_blocks(len(score)):
        used = np.isfinite(score[rows] + sum(grid[rows] for grid in styles))
        names = np.maximum(used.sum(axis=1, keepdims=True), 1)
        x = np.stack([_centred_ranks(grid[rows], used, names) for grid in styles], axis=2)
        grid = np.where(used, score[rows], 0.0)
        y = np.where(used, grid - grid.sum(axis=1, keepdims=True) / names, 0.0)
        # centred on both sides, so that the intercept is gone; the pseudo-inverse leaves out constant styles
        moments = np.linalg.pinv(np.einsum("dnk,dnl->dkl", x, x), rcond=1e-10, hermitian=True)
        slopes = np.einsum("dkl,dl->dk", moments, np.einsum("dnk,dn->dk", x, y))
        residual = np.where(used, y - np.einsum("dnk,dk->dn", x, slopes), np.nan)
        left[rows] = _without_rounding(residual, np.where(used, score[rows], np.nan))
    return left


def _centred_ranks(style: FloatDN, used: BoolDN, names: np.ndarray) -> Float64[np.ndarray, "D N"]:
    ranks = average_ranks(np.where(used, style, np.inf))  # behind all others; NaN would slow the sort
    return np.where(used, (ranks - (names + 1) / 2) / names, 0.0)


def _without_rounding(residual: FloatDN, score: FloatDN) -> FloatDN:
    """Return residuals with those that are rounding errors set to 0, so that they are not ranked."""
    used = np.isfinite(score)
    high = np.max(score, axis=1, where=used, initial=-np.inf, keepdims=True)
    low = np.min(score, axis=1, where=used, initial=np.inf, keepdims=True)
    scale = np.maximum(np.abs(high), np.abs(low))
    cleaned: FloatDN = np.where(np.abs(residual) <= _NOTHING * scale, 0.0, residual)
    return cleaned
