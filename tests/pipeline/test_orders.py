"""Orders in lots: never more than the capital, and always from what is held to what is wanted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogooku3.errors import DataError
from gogooku3.evaluation.backtest.construction_settings import ConstructionSettings
from gogooku3.pipeline.holdings import read_holdings, refuse_other_codes
from gogooku3.pipeline.lots import to_lots
from gogooku3.pipeline.orders import Orders, make_orders
from gogooku3.pipeline.own_prices import are_own_prices
from gogooku3.pipeline.run_folder import Run, open_run
from gogooku3.pipeline.target_weights import target_weights


def lots(wanted: list[float], price: list[float], budget: float, held: list[int] | None = None) -> list[int]:
    shares = np.array(held or [0] * len(wanted), dtype=np.int64)
    return to_lots(np.array(wanted), np.array(price), shares, lot=100, budget=budget).tolist()


def test_the_largest_remainder_gets_the_next_lot() -> None:
    # lots of 100,000, 200,000 and 50,000: 3.3, 1.7 and 6.4 of them are wanted; what is left pays one more of 200,000
    assert lots([330e3, 340e3, 320e3], [1000.0, 2000.0, 500.0], 1_000_000.0) == [300, 200, 600]
    # with one yen less it does not, and the next largest are bought: 0.4 of a lot of 50,000, 0.3 of one of 100,000
    assert lots([330e3, 340e3, 320e3], [1000.0, 2000.0, 500.0], 999_999.0) == [400, 100, 700]


def test_a_name_too_dear_for_a_lot_is_bought_only_from_what_is_left() -> None:
    assert lots([90e3], [1000.0], 90e3) == [0]
    assert lots([90e3, 110e3], [1000.0, 1000.0], 200e3) == [100, 100]
    assert lots([0.0], [1.0], 1e6) == [0]


def test_odd_shares_stay_unless_the_position_is_closed() -> None:
    assert lots([300e3], [1000.0], 300e3, [130]) == [230]
    assert lots([20e3], [1000.0], 20e3, [130]) == [0]
    assert lots([20e3], [1000.0], 40e3, [130]) == [30]
    assert lots([0.0], [1000.0], 1e6, [130]) == [0]


@st.composite
def accounts(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame, float, int, float]:
    count = draw(st.integers(1, 12))
    codes = [f"{1300 + n}" for n in range(count)]
    part = st.lists(st.integers(-3, 5), min_size=count, max_size=count)
    raw = np.array(draw(part), dtype=np.float64)
    for sign in (1, -1):
        leg = sign * raw > 0
        raw[leg] /= np.abs(raw[leg]).sum() or 1.0
    prices = draw(st.lists(st.floats(0.5, 30_000), min_size=count, max_size=count))
    known = draw(st.lists(st.sampled_from([True, True, True, False]), min_size=count, max_size=count))
    names = pl.DataFrame({"code": codes, "weight": raw, "price": prices, "tradable": known})
    held = draw(st.dictionaries(st.sampled_from([*codes, "ZZZZ"]), st.integers(-450, 2000)))
    holdings = pl.DataFrame(
        {"code": list(held), "shares": list(held.values())}, schema={"code": pl.String, "shares": pl.Int64}
    )
    capital, lot = draw(st.floats(1e4, 1e9)), draw(st.sampled_from([1, 100]))
    return names, holdings, capital, lot, draw(st.sampled_from([0.0, 10.0]))


def orders_of(account: tuple[pl.DataFrame, pl.DataFrame, float, int, float]) -> Orders:
    names, holdings, capital, lot, bps = account
    return make_orders(names, holdings, capital=capital, lot=lot, cost_bps=bps)


@settings(max_examples=200, deadline=None)
@given(accounts())
def test_no_leg_is_worth_more_than_the_capital(
    account: tuple[pl.DataFrame, pl.DataFrame, float, int, float],
) -> None:
    found, capital = orders_of(account), account[2]
    table = found.table
    fixed = account[1].join(account[0], on="code").filter(~pl.col("tradable"))
    for sign in (1, -1):
        stuck = float((sign * fixed["shares"]).clip(0).dot(fixed["price"])) if fixed.height else 0.0
        asked = float((sign * account[0].filter("tradable")["weight"]).clip(0).sum())
        leg = float((sign * table["target"]).clip(0).dot(table["price"])) if table.height else 0.0
        assert leg <= asked * max(0.0, capital - found.kept_back - stuck) * (1 + 1e-8)
    traded = float((table["target"] - table["held"]).abs().dot(table["price"])) if table.height else 0.0
    assert found.cost == pytest.approx(account[4] * 1e-4 * traded)
    assert found.cost <= found.kept_back * (1 + 1e-8)


@settings(max_examples=200, deadline=None)
@given(accounts())
def test_what_is_held_and_traded_is_what_is_wanted(
    account: tuple[pl.DataFrame, pl.DataFrame, float, int, float],
) -> None:
    names, holdings, _, lot, _ = account
    found = orders_of(account)
    held = dict(holdings.iter_rows())
    open_ = set(names.filter("tradable")["code"])
    sign = {"sell": -1, "buy": 1, "hold": 0}
    sides = found.table["side"].to_list()
    assert sides == sorted(sides, key=["sell", "buy", "hold"].index)
    for row in found.table.iter_rows(named=True):
        assert row["held"] == held.get(row["code"], 0)
        assert row["held"] + sign[row["side"]] * row["shares"] == row["target"]
        assert (row["shares"] == 0) == (row["side"] == "hold")
        crossed = row["target"] == 0 or row["held"] * row["target"] < 0
        assert row["shares"] % lot in ({0, abs(row["held"]) % lot} if crossed else {0})
        assert row["code"] in open_
    listed = set(found.table["code"])
    assert {code for code, shares in held.items() if shares and code in open_} <= listed
    gone = {code for code, shares in held.items() if shares} - open_
    assert gone == {*found.untraded, *found.unknown}
    assert set(found.unknown) == gone & {"ZZZZ"}


@settings(max_examples=50, deadline=None)
@given(accounts(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(
    account: tuple[pl.DataFrame, pl.DataFrame, float, int, float], random: object
) -> None:
    names, holdings, *rest = account
    seed = random.randrange(2**31)  # type: ignore[attr-defined]
    mixed = (names.sample(fraction=1, shuffle=True, seed=seed), holdings.reverse(), *rest)
    assert orders_of(mixed).table.equals(orders_of(account).table)


def test_what_is_spent() -> None:
    names = pl.DataFrame(
        {"code": ["1", "2"], "weight": [1.0, 0.0], "price": [1000.0, 500.0], "tradable": [True, True]}
    )
    holdings = pl.DataFrame({"code": ["2"], "shares": [250]})
    found = make_orders(names, holdings, capital=1e6, lot=100, cost_bps=10.0)
    assert found.kept_back == pytest.approx(1e-3 * (125e3 + 1e6))
    assert found.table.select("side", "code", "shares").rows() == [("sell", "2", 250), ("buy", "1", 900)]
    assert found.spent == 900e3 - 125e3
    assert found.cost == pytest.approx(1e-3 * (900e3 + 125e3))
    with pytest.raises(DataError, match="no capital"):
        make_orders(names, holdings, capital=0.0, lot=100, cost_bps=0.0)


SCORES = np.array([np.nan, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0])
TWO = ConstructionSettings(side="long_short", kind="top_k", k=2, min_names=2)


def legs(held: dict[int, int], buffer: float, construction: ConstructionSettings = TWO) -> tuple[set, set]:
    shares = np.zeros(10, dtype=np.int64)
    for n, count in held.items():
        shares[n] = count
    weights = target_weights(SCORES, shares, construction, buffer=buffer)
    return set(np.flatnonzero(weights > 0).tolist()), set(np.flatnonzero(weights < 0).tolist())


@pytest.mark.parametrize(
    ("held", "buffer", "long", "short"),
    [
        ({}, 0.0, {1, 2}, {8, 9}),
        ({3: 100, 7: -100}, 0.0, {1, 2}, {8, 9}),
        ({3: 100, 7: -100}, 0.5, {1, 3}, {7, 9}),
        ({4: 100, 6: -100}, 0.5, {1, 2}, {8, 9}),  # the fourth is not among the best three
        ({4: 100, 6: -100}, 1.0, {1, 4}, {6, 9}),
        ({2: 100, 3: 100, 4: 100}, 1.0, {2, 3}, {8, 9}),  # more are held than there are places
        ({3: -100, 7: 100, 0: 100}, 0.5, {1, 2}, {8, 9}),  # held on the other side, or without a score
    ],
)
def test_what_is_held_stays_while_it_is_near_enough(
    held: dict[int, int], buffer: float, long: set[int], short: set[int]
) -> None:
    assert legs(held, buffer) == (long, short)


def test_a_bucket_keeps_its_size() -> None:
    thirds = ConstructionSettings(side="long_only", quantiles=3, min_names=2)
    assert legs({}, 0.0, thirds) == ({1, 2, 3}, set())
    assert legs({4: 100}, 0.5, thirds) == ({1, 2, 4}, set())


def test_no_ranking_is_no_portfolio() -> None:
    with pytest.raises(DataError, match="no ranking to trade on"):
        target_weights(np.ones(30), np.zeros(30, dtype=np.int64), ConstructionSettings(), buffer=0.0)


@pytest.mark.parametrize(
    ("held", "panel"),
    [("7203", "72030"), ("72030", "7203"), ("130A", "130A0"), ("7203.T", "72030"), ("7203.T", "7203")],
)
def test_codes_that_are_written_otherwise_are_refused(held: str, panel: str) -> None:
    """As unknown ones they would be bought once more."""
    shares = pl.DataFrame({"code": ["9999", held], "shares": [100, 100]})
    with pytest.raises(DataError, match="write codes otherwise") as error:
        refuse_other_codes(shares, [panel, "1301"])
    assert panel in str(error.value)
    refuse_other_codes(shares, [held, panel])  # a share and another of the same company


def test_holdings(tmp_path: Path) -> None:
    path = tmp_path / "held.csv"
    path.write_text("Code,Quantity,note\n1301,250,\n01300,-100,x\nCASH,1234.5,\n", encoding="utf-8")
    found = read_holdings(path)
    assert found.shares.rows() == [("01300", -100), ("1301", 250)]
    assert found.cash == 1234.5
    pl.DataFrame({"code": ["1301"], "shares": [250]}).write_parquet(tmp_path / "held.parquet")
    assert read_holdings(tmp_path / "held.parquet").shares.rows() == [("1301", 250)]
    assert read_holdings(tmp_path / "held.parquet").cash is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code,shares\n1301,\n", r"has no number[\s\S]*row 1"),
        ("code,shares\n1301,10\n1301,20\n", r"twice[\s\S]*row 1"),
        ("code,shares\ncash,10\nCash,20\n", r"twice[\s\S]*row 1"),
        ("code,shares\n1301,10\n,20\n", r"has no code[\s\S]*row 2"),
        ("code,shares\n1301,1.5\n", "part of a share"),
        ("code,amount\n1301,1\n", "a column is missing: shares"),
    ],
)
def test_holdings_that_cannot_be_read(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "held.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_holdings(path)


def held_of(*codes: str) -> pl.DataFrame:
    return pl.DataFrame({"code": codes, "shares": [100] * len(codes)}, schema_overrides={"code": pl.String})


def test_holdings_that_are_mostly_unknown_are_refused() -> None:
    codes = ["72030", "13010"]
    refuse_other_codes(held_of("72030", "9999"), codes)
    refuse_other_codes(held_of(), codes)
    with pytest.raises(DataError, match=r"most of what is held[\s\S]*2 of 3 codes, such as 9999"):
        refuse_other_codes(held_of("72030", "9999", "ABC"), codes)
    nothing = held_of("9999", "ABC").with_columns(shares=pl.lit(0))
    refuse_other_codes(nothing, codes)  # rows of what was sold


@pytest.mark.parametrize("columns", ["AdjustmentFactor", "adj_close", "adj_factor", ""])
def test_only_bars_with_a_factor_of_the_day_have_prices_of_their_day(tmp_path: Path, columns: str) -> None:
    names = ["date", "code", "open", "high", "low", "close", "volume", *filter(None, [columns])]
    frame = pl.DataFrame({name: ["2024-05-01" if name == "date" else "1"] for name in names})
    (tmp_path / "days").mkdir()
    frame.write_csv(tmp_path / "days/2024-05-01.csv")

    def run_on(place: Path, adjustment: str = "auto") -> Run:
        flags = {"run.folder": str(tmp_path), "source.bars": str(place), "source.adjustment": adjustment}
        return open_run(flags=flags, remembered=False)

    for place in (tmp_path / "days", tmp_path / "days/2024-05-01.csv"):
        assert are_own_prices(run_on(place)) == (columns == "AdjustmentFactor")
    assert not are_own_prices(run_on(tmp_path / "gone.csv"))
    assert not are_own_prices(run_on(tmp_path / "days", "none"))
    for flag, own in (("run.simulated", True), ("panel.file", False)):
        value: object = own or str(tmp_path / "panel.arrow")
        flags = {"run.folder": str(tmp_path), flag: value}
        assert are_own_prices(open_run(flags=flags, remembered=False)) == own
