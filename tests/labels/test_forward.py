from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogooku3.errors import DataError, SettingsError
from gogooku3.labels.forward import forward_returns
from gogooku3.labels.settings import LabelSettings
from gogooku3.labels.target import Target
from gogooku3.market.market import Market
from tests.labels.markets import RANDOM_SILENCE, RULE, market_of, random_market

NAN = float("nan")
CLASSIC, TRADABLE = Target(1, 0), Target(1, 1)


def oracle(market: Market, target: Target, t: int, n: int) -> float:
    """One label, read off the definition one condition at a time."""
    sessions = len(market.sessions)
    entry, exit_ = target.span(t)
    price = [float(market.close[s, n] * market.factor[s, n]) for s in range(sessions)]
    bars = [s for s in range(sessions) if np.isfinite(market.close[s, n])]
    if exit_ >= sessions or t not in bars or np.isnan(price[entry]):
        return NAN
    end = exit_
    gain = 0.0
    if exit_ not in bars and (before := [s for s in bars if entry <= s < exit_]):
        following = min((s for s in bars if s > exit_), default=None)
        if following is not None and following - before[-1] - 1 > RANDOM_SILENCE:
            end, gain = before[-1], RULE
        elif following is None and np.isfinite(market.terminal_return[n]):
            end, gain = before[-1], float(market.terminal_return[n])
    if np.isnan(price[end]) or any(market.broken[s, n] for s in range(entry + 1, end + 1)):
        return NAN
    return price[end] * (1 + gain) / price[entry] - 1


def labels_of(close: list[float], target: Target, **more: object) -> list[float]:
    market = market_of(np.array(close)[:, None], **more)  # type: ignore[arg-type]
    return [round(float(x), 12) for x in forward_returns(market, [target])[:, 0, 0]]


def same(got: list[float], expected: list[float]) -> bool:
    return np.array_equal(np.array(got), np.array(expected), equal_nan=True)


def test_lag_moves_the_span_not_the_row() -> None:
    close = [100.0, 110.0, 99.0, 198.0]
    assert same(labels_of(close, CLASSIC), [0.1, -0.1, 1.0, NAN])
    assert same(labels_of(close, TRADABLE), [-0.1, 1.0, NAN, NAN])


def test_halt_has_no_label_and_is_not_filled() -> None:
    close = [100.0, NAN, 120.0, 132.0]
    assert same(labels_of(close, CLASSIC), [NAN, NAN, 0.1, NAN])
    assert same(
        labels_of(close, TRADABLE), [NAN, NAN, NAN, NAN]
    )  # row 1 has no bar although its prices exist
    assert same(labels_of(close, Target(2, 0)), [0.2, NAN, NAN, NAN])


def test_split_is_no_loss() -> None:
    factor = np.array([[0.5], [0.5], [1.0]])
    assert same(labels_of([100.0, 110.0, 55.0], CLASSIC, factor=factor), [0.1, 0.0, NAN])


def test_broken_link_counts_in_the_half_open_span() -> None:
    close = [100.0, 100.0, 1000.0, 1100.0]
    assert same(labels_of(close, CLASSIC, broken=[(2, 0)]), [0.0, NAN, 0.1, NAN])
    assert same(labels_of(close, Target(2, 0), broken=[(2, 0)]), [NAN, NAN, NAN, NAN])


def test_a_stock_that_ends_pays_its_terminal_return() -> None:
    close = [100.0, 80.0, NAN, NAN, NAN]
    assert same(labels_of(close, Target(2, 0), terminal=[-0.5]), [-0.6, -0.5, NAN, NAN, NAN])
    assert same(labels_of(close, Target(2, 1), terminal=[-0.5]), [-0.5, NAN, NAN, NAN, NAN])
    assert same(labels_of(close, Target(2, 0), terminal=[NAN]), [NAN] * 5)
    assert same(
        labels_of(close, Target(4, 0), terminal=[-0.5]), [-0.6, NAN, NAN, NAN, NAN]
    )  # row 1 leaves the data


def test_an_end_is_decided_by_what_is_known_when_the_stock_has_been_silent_long_enough() -> None:
    """A label of the past must not depend on whether the stock ever comes back."""
    silent = [100.0, 80.0, NAN, NAN, NAN, NAN]
    for later in ([NAN, NAN], [90.0, 99.0]):
        got = labels_of(
            silent + later, Target(2, 0), ended_after=3, terminal=[RULE if np.isnan(later[0]) else NAN]
        )
        assert same(got[:4], [round(80 * 0.7 / 100 - 1, 12), RULE, NAN, NAN])
    shorter = labels_of([*silent, 90.0, 99.0], Target(2, 0), ended_after=4)
    assert same(shorter[:4], [NAN, NAN, NAN, NAN])
    across = labels_of([*silent, 90.0, 99.0], Target(6, 0), ended_after=3)
    assert same(across[:2], [-0.1, round(99 / 80 - 1, 12)])  # there is a price at the exit


def test_a_broken_link_before_the_end_spoils_the_terminal_return() -> None:
    close = [100.0, 80.0, 70.0, NAN, NAN]
    assert same(labels_of(close, Target(2, 0), terminal=[0.0], broken=[(2, 0)]), [NAN, NAN, 0.0, NAN, NAN])


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), horizon=st.integers(1, 8), lag=st.integers(0, 3), data=st.data())
def test_agrees_with_the_oracle_on_any_range(seed: int, horizon: int, lag: int, data: st.DataObject) -> None:
    market = random_market(seed)
    targets = [Target(horizon, lag), Target(1, 0)]
    start = data.draw(st.integers(0, len(market.sessions)))
    stop = data.draw(st.integers(start, len(market.sessions)))
    got = forward_returns(market, targets, start, stop)
    assert got.shape == (stop - start, len(market.codes), 2)
    assert got.dtype == np.float64
    expected = np.empty_like(got)
    for row, n, k in np.ndindex(*got.shape):
        expected[row, n, k] = oracle(market, targets[k], start + row, n)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_nothing_outside_the_span_matters(seed: int) -> None:
    market = random_market(seed)
    target = Target(3, 1)
    whole = forward_returns(market, [target])
    for t in range(len(market.sessions)):
        keep = np.isin(np.arange(len(market.sessions)), [t, *range(t + 1, t + 5)])[:, None]
        alone = market_of(
            np.where(keep, market.close, NAN),
            factor=np.where(keep, market.factor, NAN),
            broken=[(int(s), int(n)) for s, n in np.argwhere(market.broken) if t + 1 < s <= t + 4],
        )
        exit_ = min(t + 4, len(market.sessions) - 1)
        ended = np.isin(np.arange(len(market.codes)), market.ends.stock) & ~market.present[exit_]
        got = forward_returns(alone, [target])[t, ~ended]
        np.testing.assert_array_equal(got, whole[t, ~ended])


def test_the_default_targets_come_in_order() -> None:
    market = market_of(np.exp(np.random.default_rng(0).normal(0, 0.02, (40, 3)).cumsum(axis=0)))
    targets = LabelSettings().targets
    block = forward_returns(market, targets)
    assert block.shape == (40, 3, 8)
    for k, target in enumerate(targets):
        assert np.isfinite(block[:, 0, k]).sum() == 40 - target.reach


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 2), (0, 5)])
def test_a_range_outside_the_data_is_refused(start: int, stop: int) -> None:
    with pytest.raises(DataError, match="leaves the data"):
        forward_returns(market_of(np.ones((4, 1))), [CLASSIC], start, stop)


def test_no_target_is_refused() -> None:
    with pytest.raises(SettingsError, match="no target"):
        forward_returns(market_of(np.ones((4, 1))), [])
