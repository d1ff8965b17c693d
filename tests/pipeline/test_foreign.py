"""Scores of another tool: judged as our own, refused in words, and nothing lost without being counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import DataError, EvaluationError, SettingsError
from gogooku3.labels.target import Target
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.foreign import evaluate_foreign
from gogooku3.pipeline.foreign_judged import Foreign, ForeignJudged
from gogooku3.pipeline.foreign_run import open_foreign
from gogooku3.pipeline.foreign_scores import read_scores
from gogooku3.pipeline.run_folder import open_run
from gogooku3.progress import Silent
from tests.pipeline.tiny import MARKET, NAME, made_once, simulation_of, tiny_run

LAST = date(2024, 12, 31)
"""The year after is locked in the run."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny market's bars as files."""
    folder = tmp_path_factory.mktemp("bars")
    bars = simulation_of(tiny_run(folder).settings).bars
    bars.frame.write_parquet(folder / "bars.parquet")
    assert bars.listing is not None
    assert bars.delistings is not None
    bars.listing.write_parquet(folder / "listing.parquet")
    bars.delistings.write_parquet(folder / "delistings.parquet")
    return folder


@pytest.fixture(scope="module")
def predictions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory) / NAME / "predictions.parquet"


Judge = Callable[..., ForeignJudged]


@pytest.fixture
def judge(files: Path, tmp_path: Path) -> Judge:
    """Open scores on those bars, in a folder of their own."""

    def opened(file: Path, *, name: str | None = None, flags: dict[str, object] | None = None, **asked):
        chosen = {"labels.horizons": MARKET["labels.horizons"], "evaluation.bootstrap_samples": 100}
        if asked.get("universe") == "settings":
            chosen["universe.min_history"] = MARKET["universe.min_history"]
        own: dict[str, object] = {"run.folder": str(tmp_path / "runs"), **chosen}
        own |= {"run.name": name} if name else {}
        for key in ("bars", "listing", "delistings"):
            own[f"source.{key}"] = str(files / f"{key}.parquet")
        what = Foreign(predictions=file, **asked)
        return ForeignJudged(open_foreign(what, progress=Silent(), flags=own | (flags or {})), what)

    return opened


def scored(predictions: Path, days: int = 40) -> pl.DataFrame:
    """One column of the run's scores on its first sessions."""
    frame = pl.read_parquet(predictions, columns=["date", "code", "ridge_h5_d1"])
    first = frame["date"].unique().sort()[:days]
    return frame.filter(pl.col("date").is_in(first.implode())).rename({"ridge_h5_d1": "mine"})


@pytest.mark.parametrize("universe", ["scored", "settings"])
def test_a_runs_own_scores_give_its_own_figures(
    universe: str, judge: Judge, predictions: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = Judged(tiny_run(made_once(tmp_path_factory))).tested
    judged = judge(predictions, universe=universe, until=LAST)
    found = judged.tested
    assert set(found.contestants) == set(own.contestants) == {"ridge", "lightgbm"}
    assert found.targets == own.targets
    assert (found.sessions == own.sessions).all()
    for model in own.contestants:
        for target in own.targets:
            left, right = own.find(model, target), found.find(model, target)
            assert left is not None
            assert right is not None
            assert np.array_equal(left.rank_ic.values, right.rank_ic.values, equal_nan=True)
            for mine, theirs in zip(left.periods, right.periods, strict=True):
                assert theirs.rank_ic == mine.rank_ic
                assert theirs.hit_rate == mine.hit_rate
                assert theirs.portfolio.sharpe_annual == pytest.approx(mine.portfolio.sharpe_annual)
                assert theirs.coverage == mine.coverage
    saved = json.loads((predictions.parent / "evaluation.json").read_text(encoding="utf-8"))
    key = ("model", "target", "seed")
    assert sorted(judged.seeds, key=lambda row: [row[k] for k in key]) == sorted(
        saved["seeds"], key=lambda row: [row[k] for k in key]
    )
    assert not judged.placed.set_aside


def test_files_of_a_run_and_its_marks(judge: Judge, predictions: Path, tmp_path: Path) -> None:
    frame = scored(predictions)
    noise = np.random.default_rng(0).normal(size=frame.height)
    frame = frame.with_columns(
        other_h1_d1=pl.Series(noise), note=pl.lit("x"), late=pl.lit(None, dtype=pl.Float64)
    )
    frame = frame.with_columns(pl.when(pl.int_range(pl.len()) % 7 > 0).then("mine").alias("mine"))
    path = tmp_path / "tool.parquet"
    frame.write_parquet(path)
    judged = judge(path)
    evaluate_foreign(judged)
    folder = tmp_path / "runs/tool"
    names = {"foreign.json", "evaluation.json", "daily.parquet", "validation.json", "settings.json"}
    assert names | {"report.html", "report.md", "report.json"} <= {path.name for path in folder.iterdir()}
    saved = judged.saved()
    found = {(row["model"], row["target"]) for row in saved["results"]}
    assert found == {("mine", f"h{h}_d{d}") for h in (1, 5) for d in (0, 1)} | {("other", "h1_d1")}
    mark = json.loads((folder / "foreign.json").read_text(encoding="utf-8"))
    assert mark["rows"] == mark["judged"] == frame.height
    assert mark["left_out"] == ["note", "late"]
    assert [(c["name"], c["missing"]) for c in mark["columns"]] == [
        ("mine", frame["mine"].null_count()),
        ("other_h1_d1", 0),
    ]
    text = (folder / "report.html").read_text(encoding="utf-8")
    for words in ("No model, folds or training", "the stock-days that the file scores", "columns left out"):
        assert words in text

    with pytest.raises(SettingsError, match="no run of ours"):
        open_run(flags={"run.name": "tool", "run.folder": str(tmp_path / "runs")})
    before = (folder / "evaluation.json").read_bytes()
    frame.sample(fraction=1, shuffle=True, seed=1).write_parquet(path)
    evaluate_foreign(judge(path))  # again, in another order
    assert (folder / "evaluation.json").read_bytes() == before


def test_csv_is_read_alike(judge: Judge, predictions: Path, tmp_path: Path) -> None:
    frame = scored(predictions)
    frame.write_parquet(tmp_path / "p.parquet")
    frame.select(Date=pl.col("date").dt.strftime("%Y%m%d"), Ticker="code", mine="mine").write_csv(
        tmp_path / "c.csv"
    )
    one, two = (judge(tmp_path / name).tested for name in ("p.parquet", "c.csv"))
    for left, right in zip(one.results, two.results, strict=True):
        assert np.allclose(left.rank_ic.values, right.rank_ic.values, equal_nan=True, rtol=0, atol=1e-12)


def test_what_has_no_place_is_counted(judge: Judge, predictions: Path, tmp_path: Path) -> None:
    frame = scored(predictions)
    code = frame["code"][0]
    first = frame["date"].min()

    def row(day: date, name: str, score: float | None = 1.0) -> pl.DataFrame:
        return pl.DataFrame({"date": [day], "code": [name], "mine": [score]}).cast(frame.schema)

    extra = [
        row(date(2024, 3, 4), "nobody"),
        row(date(2024, 3, 5), "nobody"),
        row(date(2024, 1, 6), code),  # a Saturday
        row(date(1999, 1, 4), code),
        row(date(2030, 1, 4), code),
        row(date(2025, 1, 6), code),
        row(date(2024, 7, 1), code, None),
        row(date(2024, 7, 2), code, float("nan")),
    ]
    path = tmp_path / "x.parquet"
    pl.concat([frame, *extra]).write_parquet(path)
    judged = judge(path, until=LAST)
    counts = {aside.why: aside.rows for aside in judged.placed.set_aside}
    assert counts.pop("codes that the bars do not have") == 2
    assert counts.pop("dates that are no sessions of XTKS") == 1
    assert counts.pop("no score in any column") == 2
    assert counts.pop(f"dates after {LAST}") == 1
    (why,) = counts
    assert why.startswith("dates before or after the bars")
    assert counts[why] == 2
    assert judged.placed.frame.height == frame.height
    assert judged.placed.start == np.searchsorted(judged.market.sessions, np.datetime64(first))
    total = sum(aside.rows for aside in judged.placed.set_aside) + judged.placed.frame.height
    assert total == judged.scores.frame.height

    inner = judge(path, universe="settings", flags={"universe.size": 30})
    why = {aside.why: aside.rows for aside in inner.placed.set_aside}
    assert why["outside the universe"] > 0
    assert inner.placed.universe.sum(axis=1).max() == 30
    assert inner.placed.frame.height + sum(why.values()) == inner.scores.frame.height


def test_a_stock_day_without_a_bar_is_set_aside(judge: Judge, predictions: Path, tmp_path: Path) -> None:
    frame = scored(predictions)
    market = judge(predictions).market
    day = int(np.searchsorted(market.sessions, np.datetime64(frame["date"].min())))
    rows = ~market.present[day : day + 40]
    assert rows.any()
    session, stock = (int(x) for x in np.argwhere(rows)[0])
    absent = pl.DataFrame(
        {"date": [market.sessions[day + session].item()], "code": [market.codes[stock]], "mine": [0.5]}
    ).cast(frame.schema)
    path = tmp_path / "x.parquet"
    pl.concat([frame, absent]).write_parquet(path)
    (aside,) = judge(path).placed.set_aside
    assert (aside.why, aside.rows) == ("no bar of the stock on that session", 1)
    assert market.codes[stock] in aside.examples


def test_no_label_looks_beyond_the_last_date(judge: Judge, predictions: Path, tmp_path: Path) -> None:
    frame = scored(predictions)
    path = tmp_path / "x.parquet"
    frame.write_parquet(path)
    until = frame["date"].max()
    judged, free = judge(path, until=until), judge(path)
    for target in (Target(1, 1), Target(5, 1)):
        known = np.isfinite(judged.label(target)).any(axis=1)
        assert known.tolist() == [True] * (40 - target.reach) + [False] * target.reach
        assert np.isfinite(free.label(target)).any(axis=1).all()


BAD = {
    "duplicate": (lambda f: pl.concat([f, f.head(2)]), "scored twice"),
    "infinite": (lambda f: f.with_columns(mine=pl.lit(float("inf"))), "infinite"),
    "no scores": (lambda f: f.select("date", "code"), "no scores"),
    "no number": (lambda f: f.with_columns(mine=pl.lit("good")), "no scores"),
    "no code": (lambda f: f.rename({"code": "stock"}), "column is missing: code"),
    "null code": (
        lambda f: f.with_columns(code=pl.when(pl.int_range(pl.len()) > 0).then("code")),
        "row 1, column code",
    ),
    "unreadable date": (
        lambda f: f.with_columns(date=pl.when(pl.int_range(pl.len()) == 4).then(pl.lit("soon")).otherwise(
            pl.col("date").cast(pl.String))),
        "row 5, column date",
    ),
    "half a number": (
        lambda f: f.with_columns(mine=pl.when(pl.int_range(pl.len()) == 2).then(pl.lit("?")).otherwise(
            pl.col("mine").cast(pl.String))),
        "row 3, column mine",
    ),
    "other codes": (lambda f: f.with_columns(code="X" + pl.col("code")), "write dates and codes as the bars do"),
    "other years": (lambda f: f.with_columns(pl.col("date").dt.offset_by("-10000d")), "no score can be judged"),
    "twice for a target": (lambda f: f.with_columns(mine_h1_d1=pl.col("mine")), "two columns score one model"),
    "attainable": (lambda f: f.rename({"mine": "attainable"}), "attainable benchmark"),
    "empty": (lambda f: f.head(0), "no row"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_files_that_cannot_be_judged(case: str, judge: Judge, predictions: Path, tmp_path: Path) -> None:
    change, words = BAD[case]
    path = tmp_path / "x.parquet"
    change(scored(predictions)).write_parquet(path)
    with pytest.raises(DataError, match=words):
        evaluate_foreign(judge(path))
    assert not (tmp_path / "runs").exists()


def test_constant_scores_are_an_error_of_the_model(judge: Judge, predictions: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    scored(predictions).with_columns(mine=pl.lit(1.0)).write_parquet(path)
    with pytest.raises(EvaluationError, match="constant"):
        evaluate_foreign(judge(path))
    assert not (tmp_path / "runs").exists()


def test_columns_are_chosen_and_understood(tmp_path: Path, predictions: Path) -> None:
    frame = scored(predictions)
    one = pl.col("mine")
    frame = frame.with_columns(a_h5_d1=one, a_h5_d1_seed0=one, b_h5_d1_seed1=one, c_seed2=one, flag=one > 0)
    path = tmp_path / "x.parquet"
    frame.write_parquet(path)
    found = read_scores(path)
    assert [(c.model, c.target and str(c.target), c.seed) for c in found.columns] == [
        ("mine", None, None),
        ("a", "h5_d1", None),
        ("a", "h5_d1", 0),
        ("b_seed1", "h5_d1", None),
        ("c_seed2", None, None),
    ]
    assert found.left_out == ("flag",)
    chosen = read_scores(path, ["a_h5_d1"])
    assert [c.name for c in chosen.columns] == ["a_h5_d1"]
    assert len(chosen.left_out) == 5
    with pytest.raises(DataError, match="column of scores is missing"):
        read_scores(path, ["z"])
    with pytest.raises(DataError, match="wrong type"):
        read_scores(path, ["flag"])


def test_settings_and_folders_that_do_not_fit(judge: Judge, predictions: Path, tmp_path: Path) -> None:
    for flags, words in (
        ({"lightgbm.leaves": 3}, "no effect"),
        ({"splits.test_years": 3}, "no effect"),
        ({"universe.size": 100}, "--universe settings"),
    ):
        with pytest.raises(SettingsError, match=words):
            judge(predictions, flags=flags)
    with pytest.raises(SettingsError, match="--bars FILE"):
        open_foreign(Foreign(predictions=predictions), progress=Silent())
    (tmp_path / "runs/jp").mkdir(parents=True)
    (tmp_path / "runs/jp/settings.json").write_text("{}")
    with pytest.raises(SettingsError, match="a run of ours has this name"):
        judge(predictions, name="jp")
