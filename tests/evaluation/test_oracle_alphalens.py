"""RankIC and returns by quantile against alphalens-reloaded, which is a test dependency only.

A stock-day without a forward return is dropped by alphalens before it forms quantiles: it ranks the stocks that will
have a return. Ours ranks all scored stocks, as a trader would on the day, so the quantiles can only be compared on
the stock-days that have both (with a tenth of the returns missing, a tenth of the others lies in another decile).

There, its quantiles are ``pandas.qcut``: edges interpolated between order statistics, ``1 + (n - 1) k / q``, the edge
itself in the lower bucket. Ours count ranks: ``floor((r - 1/2) q / n)``. Without ties the two are the same where n is a
multiple of q, and the mean returns agree to 1e-14. Elsewhere about 3 % of the names lie one bucket further, which with
90 names a day moved decile means by 3 bp of a return whose standard deviation is 100; with scores rounded so that
they tie, 14 %: qcut puts a tied group where its edge falls, ours where the middle of the group lies.
"""

from __future__ import annotations

import numpy as np
import pytest

from gogooku3.evaluation.buckets import quantile_buckets
from gogooku3.evaluation.deciles import daily_deciles
from gogooku3.evaluation.rank_ic import daily_rank_ic

pd = pytest.importorskip("pandas", reason="alphalens-reloaded, a test oracle, is not installed")
pytest.importorskip("alphalens", reason="alphalens-reloaded, a test oracle, is not installed")

DAYS, STOCKS = 60, 103


def _market(seed: int, *, ties: bool = False, holes: bool = True) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = rng.normal(size=(DAYS, STOCKS))
    label = 0.01 * (0.2 * score + rng.normal(size=score.shape))
    if ties:
        score, label = np.round(score, 1), np.round(label, 3)
    if holes:
        score[rng.random(score.shape) < 0.1] = np.nan
        label[rng.random(label.shape) < 0.1] = np.nan
    return score, label


def _factor_data(score: np.ndarray, label: np.ndarray, quantiles: int = 10):
    """The frame of alphalens: stock-days with both a factor and a forward return, and their quantile."""
    from alphalens.utils import quantize_factor

    both = np.isfinite(score) & np.isfinite(label)
    day, stock = np.nonzero(both)
    dates = pd.date_range("2020-01-06", periods=len(score), freq="B")
    index = pd.MultiIndex.from_arrays([dates[day], stock], names=["date", "asset"])
    frame = pd.DataFrame({"1D": label[both], "factor": score[both]}, index=index)
    frame["factor_quantile"] = quantize_factor(frame, quantiles)
    return frame


def _returns(frame, quantiles: int = 10) -> np.ndarray:
    from alphalens.performance import mean_return_by_quantile

    means, _ = mean_return_by_quantile(frame, by_date=True, demeaned=False)
    table = means["1D"].unstack("factor_quantile")
    assert list(table.columns) == list(range(1, quantiles + 1))
    return table.to_numpy()


@pytest.mark.parametrize("ties", [False, True])
def test_information_coefficient_is_our_rank_ic(ties):
    from alphalens.performance import factor_information_coefficient

    score, label = _market(0, ties=ties)
    theirs = factor_information_coefficient(_factor_data(score, label))["1D"].to_numpy()
    ours = daily_rank_ic(score, label).values
    assert len(theirs) == DAYS
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


def test_mean_return_by_quantile_is_ours_where_names_divide_evenly():
    score, label = _market(1)
    both = np.isfinite(score) & np.isfinite(label)
    both &= np.cumsum(both, axis=1) <= 10 * (both.sum(axis=1, keepdims=True) // 10)
    score, label = np.where(both, score, np.nan), np.where(both, label, np.nan)
    assert set(both.sum(axis=1)) == {70, 80, 90}
    frame = _factor_data(score, label)
    np.testing.assert_array_equal(
        quantile_buckets(score)[both] + 1, frame["factor_quantile"].to_numpy().astype(int)
    )
    theirs = _returns(frame)
    ours = daily_deciles(score, label)
    np.testing.assert_allclose(ours.returns, theirs, rtol=0, atol=1e-14)
    rows = np.ones(DAYS, dtype=bool)
    np.testing.assert_allclose(ours.means(rows), theirs.mean(axis=0), rtol=0, atol=1e-14)
    np.testing.assert_allclose(ours.spread, theirs[:, -1] - theirs[:, 0], rtol=0, atol=1e-14)


def test_elsewhere_the_two_quantile_rules_put_few_names_one_bucket_apart():
    score, label = _market(2)
    both = np.isfinite(score) & np.isfinite(label)
    score = np.where(both, score, np.nan)
    ours = quantile_buckets(score)[both] + 1
    theirs = _factor_data(score, label)["factor_quantile"].to_numpy().astype(int)
    apart = np.abs(ours - theirs)
    assert apart.max() == 1
    assert 0 < (apart > 0).mean() < 0.1
    gap = daily_deciles(score, label).means(np.ones(DAYS, dtype=bool)) - _returns(
        _factor_data(score, label)
    ).mean(axis=0)
    assert np.abs(gap).max() < 0.15 * 0.01 / np.sqrt(10)


def test_ties_share_a_bucket_in_both():
    score, label = _market(3, ties=True)
    frame = _factor_data(score, label)
    assert (frame.groupby(["date", "factor"])["factor_quantile"].nunique() == 1).all()
    both = np.isfinite(score) & np.isfinite(label)
    ours = quantile_buckets(np.where(both, score, np.nan))[both] + 1
    apart = np.abs(ours - frame["factor_quantile"].to_numpy().astype(int))
    assert apart.max() == 1


def test_stocks_without_a_return_are_ranked_by_us_and_not_by_alphalens():
    score, label = _market(4)
    both = np.isfinite(score) & np.isfinite(label)
    ours = quantile_buckets(score)[both] + 1
    theirs = _factor_data(score, label)["factor_quantile"].to_numpy().astype(int)
    assert 0.02 < (ours != theirs).mean() < 0.3
