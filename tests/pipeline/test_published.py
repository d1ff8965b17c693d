"""Statements, margin balances and short selling in a panel: built, appended to, corrected, cut off."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import DataError, SettingsError
from gogooku3.features.margin import known_margin
from gogooku3.features.statements import known_statements
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.append import append
from gogooku3.pipeline.build import build, panel_of
from gogooku3.pipeline.run_folder import Run, open_run
from gogooku3.progress import Silent
from gogooku3.sources.filings import read_statements
from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.sources.simulation.simulate import simulate
from tests.features.test_statements import disclosures
from tests.pipeline.test_append import assert_same

SESSIONS, ADDED = 620, 12
SETTINGS: dict[str, object] = {
    "universe.min_history": 40,
    "labels.horizons": [1],
    "market.ended_after": 8,
    "panel.segment_sessions": 100,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files: unadjusted bars with one split, two years of disclosures, balances and sales.

    The split takes effect on a Monday: after the week's balance, before it is published. Later the company revises its
    forecast and says no number of shares.
    """
    folder = tmp_path_factory.mktemp("whole")
    settings = SimulationSettings(stocks=20, sessions=SESSIONS, listed_later=0.1, delisted=0.0, seed=2)
    bars = simulate(settings, [(1, 1)]).bars.frame.select(
        "date", "code", "open", "high", "low", "close", "volume"
    )
    codes = bars["code"].unique().sort()
    days = bars["date"].unique().sort()
    when = next(day for day in days[SESSIONS - 34 :] if day.weekday() == 0)
    split = (pl.col("code") == codes[0]) & (pl.col("date") >= when)
    bars = bars.with_columns(
        pl.when(split)
        .then(pl.col("open", "high", "low", "close") / 2)
        .otherwise(pl.col("open", "high", "low", "close")),
        volume=pl.when(split).then(pl.col("volume") * 2).otherwise("volume"),
        AdjustmentFactor=pl.when((pl.col("code") == codes[0]) & (pl.col("date") == when))
        .then(0.5)
        .otherwise(1.0),
        sector=(pl.col("code").str.slice(1, 1).cast(pl.Int64) % 2).cast(pl.String),
    )
    bars.write_parquet(folder / "bars.parquet")
    told = disclosures(5, codes=len(codes), years=3)
    shift = days[-1] - told["date"].max()
    told = told.with_columns(
        pl.col("code").replace_strict({str(n): code for n, code in enumerate(codes)}),
        pl.col("date") + shift,
        pl.col("shares") * 1e4,
        pl.col("treasury_shares") * 1e4,
        *(pl.col(name) * 1e6 for name in ("profit", "equity", "sales", "forecast_profit", "next_profit")),
    )
    last = told.filter(pl.col("code") == codes[0]).sort("date")[-1:]
    revision = last.select("code", "period", "period_end", "year_end").with_columns(
        date=pl.lit(when + dt.timedelta(days=9)),
        time=pl.lit("10:00:00"),
        number=pl.lit("r"),
        forecast_profit=pl.lit(9e7),
    )
    pl.concat([told, revision], how="diagonal").write_parquet(folder / "statements.parquet")
    rng = np.random.default_rng(0)
    weeks = [day for day in days if day.weekday() == 4]
    margin = pl.DataFrame({"date": weeks}).join(codes.to_frame(), how="cross")
    margin.with_columns(
        short=pl.Series(rng.integers(0, 9_000, margin.height).astype(np.float64)),
        long=pl.Series(rng.integers(0, 90_000, margin.height).astype(np.float64)),
        long_negotiable=pl.Series(rng.integers(0, 9_000, margin.height).astype(np.float64)),
    ).write_parquet(folder / "margin.parquet")
    sales = pl.DataFrame({"date": days}).join(pl.DataFrame({"sector": ["0", "1"]}), how="cross")
    sales.with_columns(
        pl.Series(name, rng.uniform(1, 9, sales.height))
        for name in ("long", "short_restricted", "short_unrestricted")
    ).write_parquet(folder / "short_selling.parquet")
    return folder


FILES = ("statements", "margin", "short_selling")


def cut(whole: Path, folder: Path, last: dt.date) -> Path:
    """Return the files as they were on the evening of a day."""
    folder.mkdir(exist_ok=True)
    for name in ("bars", *FILES):
        frame = pl.read_parquet(whole / f"{name}.parquet").filter(pl.col("date") <= last)
        frame.write_parquet(folder / f"{name}.parquet")
    return folder


def run_of(folder: Path, files: Path, changes: Mapping[str, object] | None = None) -> Run:
    flags: dict[str, object] = {
        "run.name": "r",
        "run.folder": str(folder),
        "source.bars": str(files / "bars.parquet"),
    }
    flags |= {f"source.{name}": str(files / f"{name}.parquet") for name in FILES}
    return open_run(flags=flags | SETTINGS | dict(changes or {}), remembered=False, progress=Silent())


@pytest.fixture(scope="module")
def days(whole: Path) -> list[dt.date]:
    return pl.read_parquet(whole / "bars.parquet")["date"].unique().sort().to_list()


@pytest.fixture(scope="module")
def built(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Panel:
    run = run_of(tmp_path_factory.mktemp("built"), whole)
    build(run)
    return panel_of(run)


@pytest.fixture(scope="module")
def held(whole: Path, days: list[dt.date], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was built ``ADDED`` sessions before the end, beside its files."""
    folder = tmp_path_factory.mktemp("held")
    files = cut(whole, folder / "files", days[-ADDED - 1])
    build(run_of(folder, files))
    return folder


def own(held: Path, tmp_path: Path) -> tuple[Path, Path]:
    shutil.copytree(held, tmp_path / "own")
    return tmp_path / "own", held / "files"


def feature(panel: Panel, name: str) -> np.ndarray:
    grid = np.full((len(panel.sessions), len(panel.codes)), np.nan, dtype=np.float32)
    for block in panel.blocks(0):
        grid[block.first : block.first + len(block.sessions), block.stock] = block.features[
            :, :, panel.feature_names.index(name)
        ]
    return grid


def test_features_are_there_and_said_to_be_missing_how_often(whole: Path, tmp_path: Path) -> None:
    notes: list[str] = []

    class Told(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    flags = {f"source.{name}": str(whole / f"{name}.parquet") for name in FILES}
    run = open_run(
        flags={
            "run.name": "r",
            "run.folder": str(tmp_path),
            "source.bars": str(whole / "bars.parquet"),
            **SETTINGS,
            **flags,
        },
        remembered=False,
        progress=Told(),
    )
    build(run)
    names = panel_of(run).feature_names
    assert {"fs_roe", "fs_age", "fs_book_yield", "mg_balance", "mg_long_days", "ss_ratio"} <= set(names)
    (missing,) = [note for note in notes if note.startswith("missing on stock-days")]
    assert "fs_surprise" in missing
    assert "%" in missing


def test_a_value_is_that_of_the_newest_disclosure(whole: Path, built: Panel) -> None:
    known = known_statements(read_statements(whole / "statements.parquet"), "XTKS").frame
    grid = feature(built, "fs_roe")
    checked = 0
    for n, code in enumerate(built.codes):
        own_rows = known.filter(pl.col("key") == code).sort("session")
        for t in range(0, len(built.sessions), 17):
            day = built.sessions[t].item()
            rows = own_rows.filter(pl.col("session") <= day)
            value = rows["fs_roe"][-1] if rows.height and (day - rows["session"][-1]).days <= 400 else None
            if not built.present[t, n]:
                continue
            expected = np.float32(np.nan if value is None else value)
            np.testing.assert_array_equal(grid[t, n], expected)
            checked += value is not None
    assert checked > 100


def test_yields_follow_price_and_splits(whole: Path, built: Panel) -> None:
    told = read_statements(whole / "statements.parquet")
    known = known_statements(told, "XTKS").frame
    told = told.with_columns(count=pl.col("shares") - pl.col("treasury_shares").fill_null(0)).sort("date")
    bars = pl.read_parquet(whole / "bars.parquet").sort("date")
    grid = feature(built, "fs_book_yield")
    checked, silent = 0, 0
    for n, code in enumerate(built.codes[:3]):
        mine = bars.filter(pl.col("code") == code)
        for t in range(len(built.sessions) - 60, len(built.sessions)):
            day = built.sessions[t].item()
            rows = known.filter((pl.col("key") == code) & (pl.col("session") <= day)).sort("session")
            close = mine.filter(pl.col("date") == day)["close"]
            if not rows.height or not len(close):
                continue
            said = told.filter(pl.col("count") == rows["fs_shares"][-1], code=code)["date"]
            since = said.filter(said <= rows["session"][-1]).max()
            factor = mine.filter((pl.col("date") > since) & (pl.col("date") <= day))[
                "AdjustmentFactor"
            ].product()
            equity, shares = rows["fs_equity"][-1], rows["fs_shares"][-1]
            if equity is None or shares is None:
                assert np.isnan(grid[t, n])
                continue
            assert grid[t, n] == pytest.approx(equity / (shares / factor * close[0]), rel=1e-5)
            checked += 1
            silent += factor != 1 and told.filter(pl.col("date").is_between(since, day), code=code).height > 1
    assert checked > 60
    assert silent > 10, "nothing was disclosed without shares after a split"


def test_balances_follow_splits_from_their_own_day(whole: Path, built: Panel) -> None:
    margin = pl.read_parquet(whole / "margin.parquet")
    code = built.codes[0]
    mine = pl.read_parquet(whole / "bars.parquet").filter(code=code).sort("date")
    margin = known_margin(margin.filter(code=code), "XTKS").frame
    grid = feature(built, "mg_long_days")
    between = 0
    for t in range(len(built.sessions) - 40, len(built.sessions)):
        day = built.sessions[t].item()
        balance = margin.filter(pl.col("session") <= day).sort("session")[-1:]
        until = mine.filter(pl.col("date") <= day)
        # what one share of each day has become by today
        size = 1 / until["AdjustmentFactor"].reverse().cum_prod().shift(1, fill_value=1.0).reverse()
        mean = (until["volume"] * size)[-20:].mean()
        # a split on the Monday after that Friday counts, though the balance was published on Tuesday
        friday = balance["session"].item() - dt.timedelta(days=balance["session"].item().weekday() + 3)
        factor = until.filter(pl.col("date") > friday)["AdjustmentFactor"].product()
        expected = np.log(balance["mg_long"].item() / factor / mean)
        assert grid[t, 0] == pytest.approx(expected, abs=1e-5)
        between += factor != 1
    assert between > 2


def test_an_append_gives_what_a_build_gives(whole: Path, held: Path, built: Panel, tmp_path: Path) -> None:
    folder, _ = own(held, tmp_path)
    shutil.copytree(held / "files", tmp_path / "files", dirs_exist_ok=True)
    run = run_of(folder, held / "files", {f"source.{name}": str(whole / f"{name}.parquet") for name in FILES})
    done = append(run, whole / "bars.parquet")
    assert done.sessions == ADDED
    assert_same(panel_of(run), built)
    with pytest.raises(DataError, match="nothing new"):
        append(run, whole / "bars.parquet")


def test_a_late_statement_mends_from_its_session_on(
    whole: Path, held: Path, days: list[dt.date], tmp_path: Path
) -> None:
    folder, files = own(held, tmp_path)
    late = tmp_path / "late"
    shutil.copytree(files, late)
    frame = pl.read_parquet(late / "statements.parquet")
    code = frame["code"][0]
    when = days[-ADDED - 40]
    own_row = frame.filter(pl.col("code") == code)[:1].with_columns(
        date=pl.lit(when), time=pl.lit("10:00:00"), number=pl.lit("zzz"),
        year_end=pl.lit(dt.date(when.year + 1, 3, 31)),
        profit=pl.lit(9e9), sales=pl.lit(5e8), period=pl.lit("FY"),
    )  # fmt: skip
    pl.concat([frame, own_row], how="diagonal").write_parquet(late / "statements.parquet")
    run = run_of(folder, files, {"source.statements": str(late / "statements.parquet")})
    before = feature(panel_of(run), "fs_sales_yield")
    done = append(run, files / "bars.parquet")
    assert (done.sessions, done.computed) == (0, 40)
    other = run_of(tmp_path / "fresh", files, {"source.statements": str(late / "statements.parquet")})
    build(other)
    assert_same(panel_of(run), panel_of(other))
    after = feature(panel_of(run), "fs_sales_yield")
    changed = np.argwhere(~((before == after) | (np.isnan(before) & np.isnan(after))))
    assert set(changed[:, 1]) == {panel_of(run).codes.index(code)}
    assert changed[:, 0].min() == len(before) - 40


def test_nothing_of_the_future_is_known(held: Path, built: Panel) -> None:
    early = panel_of(run_of(held, held / "files"))
    for name in (
        "fs_roe",
        "fs_age",
        "fs_revision",
        "fs_book_yield",
        "mg_balance_change",
        "mg_long_days",
        "ss_ratio_rise",
    ):
        left, right = feature(early, name), feature(built, name)[: len(early.sessions)]
        np.testing.assert_array_equal(left, right[:, [built.codes.index(code) for code in early.codes]])


def test_adjusted_bars_are_not_held_against_amounts(whole: Path, tmp_path: Path) -> None:
    bars = pl.read_parquet(whole / "bars.parquet").drop("AdjustmentFactor")
    files = tmp_path / "files"
    shutil.copytree(whole, files)
    bars.write_parquet(files / "bars.parquet")
    run = run_of(tmp_path, files)
    build(run)
    names = panel_of(run).feature_names
    assert "fs_roe" in names
    assert not {"fs_book_yield", "fs_earnings_yield", "mg_long_days"} & set(names)


def test_a_family_that_the_panel_was_built_without_is_refused(whole: Path, tmp_path: Path) -> None:
    flags = {"run.name": "r", "run.folder": str(tmp_path), "source.bars": str(whole / "bars.parquet")}
    build(open_run(flags=flags | SETTINGS, remembered=False))
    run = open_run(
        flags=flags | SETTINGS | {"source.margin": str(whole / "margin.parquet")}, remembered=False
    )
    with pytest.raises((DataError, SettingsError)):
        append(run, whole / "bars.parquet")
