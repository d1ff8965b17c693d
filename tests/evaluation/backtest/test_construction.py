"""Target weights: against a slow construction, cases by hand, and what must hold for any scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.backtest.construction import construct
from gogooku3.evaluation.backtest.construction_settings import ConstructionSettings
from gogooku3.evaluation.buckets import quantile_buckets


def _weights(score, *, sector=None, borrowable=None, **fields):
    score = np.atleast_2d(np.asarray(score, dtype=float))
    chosen = ConstructionSettings(**({"min_names": 2} | fields))
    sector = None if sector is None else np.asarray(sector, dtype=np.int16)
    borrowable = None if borrowable is None else np.atleast_2d(borrowable)
    return construct(score, chosen, sector=sector, borrowable=borrowable).weights


def _slow(score, sector, borrowable, chosen):  # noqa: C901 (an oracle is one plain loop)
    """One session: raw legs by sector from pairwise comparisons, capped by bisection."""
    n = len(score)
    weights, named = np.zeros(n), np.flatnonzero(np.isfinite(score))
    if len(named) < chosen.min_names:
        return weights
    keys = sorted({sector[i] for i in named}) if chosen.sector_neutral else [None]
    groups = [[i for i in named if key is None or sector[i] == key] for key in keys]
    sizes = [len(group) for group in groups]
    places = [0] * len(groups)
    if chosen.kind == "top_k":
        exact = [chosen.k * size / sum(sizes) for size in sizes]
        places = [int(x + 1e-9) for x in exact]
        order = sorted(range(len(groups)), key=lambda g: (-(round(exact[g] - places[g], 9)), g))
        for g in order[: chosen.k - sum(places)]:
            places[g] += 1
    legs = []
    for group, place in zip(groups, places, strict=True):
        legs.append(_raw(score, group, place, borrowable, chosen))
    long_only = chosen.side == "long_only"
    live = [
        bool(long) and (long_only or bool(short)) and (long_only or not set(long) & set(short))
        for long, short in legs
    ]
    total = sum(size for size, alive in zip(sizes, live, strict=True) if alive)
    cap = chosen.max_weight or np.inf
    for size, alive, (long, short) in zip(sizes, live, legs, strict=True):
        if not alive:
            continue
        share = min(size / total, cap * len(long), np.inf if long_only else cap * len(short))
        for sign, leg in ((1, long), (-1, short)):
            if sign < 0 and long_only:
                continue
            low, high = 0.0, 1e9
            for _ in range(200):
                scale = (low + high) / 2
                low, high = (
                    (scale, high) if sum(min(cap, scale * x) for x in leg.values()) < share else (low, scale)
                )
            for i, raw in leg.items():
                weights[i] = sign * min(cap, high * raw)
    return weights


def _raw(score, group, place, borrowable, chosen):
    n = len(group)
    if n > 1 and len({score[i] for i in group}) == 1:
        return {}, {}
    long, short = {}, {}
    for i in group:
        below = sum(score[j] < score[i] for j in group)
        equal = sum(score[j] == score[i] for j in group)
        rank = below + (equal + 1) / 2
        if chosen.kind == "decile":
            bucket = np.floor((rank - 0.5) * chosen.quantiles / n + 1e-12)
            a, b = float(bucket == chosen.quantiles - 1), float(bucket == 0)
        elif chosen.kind == "top_k":
            a = min(max(below + equal - (n - place), 0), equal) / equal
            b = min(max(place - below, 0), equal) / equal
        else:
            a, b = max(rank - (n + 1) / 2, 0), max((n + 1) / 2 - rank, 0)
        if a:
            long[i] = a
        if b and (borrowable is None or borrowable[i]):
            short[i] = b
    return long, short


CASES = [
    {"kind": "decile", "quantiles": 5},
    {"kind": "decile", "quantiles": 3, "sector_neutral": True},
    {"kind": "top_k", "k": 4},
    {"kind": "top_k", "k": 7, "sector_neutral": True},
    {"kind": "rank"},
    {"kind": "rank", "sector_neutral": True, "max_weight": 0.06},
    {"kind": "decile", "quantiles": 4, "max_weight": 0.08},
    {"kind": "rank", "max_weight": 0.05},
]


@pytest.mark.parametrize("side", ["long_short", "long_only"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_a_slow_construction(case, side):
    rng = np.random.default_rng(3)
    score = np.round(rng.normal(size=(40, 37)), 1)
    score[rng.random(score.shape) < 0.1] = np.nan
    score[3], score[4], score[5, 9:] = np.nan, 2.0, np.nan
    score[6] = np.round(score[6] / 2)
    sector = (np.arange(37) % 4 - 1).astype(np.int16)
    lent = rng.random(score.shape) < 0.8 if side == "long_short" else None
    chosen = ConstructionSettings(**case, side=side, min_names=12)
    result = construct(score, chosen, sector=sector, borrowable=lent)
    slow = [_slow(row, sector, None if lent is None else lent[d], chosen) for d, row in enumerate(score)]
    np.testing.assert_allclose(result.weights, slow, atol=1e-12)
    np.testing.assert_array_equal(result.ranked, [row.any() for row in slow])
    assert 30 < result.ranked.sum() < 40


def test_deciles_are_the_buckets_of_the_decile_table():
    rng = np.random.default_rng(1)
    score = np.round(rng.normal(size=(30, 70)), 1)
    bucket = quantile_buckets(score)
    weights = construct(score, ConstructionSettings()).weights
    np.testing.assert_array_equal(weights > 0, bucket == 9)
    np.testing.assert_array_equal(weights < 0, bucket == 0)


def test_ties_at_the_edge_share_the_last_places():
    weights = _weights([5.0, 4.0, 4.0, 3.0, 2.0, 1.0, 0.0], kind="top_k", k=2)[0]
    np.testing.assert_allclose(weights, [0.5, 0.25, 0.25, 0, 0, -0.5, -0.5])


def test_ranks_by_hand():
    np.testing.assert_allclose(_weights([4.0, 1.0, 3.0, 2.0], kind="rank"), [[0.75, -0.75, 0.25, -0.25]])


def test_a_capped_leg_gives_to_its_other_names_and_shrinks_both_legs_when_all_are_capped():
    weights = _weights([4.0, 1.0, 3.0, 2.0], kind="rank", max_weight=0.6)[0]
    np.testing.assert_allclose(weights, [0.6, -0.6, 0.4, -0.4])
    weights = _weights([4.0, 1.0, 3.0, 2.0], kind="rank", max_weight=0.3)[0]
    np.testing.assert_allclose(weights, [0.3, -0.3, 0.3, -0.3])
    lent = np.array([True, True, True, False])
    weights = _weights([4.0, 1.0, 3.0, 2.0], kind="rank", max_weight=0.3, borrowable=lent)[0]
    np.testing.assert_allclose(weights, [0.225, -0.3, 0.075, 0.0])


def test_sectors_weigh_their_share_of_the_names():
    score = np.arange(12.0)
    sector = [0] * 8 + [1] * 4
    weights = _weights(score, kind="top_k", k=3, sector_neutral=True, sector=sector)[0]
    np.testing.assert_allclose(weights[:8], [-1 / 3, -1 / 3, 0, 0, 0, 0, 1 / 3, 1 / 3])
    np.testing.assert_allclose(weights[8:], [-1 / 3, 0, 0, 1 / 3])


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_caps_neutrality_and_order_hold_for_any_scores(data):
    stocks = data.draw(st.integers(4, 40))
    values = st.one_of(st.just(np.nan), st.integers(-5, 5).map(float), st.floats(-1e3, 1e3))
    score = np.array([data.draw(st.lists(values, min_size=stocks, max_size=stocks))])
    sector = np.array(
        data.draw(st.lists(st.integers(-1, 3), min_size=stocks, max_size=stocks)), dtype=np.int16
    )
    if not (sector >= 0).any():
        sector[0] = 0
    lent = np.array([data.draw(st.lists(st.booleans(), min_size=stocks, max_size=stocks))])
    kind = data.draw(st.sampled_from(["decile", "top_k", "rank"]))
    fields = {"kind": kind, "min_names": 4, "sector_neutral": data.draw(st.booleans())}
    fields |= {"k": data.draw(st.integers(1, 8))} if kind == "top_k" else {}
    fields |= {"quantiles": data.draw(st.integers(2, 6))} if kind == "decile" else {}
    fields |= {"max_weight": data.draw(st.one_of(st.none(), st.floats(0.02, 0.5)))}
    chosen = ConstructionSettings(**fields)
    result = construct(score, chosen, sector=sector, borrowable=lent)
    weights = result.weights[0]
    assert np.abs(weights).max() <= (chosen.max_weight or 1.0) * (1 + 1e-9)
    long, short = weights[weights > 0].sum(), -weights[weights < 0].sum()
    assert long == pytest.approx(short, abs=1e-9)
    assert long <= 1 + 1e-9
    assert result.ranked[0] == (long > 0)
    assert not (weights[~np.isfinite(score[0])] != 0).any()
    assert not (weights[~lent[0]] < 0).any()
    if chosen.sector_neutral:
        for key in np.unique(sector):
            assert weights[sector == key].sum() == pytest.approx(0, abs=1e-9)
    order = np.array(data.draw(st.permutations(range(stocks))))
    if not (chosen.sector_neutral and kind == "top_k"):  # equal remainders go to the earlier sector
        again = construct(score[:, order], chosen, sector=sector[order], borrowable=lent[:, order]).weights
        np.testing.assert_allclose(again[0], weights[order], atol=1e-12)


def test_sectors_and_borrowing_are_refused_where_they_mean_nothing():
    score = np.arange(6.0)[None]
    neutral = ConstructionSettings(sector_neutral=True, min_names=2)
    with pytest.raises(EvaluationError, match="needs the sector"):
        construct(score, neutral)
    with pytest.raises(EvaluationError, match="needs the sector"):
        construct(score, neutral, sector=np.full(6, -1, dtype=np.int16))
    with pytest.raises(EvaluationError, match="borrows nothing"):
        construct(score, ConstructionSettings(side="long_only"), borrowable=np.ones((1, 6), dtype=bool))
