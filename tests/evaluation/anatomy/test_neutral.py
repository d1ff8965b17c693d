"""What is left without sectors and styles, against a least squares a session."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gogooku3.evaluation.anatomy.neutral import measure_neutral, without_sectors, without_styles
from gogooku3.evaluation.anatomy.ordered_grid import ordered
from gogooku3.evaluation.rank_ic import daily_rank_ic
from tests.evaluation.anatomy.markets import SETTINGS, grids, view


def _residuals(score, styles):
    left = np.full(score.shape, np.nan)
    for day in range(len(score)):
        used = np.isfinite(score[day])
        for style in styles:
            used &= np.isfinite(style[day])
        ranks = [stats.rankdata(style[day, used]) for style in styles]
        x = np.column_stack([np.ones(used.sum()), *ranks])
        y = score[day, used]
        left[day, used] = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return left


def test_styles_equal_least_squares_a_day():
    score, _ = grids()
    styles = view().styles
    np.testing.assert_allclose(without_styles(score, styles), _residuals(score, styles), rtol=0, atol=1e-10)


def test_a_constant_style_and_a_repeated_one_take_nothing_more_away():
    score, _ = grids()
    size, beta, _ = view().styles
    constant = np.full(score.shape, 3.0)
    expected = _residuals(score, (size, beta))
    np.testing.assert_allclose(without_styles(score, (size, beta, constant)), expected, atol=1e-10)
    np.testing.assert_allclose(without_styles(score, (size, beta, beta)), expected, atol=1e-10)


def test_a_score_made_of_styles_leaves_nothing():
    seen = view()
    known = np.isfinite(sum(seen.styles))
    used = np.where(known, seen.volatility, np.nan)
    ranks = np.stack([stats.rankdata(row, nan_policy="omit") for row in used])
    left = without_styles(1e6 + 2.0 * ranks, seen.styles)
    assert (left[known] == 0).all()
    assert np.isnan(left[~known]).all()


def test_sectors_equal_a_loop():
    score, _ = grids()
    sector = view().sector
    expected = np.full(score.shape, np.nan)
    for day in range(len(score)):
        for index in range(3):
            used = (sector == index) & np.isfinite(score[day])
            if used.any():
                expected[day, used] = score[day, used] - score[day, used].mean()
    np.testing.assert_allclose(without_sectors(score, sector), expected, atol=1e-12)


def test_the_only_name_of_a_sector_and_a_pure_sector_bet_are_left_with_zero():
    sector = np.array([0, 1, 1, 1, -1], dtype=np.int16)
    left = without_sectors(np.array([[5.0, 0.1, 0.1, 0.1, 7.0]]), sector)
    np.testing.assert_array_equal(left, [[0.0, 0.0, 0.0, 0.0, np.nan]])


def test_the_three_are_of_the_same_stock_days():
    score, label = grids()
    seen = view()
    found = measure_neutral(score, ordered(label), view=seen, horizon=5, settings=SETTINGS)
    used = np.isfinite(score) & (seen.sector >= 0) & np.isfinite(sum(seen.styles))
    kept = np.where(used, score, np.nan)
    parts = (
        (found.plain, kept),
        (found.sector, without_sectors(kept, seen.sector)),
        (found.style, _residuals(kept, seen.styles)),
    )
    for summary, grid in parts:
        values = daily_rank_ic(grid, label, min_names=SETTINGS.min_names).values
        assert summary.mean == pytest.approx(np.nanmean(values), abs=1e-9)
        assert summary.days == np.isfinite(values).sum()
    assert found.size_is == "made up"


def test_what_is_not_known_has_no_value():
    score, label = grids()
    empty = np.full(score.shape, np.nan)
    nameless = np.full(score.shape[1], -1, dtype=np.int16)

    def measure(**changes):
        seen = view(**changes)
        return measure_neutral(score, ordered(label), view=seen, horizon=5, settings=SETTINGS)

    assert measure(sector=nameless, size=empty) is None
    only_sectors = measure(size=empty)
    assert only_sectors.style.days == 0
    assert only_sectors.sector.days > 20
    only_styles = measure(sector=nameless)
    assert only_styles.sector.days == 0
    assert only_styles.style.days > 20


def test_a_bet_on_volatility_disappears():
    rng = np.random.default_rng(3)
    seen = view(days=300)
    rank = np.stack([stats.rankdata(row) for row in seen.volatility])
    label = rank + 20 * rng.normal(size=rank.shape)
    score = rank + 10 * rng.normal(size=rank.shape)
    found = measure_neutral(score, ordered(label), view=seen, horizon=1, settings=SETTINGS)
    assert found.plain.mean > 0.4
    assert abs(found.style.mean) < 0.03
