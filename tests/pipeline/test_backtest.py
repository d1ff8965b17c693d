"""A run's predictions are traded as asked, on the run's own prices, never on locked years unless opened."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import DataError, PanelError, SettingsError, StorageError
from gogooku3.evaluation.backtest.market_tape import market_tape
from gogooku3.evaluation.trading.settings import TradingSettings
from gogooku3.evaluation.trading.trade_score import trade_score
from gogooku3.pipeline.backtest import backtest_run
from gogooku3.pipeline.backtest_choices import BacktestChoices
from gogooku3.pipeline.benchmark import read_benchmark
from gogooku3.pipeline.borrowable import read_borrowable
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.panel_market import panel_market
from gogooku3.pipeline.predictions import to_grid
from gogooku3.pipeline.tape import panel_tape
from tests.pipeline.tiny import tiny_run

FILES = ("daily.parquet", "holdings.parquet", "trades.csv", "summary.json")


@pytest.fixture
def run(runs: Path):
    return tiny_run(runs)


@pytest.mark.parametrize(("model", "target"), [("ridge", "h5_d1"), ("lightgbm", "h1_d0")])
def test_without_options_it_is_the_default_portfolio_of_the_evaluation(run, model, target):
    outcome = backtest_run(run, BacktestChoices(model=model, target=target))
    assert outcome.result.refusals.locked.sum() == 0  # which the default portfolio would fill
    kept = pl.read_parquet(run.path("daily.parquet")).filter(
        (pl.col("model") == model) & (pl.col("target") == target)
    )
    daily = pl.read_parquet(outcome.files[0])
    assert daily["date"].equals(kept["date"])
    for name in ("gross", "net"):
        np.testing.assert_allclose(daily[name].to_numpy(), kept[name].to_numpy(), atol=1e-12)
    assert daily["net"].is_not_null().sum() > 200
    saved = json.loads(run.path("evaluation.json").read_text(encoding="utf-8"))
    row = next(
        r for r in saved["results"] if (r["model"], r["target"], r["period"]) == (model, target, "all")
    )
    assert outcome.summary.sharpe_annual == pytest.approx(row["portfolio"]["sharpe_annual"], rel=1e-9)


def test_the_first_standard_book_is_the_evaluations(run):
    judged = Judged(run)
    panel = panel_of(run)
    rows = np.concatenate([np.array(part) for part in judged.span(locked=False)["folds"].values()])
    start, stop = int(rows.min()), int(rows.max()) + 1
    tape = panel_tape(panel, start, stop, run.settings.market)
    predictions = pl.read_parquet(judged.predictions_path)
    evaluation = judged.tested
    for model in run.settings.train.models:
        for target in panel.targets:
            trading = trade_score(
                model,
                target,
                to_grid(panel, predictions, f"{model}_{target}", start, stop),
                tape,
                panel.universe[start:stop],
                settings=TradingSettings(k=4),
                evaluation=run.settings.evaluation,
                sessions_per_year=evaluation.sessions_per_year,
            )
            result = evaluation.find(model, target)
            np.testing.assert_allclose(trading.books[0].net, result.portfolio.net, atol=1e-12)
            whole, mine = result.whole.portfolio, trading.books[0].summary
            assert mine.sharpe_annual == pytest.approx(whole.sharpe_annual, rel=1e-9)
            assert mine.break_even_bps == pytest.approx(whole.break_even_bps, rel=1e-9)
            assert len(trading.books) == 8
            assert [item.reason for item in trading.left_out] == [
                "no session could be ranked so"
            ]  # sectors are small
            assert len(trading.capacity) == 5


def test_an_account_with_all_costs_leaves_files_that_add_up(run):
    choices = BacktestChoices(
        construction="top_k", k=5, side="long_only", entry="open", capital=5e7, spread=True, impact=True,
        max_participation=0.2, max_weight=0.3, folder="mine",
    )  # fmt: skip
    outcome = backtest_run(run, choices)
    assert outcome.folder == run.path("backtests/mine")
    assert [path.name for path in outcome.files] == list(FILES)
    assert (outcome.model, str(outcome.target)) == ("lightgbm", "h5_d1")
    daily, held = (pl.read_parquet(path) for path in outcome.files[:2])
    trades = pl.read_csv(outcome.files[2], schema_overrides={"code": pl.String})
    summary = json.loads(outcome.files[3].read_text(encoding="utf-8"))
    assert summary == outcome.content
    assert summary["settings"]["account"]["lot"] == 100  # XTKS
    assert summary["first"] == str(daily["date"][0])
    assert summary["benchmark"] == "universe"
    assert summary["relative"]["days"] > 200
    assert summary["summary"]["spread_annual"] > 0
    assert held["shares"].min() > 0
    assert (trades["shares"] % 100 == 0).mean() > 0.9
    signed = trades.with_columns(
        pl.when(pl.col("side") == "buy").then(pl.col("value")).otherwise(-pl.col("value")).alias("paid")
    )
    costs = trades["commission"].sum() + trades["spread"].sum() + trades["impact"].sum()
    flows = daily["distributed"].sum() + daily["in_lieu"].sum() + daily["terminal"].sum()
    assert daily["cash"][-1] == pytest.approx(5e7 - signed["paid"].sum() - costs + flows, abs=1.0)
    again = backtest_run(run, choices.model_copy(update={"folder": None}))
    assert again.folder.name.startswith("lightgbm-h5_d1-")
    for one, other in zip(outcome.files, again.files, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_locked_years_stay_shut_and_an_opening_is_recorded(run, runs):
    judged = Judged(run)
    end = judged.span(locked=False)["end"]
    outcome = backtest_run(run, BacktestChoices())
    assert outcome.result.sessions[-1] < judged.panel.sessions[end] == np.datetime64("2025-01-06")
    assert not run.path("openings.jsonl").exists()
    opened = tiny_run(runs, {"run.open_locked": True})
    with pytest.raises(StorageError, match="no predictions of the sessions"):
        backtest_run(opened, BacktestChoices())
    assert not run.path("openings.jsonl").exists()
    _score_locked_years(opened, judged.panel, end)
    locked = backtest_run(opened, BacktestChoices(model="ridge"))
    assert locked.content["locked"]
    assert locked.content["first"] == "2025-01-06"
    assert "-locked-" in locked.folder.name
    assert len(run.path("openings.jsonl").read_text(encoding="utf-8").splitlines()) == 1


def _score_locked_years(run, panel, first):
    """Do what ``train --open-locked`` does to the predictions, with scores out of the air."""
    day, stock = np.nonzero(panel.universe[first:])
    path = run.path("predictions.parquet")
    before = pl.read_parquet(path)
    keys = {"date": panel.sessions[first + day], "code": [panel.codes[n] for n in stock]}
    scores = np.random.default_rng(0).normal(size=(len(before.columns) - 2, len(day)))
    more = pl.DataFrame(keys | dict(zip(before.columns[2:], scores, strict=True)))
    pl.concat([before, more.cast(before.schema)]).sort("date", "code").write_parquet(path)


def test_nothing_later_changes_a_tape(run):
    """Prices after the last session, or a later start, leave what is known of the earlier ones as it is."""
    panel = panel_of(run)
    whole = panel_tape(panel, 300, 600, run.settings.market)
    part = panel_tape(panel, 300, 450, run.settings.market)
    late = panel_tape(panel, 400, 450, run.settings.market)
    for name in ("open", "high", "low", "close", "volume", "turnover", "ratio", "link"):
        grid = getattr(whole, name)
        np.testing.assert_array_equal(grid[:150], getattr(part, name), err_msg=name)
        np.testing.assert_array_equal(grid[100:150], getattr(late, name), err_msg=name)
        np.testing.assert_array_equal(grid[:100], getattr(late.history, name)[-100:], err_msg=name)
    assert np.isfinite(late.link[0]).sum() > 40  # it reaches back before the start
    np.testing.assert_array_equal(late.link, panel.grid("link")[400:450])
    moved = np.nan_to_num(panel.grid("factor")[400] / panel.grid("factor")[399], nan=1.0)
    both = np.isfinite(late.ratio[0]) & np.isfinite(panel.grid("factor")[399])
    np.testing.assert_allclose(late.ratio[0][both], moved[both], rtol=1e-12)


def test_a_tape_is_that_of_the_market_and_absent_without_prices(run, monkeypatch):
    panel = panel_of(run)
    market = panel_market(panel, run.settings.market)
    lent = np.zeros((10, len(panel.codes)), dtype=bool)
    tape = panel_tape(panel, 300, 310, run.settings.market, borrowable=lent)
    np.testing.assert_array_equal(tape.borrowable, lent)
    np.testing.assert_array_equal(tape.close, market_tape(market, start=300, stop=310).close)
    monkeypatch.setattr(type(panel), "field_names", property(lambda _: ("link", "turnover")))
    assert panel_tape(panel, 300, 310, run.settings.market) is None
    with pytest.raises(PanelError, match="no prices to trade at"):
        backtest_run(run, BacktestChoices())


CODES = ("1301", "1305", "130A")
SESSIONS = np.array(["2024-01-04", "2024-01-05", "2024-01-09", "2024-01-10"], dtype="datetime64[D]")


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_borrowable_list_without_dates_holds_throughout(tmp_path):
    lent = read_borrowable(_written(tmp_path / "x.csv", "Code\n130A\n9999\n1301\n"), SESSIONS, CODES)
    np.testing.assert_array_equal(lent, np.tile([True, False, True], (4, 1)))


def test_a_dated_borrowable_list_holds_until_the_next(tmp_path):
    text = "date,code\n2024-01-08,1305\n2024-01-05,1301\n2024-01-05,130A\n2024-01-10,9999\n"
    wanted = [[0, 0, 0], [1, 0, 1], [0, 1, 0], [0, 0, 0]]
    path = _written(tmp_path / "x.csv", text)
    np.testing.assert_array_equal(read_borrowable(path, SESSIONS, CODES), np.array(wanted, dtype=bool))
    pl.read_csv(path, try_parse_dates=True, schema_overrides={"code": pl.String}).write_parquet(
        tmp_path / "x.parquet"
    )
    again = read_borrowable(tmp_path / "x.parquet", SESSIONS, CODES)
    np.testing.assert_array_equal(again, np.array(wanted, dtype=bool))
    older = read_borrowable(path, SESSIONS + np.timedelta64(30, "D"), CODES)
    assert not older.any()  # the last list names nobody known
    older = read_borrowable(path, SESSIONS[2:3], CODES)
    np.testing.assert_array_equal(older, [[False, True, False]])


BAD_LISTS = {
    "no code": ("stock\n1301\n", "column is missing: code"),
    "no date": ("date,code\n2024-01-05,1301\n,1305\n", "row 2"),
    "bad date": ("date,code\n2024-01-05,1301\nsoon,1305\n", "soon"),
    "nobody known": ("code\n7203\n", "names no stock"),
}


@pytest.mark.parametrize("case", BAD_LISTS)
def test_a_borrowable_list_that_cannot_be_used_is_refused(case, tmp_path):
    text, word = BAD_LISTS[case]
    with pytest.raises(DataError, match=word):
        read_borrowable(_written(tmp_path / "x.csv", text), SESSIONS, CODES)


def test_a_benchmark_by_hand(tmp_path):
    text = "date,close\n2024-01-09,121\n2024-01-05,110\n2024-01-04,100\n2024-01-08,5\n"
    found = read_benchmark(_written(tmp_path / "x.csv", text), SESSIONS)
    np.testing.assert_allclose(found, [np.nan, 0.1, 0.1, np.nan])


BAD_BENCHMARKS = {
    "no close": ("date,level\n2024-01-05,1\n", "column is missing: close"),
    "bad price": ("date,close\n2024-01-05,1\n2024-01-09,x\n", "row 2"),
    "twice": ("date,close\n2024-01-05,1\n2024-01-05,2\n", "two closes"),
    "elsewhere": ("date,close\n2023-01-05,1\n2023-01-06,2\n", "no two sessions"),
}


@pytest.mark.parametrize("case", BAD_BENCHMARKS)
def test_a_benchmark_that_cannot_be_used_is_refused(case, tmp_path):
    text, word = BAD_BENCHMARKS[case]
    with pytest.raises(DataError, match=word):
        read_benchmark(_written(tmp_path / "x.csv", text), SESSIONS)


def test_lists_and_benchmarks_are_used(run, tmp_path):
    panel = panel_of(run)
    lent = tmp_path / "lent.csv"
    pl.DataFrame({"code": panel.codes[::2]}).write_csv(lent)
    free = backtest_run(run, BacktestChoices(borrow_bps=100))
    bound = backtest_run(run, BacktestChoices(borrow_bps=100, borrowable=lent))
    assert free.folder != bound.folder
    held = pl.read_parquet(bound.files[1]).filter(pl.col("weight") < 0)
    assert set(held["code"]) <= set(panel.codes[::2])
    assert not set(pl.read_parquet(free.files[1]).filter(pl.col("weight") < 0)["code"]) <= set(
        panel.codes[::2]
    )
    index = tmp_path / "index.csv"
    days = free.result.sessions.astype("datetime64[D]")
    pl.DataFrame({"date": days, "close": 100 * np.cumprod(1 + np.nan_to_num(free.result.net))}).write_csv(
        index
    )
    mirrored = backtest_run(run, BacktestChoices(borrow_bps=100, benchmark=index))
    assert (mirrored.benchmark, free.benchmark) == ("index.csv", None)
    assert mirrored.relative.beta == pytest.approx(1.0)
    assert mirrored.relative.tracking_error == pytest.approx(0.0, abs=1e-9)


CONTRADICTIONS = [
    ({"model": "forest"}, SettingsError, "ridge, lightgbm"),
    ({"target": "h9_d9"}, SettingsError, "h5_d1"),
    ({"construction": "top_k"}, SettingsError, "needs k"),
    ({"k": 5}, SettingsError, "no use for it"),
    ({"impact": True}, SettingsError, "need a capital"),
    ({"max_participation": 0.1}, SettingsError, "need a capital"),
    ({"lot": 100}, SettingsError, "lots are of shares"),
    ({"entry": "open", "target": "h5_d0"}, SettingsError, "before the close"),
    ({"side": "long_only", "borrow_bps": 10}, SettingsError, "nothing is borrowed"),
    ({"side": "long_only", "borrowable": Path("x.csv")}, SettingsError, "borrows nothing"),
    ({"capital": -1}, SettingsError, "capital"),
    ({"max_weight": 1.5}, SettingsError, "max_weight"),
    ({"borrowable": Path("absent.csv")}, DataError, "absent.csv"),
    ({"folder": "../../away"}, StorageError, "leaves the folder"),
    ({"construction": "top_k", "k": 30}, DataError, "nothing could be traded"),
    ({"capital": 1e3}, DataError, "nothing could be traded"),
]


@pytest.mark.parametrize(("chosen", "error", "word"), CONTRADICTIONS, ids=lambda value: str(value)[:40])
def test_what_cannot_be_is_a_sentence(chosen, error, word, run):
    with pytest.raises(error, match=word):
        backtest_run(run, BacktestChoices(**chosen))
    assert not run.path("backtests").exists()


def test_formulas_in_codes_are_quoted(run, monkeypatch):
    from gogooku3.pipeline import backtest as module

    def risky(*arguments, **more):
        result = plain_backtest(*arguments, **more)
        return replace(result, codes=tuple(f"=cmd|{code}" for code in result.codes))

    plain_backtest = module.backtest
    monkeypatch.setattr(module, "backtest", risky)
    outcome = backtest_run(run, BacktestChoices())
    cells = pl.read_csv(outcome.files[2])["code"]
    assert cells.str.starts_with("'=cmd|").all()
