"""Live rankings of the tiny run against its labels, by another library, day by day."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import chdir
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from gogooku3.errors import EvaluationError, StorageError
from gogooku3.labels.target import Target
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.predict import predict
from gogooku3.pipeline.run_folder import Run, open_run
from gogooku3.pipeline.track import track
from gogooku3.pipeline.tracking import TrackedTarget, Tracking
from gogooku3.storage.hashing import digest_file
from tests.pipeline.tiny import NAME, digests

RANKED = [date(2024, 5, 7), date(2024, 5, 8), date(2024, 12, 24), date(2025, 1, 15), date(2025, 2, 27)]
H1, H5 = Target(1, 1), Target(5, 1)


def run_of(**changes: object) -> Run:
    said = {key.replace("__", "."): value for key, value in changes.items()}
    return open_run(flags={"run.name": NAME, **said})


@pytest.fixture(scope="module")
def ranked(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder of runs with five rankings by ridge in the tiny run; read it, do not write to it."""
    root = tmp_path_factory.mktemp("track")
    shutil.copytree(made, root / "runs")
    with chdir(root):
        shutil.rmtree(f"runs/{NAME}/rankings")
        for session in RANKED:
            predict(run_of(), session=session, model="ridge", as_of=session)
        yield Path("runs")


@pytest.fixture
def runs(ranked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, to be changed, in the current folder."""
    shutil.copytree(ranked, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return Path("runs") / NAME / "rankings"


def put(path: Path, frame: pl.DataFrame, *, historical: bool | None = False) -> None:
    """Write a ranking with the JSON file that says of what time it is."""
    frame.write_parquet(path)
    said = {"historical": historical, "files": {path.name: digest_file(path)}}
    path.with_suffix(".json").write_text(json.dumps(said), encoding="utf-8")


def only(tracking: Tracking, target: Target) -> TrackedTarget:
    (model,) = tracking.models
    (found,) = (one for one in model.targets if one.target == target)
    return found


def by_hand(panel: Panel, frame: pl.DataFrame, session: date, target: Target) -> float:
    """Spearman's correlation by SciPy, over the stocks of the ranking that have a label."""
    row = int(np.flatnonzero(panel.sessions == np.datetime64(session))[0])
    labels = dict(zip(panel.codes, panel.target(target)[row].tolist(), strict=True))
    pairs = [(s, labels[c]) for c, s in frame.select("code", f"score_{target}").iter_rows()]
    kept = np.array([pair for pair in pairs if not np.isnan(pair).any()])
    return float(spearmanr(kept[:, 0], kept[:, 1]).statistic)


def test_days_are_known_not_yet_known_or_kept_back(runs: Path) -> None:
    tracking = track(run_of())
    found = only(tracking, H5)
    # the label of 24 December ends in January 2025, a locked year; that of 27 February beyond the panel
    assert (found.known, found.not_yet, found.kept_back) == (2, 1, 2)
    one = only(tracking, H1)
    assert (one.known, one.not_yet, one.kept_back) == (3, 1, 1)
    values = [day.rank_ic for day in one.days]
    assert np.isfinite(values).tolist() == [True, True, True, False, False]
    assert "too few days: 3 have a RankIC" in one.statement
    assert (one.coverage, one.coverage_min) == (1.0, 1.0)
    assert not Path(f"runs/{NAME}/openings.jsonl").exists()
    assert runs.is_dir()


def test_a_day_is_worth_what_scipy_says_and_what_the_backtest_said(runs: Path) -> None:
    panel, tracking = panel_of(run_of()), track(run_of())
    daily = pl.read_parquet(f"runs/{NAME}/daily.parquet").filter(pl.col("model") == "ridge")
    for target in (H1, H5):
        found = only(tracking, target)
        for day in found.days[: found.known]:
            frame = pl.read_parquet(runs / f"{day.session}-ridge.parquet")
            assert day.rank_ic == pytest.approx(by_hand(panel, frame, day.session, target), abs=1e-12)
            said = daily.filter(pl.col("target") == str(target), pl.col("date") == day.session)
            assert day.rank_ic == day.backtest == pytest.approx(said["rank_ic"].item(), abs=1e-12)
            assert day.spread == pytest.approx(said["spread"].item(), abs=1e-12)
        assert found.rank_ic.test.mean == pytest.approx(
            np.mean([day.rank_ic for day in found.days[: found.known]])
        )
        assert found.same_days == found.known
        assert found.same_days_live == found.same_days_backtest
        whole = daily.filter(pl.col("target") == str(target))["rank_ic"].drop_nulls()
        assert found.backtest.days == len(whole)
        assert found.backtest.test.mean == pytest.approx(whole.mean(), abs=1e-12)


def test_locked_days_are_looked_at_only_when_asked_and_that_is_recorded(runs: Path) -> None:
    panel, tracking = panel_of(run_of()), track(run_of(run__open_locked=True))
    found = only(tracking, H5)
    assert (found.known, found.not_yet, found.kept_back) == (4, 1, 0)
    frame = pl.read_parquet(runs / "2025-01-15-ridge.parquet")
    assert found.days[3].rank_ic == pytest.approx(by_hand(panel, frame, date(2025, 1, 15), H5), abs=1e-12)
    (line,) = Path(f"runs/{NAME}/openings.jsonl").read_text(encoding="utf-8").splitlines()
    opened = json.loads(line)
    assert (opened["first"], opened["last"]) == ("2025-01-06", "2025-01-23")
    assert found.backtest.days == only(track(run_of()), H5).backtest.days, "the backtest stays the open years"


def test_models_are_kept_apart_and_nothing_is_dropped_silently(runs: Path) -> None:
    frame = pl.read_parquet(runs / "2024-05-07-ridge.parquet")
    scores = [f"score_{target}" for target in (H1, H5)]
    reverse = frame.with_columns(-pl.col(name) for name in scores).with_columns(flag=pl.lit("x"))
    put(runs / "2024-05-07-ridge-bundle.parquet", reverse)
    other = frame.with_columns(session=pl.lit("2024-05-09"), score_nonsense=pl.lit(1.0), score_h9_d1=1.0)
    codes = pl.Series(["new", *other["code"].to_list()[1:]])
    put(runs / "2024-05-10-ridge-bundle.parquet", other.with_columns(code=codes))
    put(runs / "2024-05-11-ridge.parquet", frame)  # a Saturday
    put(runs / "2025-03-03-ridge.parquet", frame)
    put(runs / "2024-06-03-ridge.parquet", frame.with_columns(session=pl.lit("2024-05-07")))
    put(runs / "2024-05-13-ridge.parquet", frame.drop(scores))
    put(runs / "notes.parquet", frame)
    put(runs / "2024-05-14-ridge.parquet", frame)
    (runs / "2024-05-14-ridge.parquet").write_bytes(b"cut off")
    frame.write_parquet(runs / "2024-05-15-ridge.parquet")
    put(runs / "2024-05-16-ridge.parquet", frame)
    (runs / "2024-05-16-ridge.json").write_text("{}", encoding="utf-8")
    tracking = track(run_of())
    plain, bundle = tracking.models
    assert (plain.model, plain.rankings, bundle.model, bundle.rankings) == ("ridge", 5, "ridge-bundle", 2)
    assert bundle.targets[0].days[0].rank_ic == pytest.approx(-plain.targets[0].days[0].rank_ic, abs=1e-12)
    assert bundle.targets[0].days[0].backtest == plain.targets[0].days[0].backtest
    assert bundle.last == date(2024, 5, 9)
    assert bundle.unknown_codes == ("new",)
    assert bundle.unknown_targets == (Target(9, 1),)
    assert bundle.targets[0].coverage_min < 1.0
    assert {one.file.name: one.reason for one in tracking.absent} == {
        "2024-05-11-ridge.parquet": "2024-05-11 is no session of the panel",
        "2025-03-03-ridge.parquet": "the panel ends on 2025-02-28, before 2025-03-03",
    }
    reasons = {one.file.name: one.reason for one in tracking.unread}
    assert set(reasons) == {
        "notes.parquet",
        "2024-05-13-ridge.parquet",
        "2024-05-14-ridge.parquet",
        "2024-05-15-ridge.parquet",
        "2024-05-16-ridge.parquet",
        "2024-06-03-ridge.parquet",
    }
    assert "is that of another ranking" in reasons["2024-05-14-ridge.parquet"]
    assert "no 2024-05-15-ridge.json" in reasons["2024-05-15-ridge.parquet"]
    assert "does not say when" in reasons["2024-05-16-ridge.parquet"]
    assert "2024-05-07-ridge.parquet ranks 2024-05-07" in reasons["2024-06-03-ridge.parquet"]
    written = json.loads(tracking.path.read_text(encoding="utf-8"))
    assert [one["model"] for one in written["models"]] == ["ridge", "ridge-bundle"]
    assert len(written["absent"]) + len(written["unread"]) == 8


def test_what_was_ranked_afterwards_neither_replaces_what_was_said_nor_counts(runs: Path) -> None:
    before, known = track(run_of()), digests(runs)
    late = predict(run_of(), session=RANKED[0], model="ridge", as_of=date(2025, 3, 3))
    predict(run_of(), session=date(2024, 5, 9), model="ridge", as_of=date(2025, 3, 3))
    assert {path.name for path in late.files} == {
        f"2024-05-07-ridge-historical.{kind}" for kind in ("csv", "parquet", "json")
    }
    assert digests(runs).items() >= known.items(), "what was said that morning stays"
    frame = pl.read_parquet(runs / "2024-05-07-ridge.parquet")
    # one of an earlier version, by its old name
    put(runs / "2024-05-10-ridge.parquet", frame, historical=True)
    after = track(run_of())
    assert [one.rankings for one in after.models] == [5]
    assert repr(only(after, H1)) == repr(only(before, H1))  # NaN is NaN
    assert {one.file.name for one in after.historical} == {
        "2024-05-07-ridge-historical.parquet",
        "2024-05-09-ridge-historical.parquet",
        "2024-05-10-ridge.parquet",
    }
    assert len(json.loads(after.path.read_text(encoding="utf-8"))["historical"]) == 3
    for path in runs.iterdir():
        if path.name in known:
            path.unlink()
    with pytest.raises(StorageError, match=r"no live rankings[\s\S]*later session had ended"):
        track(run_of())


@pytest.mark.parametrize(("sign", "verdict"), [(1.0, "lies within the range of"), (-1.0, "lies below")])
def test_enough_days_are_held_against_the_backtest(runs: Path, sign: float, verdict: str) -> None:
    predictions = pl.read_parquet(f"runs/{NAME}/predictions.parquet")
    days = predictions["date"].unique().sort().to_list()[::4][:60]
    for path in runs.iterdir():
        path.unlink()
    for day in days:
        said = predictions.filter(pl.col("date") == day)
        put(
            runs / f"{day}-ridge.parquet",
            said.select("code", score_h1_d1=sign * pl.col("ridge_h1_d1")),
        )
    tracking = track(run_of())
    found = only(tracking, H1)
    assert found.known == 60
    assert found.difference is not None
    assert verdict in found.statement
    others = pl.read_parquet(f"runs/{NAME}/daily.parquet").filter(
        pl.col("model") == "ridge", pl.col("target") == "h1_d1", ~pl.col("date").is_in(days)
    )["rank_ic"]
    expected = found.rank_ic.test.mean - others.drop_nans().mean()
    assert found.difference.difference == pytest.approx(expected, abs=1e-12)


def test_a_run_without_a_backtest_is_tracked_all_the_same(runs: Path) -> None:
    Path(f"runs/{NAME}/predictions.parquet").unlink()
    found = only(track(run_of()), H1)
    assert (found.known, found.backtest.days, found.same_days, found.difference) == (3, 0, 0, None)
    assert np.isfinite(found.rank_ic.test.mean)
    assert runs.is_dir()


def test_no_ranking_and_a_constant_one_are_said(runs: Path) -> None:
    frame = pl.read_parquet(runs / "2024-05-07-ridge.parquet")
    put(runs / "2024-05-07-flat.parquet", frame.with_columns(score_h1_d1=0.5))
    with pytest.raises(EvaluationError, match="constant score") as error:
        track(run_of())
    assert "flat, h1_d1" in str(error.value)
    shutil.rmtree(runs)
    with pytest.raises(StorageError, match="no live rankings to track"):
        track(run_of())
