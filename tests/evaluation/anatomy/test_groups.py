"""Groups are what the ordinary measures say of their stocks alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gogooku3.evaluation.anatomy.groups import measure_groups
from gogooku3.evaluation.summary import summarise
from tests.evaluation.anatomy.markets import SETTINGS, grids, view


def _found(score, label, seen, buckets=3):
    return measure_groups(score, label, view=seen, horizon=5, size_buckets=buckets, settings=SETTINGS)


def _masked(seed=0):
    score, label = grids(seed)
    seen = view()
    return np.where(seen.universe, score, np.nan), label, seen


def _slow(score, label, member, cells=4):
    """RankIC, spread, hits and pairs of each session, name by name."""
    rank_ic, ic, spread, hits, pairs, names = [], [], [], 0, 0, []
    for s, y, m in zip(score, label, member, strict=True):
        scored = np.flatnonzero(m & np.isfinite(s))
        both = scored[np.isfinite(y[scored])]
        if len(both) < SETTINGS.min_names:
            rank_ic.append(np.nan), ic.append(np.nan), spread.append(np.nan)
            continue
        names.append(len(both))
        rank_ic.append(stats.spearmanr(s[both], y[both]).statistic)
        ic.append(stats.pearsonr(s[both], y[both]).statistic)
        bucket = np.floor((stats.rankdata(s[scored]) - 0.5) * cells / len(scored) + 1e-12)
        mean = [np.nanmean(y[scored[bucket == q]]) if (bucket == q).any() else np.nan for q in range(cells)]
        spread.append(mean[-1] - mean[0])
        hits += int(((s[both] - s[both].mean()) * (y[both] - y[both].mean()) > 0).sum())
        pairs += len(both)
    return np.array(rank_ic), np.array(ic), np.array(spread), hits / pairs, float(np.mean(names))


def _agrees(result, slow):
    rank_ic, ic, spread, hit_rate, names = slow
    for found, series in ((result.rank_ic, rank_ic), (result.ic, ic), (result.spread, spread)):
        expected = summarise(series, horizon=5, settings=SETTINGS)
        assert found.mean == pytest.approx(expected.mean, abs=1e-12)
        assert found.t == pytest.approx(expected.t, rel=1e-9)
        assert (found.days, found.skipped) == (expected.days, expected.skipped)
    assert result.hit_rate == pytest.approx(hit_rate)
    assert result.names == pytest.approx(names)


def test_sectors_equal_a_loop():
    score, label, seen = _masked()
    found = _found(score, label, seen)
    sectors = [group for group in found.results if group.kind == "sector"]
    assert [group.group for group in sectors] == ["banks", "steel"]
    for group, index in zip(sectors, (1, 0), strict=True):
        _agrees(group, _slow(score, label, np.broadcast_to(seen.sector == index, score.shape)))
    assert found.too_small == ("tiny",)
    assert found.constant == ()


def test_size_buckets_equal_a_loop():
    score, label, seen = _masked()
    sizes = [group for group in _found(score, label, seen).results if group.kind == "size"]
    assert [group.group for group in sizes] == ["1 of 3 (smallest)", "2 of 3", "3 of 3 (largest)"]
    for index, group in enumerate(sizes):
        member = np.zeros(score.shape, dtype=bool)
        for day in range(len(score)):
            known = np.flatnonzero(seen.universe[day] & np.isfinite(seen.size[day]))
            rank = stats.rankdata(seen.size[day, known])
            member[day, known[np.floor((rank - 0.5) * 3 / len(known) + 1e-12) == index]] = True
        _agrees(group, _slow(score, label, member))


def test_a_score_that_is_a_sector_bet_has_nothing_within_sectors():
    _, label, seen = _masked()
    score = np.where(seen.universe, seen.sector.astype(float), np.nan)
    found = _found(score, label, seen)
    assert found.constant == ("banks", "steel")
    assert found.too_small == ("tiny",)
    assert {group.kind for group in found.results} == {"size"}


def test_unknown_sizes_have_no_buckets():
    score, label, seen = _masked()
    blind = view(size=np.full(score.shape, np.nan))
    assert {group.kind for group in _found(score, label, blind).results} == {"sector"}
    assert len(_found(score, label, seen).results) == 5
