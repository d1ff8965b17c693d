"""A long table becomes a dense segment, row for row."""

from __future__ import annotations

import datetime as dt
import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import DataError, Gogooku3Error, PanelError
from gogooku3.labels.target import Target
from gogooku3.panel import table_grid
from gogooku3.panel.from_table import table_to_segment
from gogooku3.panel.open import open_panel
from gogooku3.panel.table_file import read_table

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "scripts" / "data" / "precompute_arrow_cache.py"


def table(seed: int = 0, days: int = 6, stocks: int = 5) -> pl.DataFrame:
    """Rows of a ragged market with a few nulls; codes such as 0100 and 0102A."""
    rng = np.random.default_rng(seed)
    codes = [f"{100 + n:04}" + ("A" if n % 3 == 2 else "") for n in range(stocks)]
    rows = [
        {
            "Date": dt.date(2020, 1, 6) + dt.timedelta(days=day),
            "Code": code,
            "momentum": None if rng.random() < 0.2 else float(rng.normal()),
            "size": int(rng.integers(1, 1000)),
            "AdjustmentClose": float(rng.uniform(90, 110)),
            "target_1d": None if day == days - 1 else float(rng.normal()),
            "target_5d_lag1": None if rng.random() < 0.3 else float(rng.normal()),
        }
        for day in range(days)
        for code in codes
        if rng.random() < 0.8
    ]
    return pl.DataFrame(rows)


def test_every_value_lands_in_its_place() -> None:
    frame = table()
    made = table_to_segment(frame)
    segment = made.segment
    assert made.rows == len(frame) == segment.present.sum()
    assert made.axes.feature_names == ("momentum", "size")
    assert made.axes.targets == (Target(1, 0), Target(5, 1))
    assert made.axes.calendar == "unknown"
    rows = {(str(row["Date"]), row["Code"]): row for row in frame.iter_rows(named=True)}
    for d, session in enumerate(segment.sessions):
        for n, code in enumerate(segment.codes):
            row = rows.pop((str(session), code), None)
            assert segment.present[d, n] == segment.universe[d, n] == (row is not None)
            got = [*segment.features[d, n], *segment.targets[d, n]]
            names = ("momentum", "size", "target_1d", "target_5d_lag1")
            expected = [
                np.nan if row is None or row[name] is None else np.float32(row[name]) for name in names
            ]
            np.testing.assert_equal(got, expected)
    assert not rows


def test_the_order_of_rows_does_not_matter() -> None:
    frame = table()
    left, right = table_to_segment(frame), table_to_segment(frame.sample(fraction=1.0, shuffle=True, seed=1))
    for name in ("features", "targets", "target_ranks", "present"):
        assert getattr(left.segment, name).tobytes() == getattr(right.segment, name).tobytes()


def test_rank_targets_by_hand() -> None:
    frame = pl.DataFrame(
        {
            "Date": [dt.date(2020, 1, 6)] * 5,
            "Code": ["a", "b", "c", "d", "e"],
            "x": [1.0, 2.0, 3.0, 4.0, 5.0],
            "h1_d1": [0.1, 0.3, 0.1, None, 9.0],
            "Universe": [True, True, True, True, False],
        }
    )
    made = table_to_segment(frame)
    np.testing.assert_allclose(
        made.segment.target_ranks[0, :, 0], [-1 / 6, 1 / 3, -1 / 6, np.nan, np.nan], rtol=1e-6
    )
    assert made.segment.universe[0].tolist() == [True, True, True, True, False]
    assert any("portfolio cannot be evaluated" in note for note in made.notes)
    assert made.axes.field_names == ()


def test_link_follows_the_last_price() -> None:
    frame = pl.DataFrame(
        {
            "Date": [dt.date(2020, 1, day) for day in (6, 7, 8, 9, 10, 7, 9)],
            "Code": ["a"] * 5 + ["b"] * 2,
            "x": [1.0, 2, 3, 4, 5, 6, 7],
            "h1_d1": [0.1] * 7,
            "close": [100.0, 110.0, None, 99.0, 198.0, 10.0, 5.0],
        }
    )
    made = table_to_segment(frame)
    nan = np.nan
    expected = [[nan, nan], [1.1, nan], [nan, nan], [0.9, 0.5], [2.0, nan]]
    np.testing.assert_allclose(made.segment.fields["link"], expected)
    assert made.axes.feature_names == ("x",)
    assert any("link from close as it stands" in note for note in made.notes)
    given = table_to_segment(frame.with_columns(link=pl.Series([None, 1.5, 1, 1, 1, None, 2])))
    assert given.segment.fields["link"][1, 0] == 1.5
    with pytest.raises(PanelError, match="not positive"):
        table_to_segment(frame.with_columns(close=-pl.col("close")))


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y-%m-%d %H:%M:%S", "int", "datetime"])
def test_dates_in_many_forms(form: str) -> None:
    frame = table()
    if form == "int":
        dates = pl.col("Date").dt.strftime("%Y%m%d").cast(pl.Int64)
    elif form == "datetime":
        dates = pl.col("Date").cast(pl.Datetime("ns"))
    else:
        dates = pl.col("Date").cast(pl.Datetime).dt.strftime(form)
    made = table_to_segment(frame.with_columns(dates))
    assert made.segment.features.tobytes() == table_to_segment(frame).segment.features.tobytes()


def test_names_and_sectors_are_the_latest() -> None:
    frame = table()
    first = frame["Date"].min()
    frame = frame.with_columns(
        pl.when(pl.col("Date") == first).then(pl.lit("old")).otherwise(pl.lit("new")).alias("CompanyName"),
        pl.lit(3700).alias("sector33_code"),
    )
    stocks = table_to_segment(frame).stocks
    assert set(stocks["name"]) == {"new"}
    assert set(stocks["sector"]) == {"3700"}
    assert stocks["last_session"].null_count() == len(stocks)


def replaced(name: str, value: object) -> pl.DataFrame:
    """The table with one value changed in its third row."""
    frame = table()
    values = frame[name].to_list()
    values[2] = value
    return frame.with_columns(pl.Series(name, values, strict=False))


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        (table().clear(), "no rows"),
        (pl.concat([table(), table()[4:5]]), r"stands twice[\s\S]*2 rows"),
        (replaced("Date", None), r"date is missing[\s\S]*row 3"),
        (replaced("Code", None), r"code is missing[\s\S]*row 3"),
        (replaced("Code", " "), r"code is missing[\s\S]*row 3"),
        (replaced("momentum", float("inf")), r"infinite[\s\S]*column momentum, row 3"),
        (replaced("target_1d", -float("inf")), r"infinite[\s\S]*column target_1d, row 3"),
        (replaced("momentum", 1e39), r"beyond Float32[\s\S]*1e\+?39"),
        (table().with_columns(Date=pl.lit("yesterday")), r"date is missing or malformed[\s\S]*yesterday"),
        (table().with_columns(Date=pl.lit(1.5)), r"date is missing or malformed[\s\S]*1.5"),
        (table().with_columns(dead=pl.lit(None, dtype=pl.Float64)), "dead is null everywhere"),
        (table().with_columns(flat=pl.lit(3)), r"flat is constant \(3\)"),
        (table().with_columns(sneaky=pl.col("target_5d_lag1")), "sneaky equals target_5d_lag1"),
        (table().with_columns(target_1d=pl.lit(None, dtype=pl.Float64)), r"no label[\s\S]*target_1d"),
        (table().with_columns(universe=pl.lit(2)), "universe column has other values"),
        (table().with_columns(universe=pl.lit(None, dtype=pl.Boolean)), "universe column has other values"),
        (table().drop("Code"), "lacks the column code"),
    ],
)
def test_bad_tables(frame: pl.DataFrame, match: str) -> None:
    with pytest.raises(PanelError, match=match):
        table_to_segment(frame)


@pytest.mark.parametrize(("name", "value"), [("Date", True), ("Code", 1.5)])
def test_keys_of_another_type(name: str, value: object) -> None:
    with pytest.raises(DataError, match=rf"wrong type[\s\S]*column {name}"):
        table_to_segment(table().with_columns(pl.lit(value).alias(name)))


def test_allowed_features_are_kept_and_told() -> None:
    made = table_to_segment(table().with_columns(flat=pl.lit(3)), allow=["flat"])
    assert made.axes.feature_names == ("momentum", "size", "flat")
    assert "allowed: flat is constant (3)" in made.notes


def test_size_is_guarded_before_memory_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_grid, "VALUE_LIMIT", 60)
    with pytest.raises(PanelError, match=r"too large for one segment[\s\S]*\(6, 5, 2\) = 60"):
        table_to_segment(table())


def test_csv_keeps_codes_as_text(tmp_path: Path) -> None:
    frame = table()
    frame = frame.filter(~pl.col("Code").str.contains("A"))
    frame.write_csv(tmp_path / "x.csv")
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress((tmp_path / "x.csv").read_bytes()))
    expected = table_to_segment(frame).segment
    assert expected.codes == ("0100", "0101", "0103", "0104")
    for name in ("x.csv", "x.csv.gz"):
        read = read_table(tmp_path / name)
        assert read.schema["size"] == pl.Int64
        segment = table_to_segment(read).segment
        assert segment.codes == expected.codes
        assert segment.features.tobytes() == expected.features.tobytes()


def test_names_that_bars_may_have_are_known() -> None:
    frame = table().rename({"Date": "trade_date", "Code": "SYMBOL", "AdjustmentClose": "AdjC"})
    made = table_to_segment(frame.with_columns(S33Nm=pl.lit("IT"), CoName=pl.lit(" x ")))
    assert made.axes.feature_names == ("momentum", "size")
    assert set(made.stocks["sector"]) == {"IT"}
    assert made.axes.field_names == ("link",)


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("x.csv", "", "an empty file"),
        ("x.csv", "Date,Code,x,target_1d\n", "no row"),
        ("x.csv", "Date,x\n2020-01-06,1\n", "lacks the column code"),
        ("x.parquet", "no parquet", "cannot be read as a table"),
        ("x.xlsx", "", "is no table"),
    ],
)
def test_unreadable_files(tmp_path: Path, name: str, content: str, match: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(Gogooku3Error, match=match):
        read_table(tmp_path / name)


def script(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_script_from_end_to_end(tmp_path: Path) -> None:
    source, out = tmp_path / "x.parquet", tmp_path / "deep" / "y.arrow"
    frame = table().with_columns(z=pl.col("target_1d") * 2, flat=pl.lit(1.0))
    frame.write_parquet(source)
    done = script(
        "--input", source, "--output", out, "--target", "z=h10_d1", "--allow", "flat", "--calendar", "XTKS"
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert f"{len(frame)} rows, 6 sessions, 5 stocks, 3 features, targets h1_d0, h5_d1, h10_d1" in done.stdout
    assert "target_1d: no lag in its name" in done.stdout
    panel = open_panel(out)
    panel.verify()
    assert panel.feature_names == ("momentum", "size", "flat")
    assert panel.calendar == "XTKS"
    assert panel.lineage["table"] == "x.parquet"
    assert str(tmp_path) not in out.read_bytes().decode("latin-1")
    expected = table_to_segment(frame, target_columns={"z": Target(10, 1)}, allow=["flat"]).segment
    assert next(panel.blocks()).features.tobytes() == expected.features.tobytes()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("--target", "z=5d"), "target's name is not understood"),
        (("--feature", "absent"), "feature column does not exist"),
        (("--allow", "absent"), "allowed feature does not exist"),
        ((), "flat is constant"),
    ],
)
def test_script_errors_leave_the_old_file(tmp_path: Path, arguments: tuple[str, ...], match: str) -> None:
    source, out = tmp_path / "x.parquet", tmp_path / "y.arrow"
    table().with_columns(flat=pl.lit(1.0)).write_parquet(source)
    out.write_bytes(b"old")
    done = script("--input", source, "--output", out, *arguments)
    assert done.returncode == 1
    assert match in done.stderr
    assert "Traceback" not in done.stderr
    assert out.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.parquet", "y.arrow"]
