"""Replayed retraining on the tiny market, ridge alone: what the folds are fitted on, and that the rest goes on."""

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
from polars.testing import assert_frame_equal

from gogooku3.errors import DataError, SettingsError, StorageError
from gogooku3.pipeline.backtest import backtest_run
from gogooku3.pipeline.backtest_choices import BacktestChoices
from gogooku3.pipeline.build import build, panel_of
from gogooku3.pipeline.bundle import bundle
from gogooku3.pipeline.bundle_about import about_run
from gogooku3.pipeline.drift import drift_of
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.predict import predict
from gogooku3.pipeline.predict_bundle import predict_bundle
from gogooku3.pipeline.retrain import retrain
from gogooku3.pipeline.run_folder import Run, open_run
from gogooku3.pipeline.stage import read_stage
from gogooku3.pipeline.train import folds_of, train
from gogooku3.pipeline.trained import trained
from gogooku3.splits.fold import Fold
from gogooku3.splits.walk_forward import WalkForward
from gogooku3.training.fit import FoldFitter
from gogooku3.training.ranked_rows import ranked_rows
from tests.pipeline.tiny import NAME, digests, tiny_run
from tests.splits.oracle import clear

QUARTERS = ["2024Q1", "2024Q2", "2024Q3", "2024Q4"]


@pytest.fixture(scope="module")
def replayed(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder of runs with the tiny run and its quarterly replay; read it, do not write to it."""
    root = tmp_path_factory.mktemp("retrain")
    shutil.copytree(made, root / "runs")
    with chdir(root):
        before = digests(Path("runs", NAME))
        replay = retrain(yearly(), "quarterly")
        assert digests(Path("runs", NAME)) == before, "the run itself is only read"
        assert [stage.name for stage in replay.stages] == [
            *(f"train-ridge-{quarter}" for quarter in QUARTERS),
            "predictions",
            "evaluation",
        ]
        yield Path("runs")


@pytest.fixture
def changed(replayed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, to be changed, in the current folder."""
    shutil.copytree(replayed, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return Path("runs")


def yearly(**changes: object) -> Run:
    """The tiny run as a later command opens it that names ridge alone."""
    said = {key.replace("__", "."): value for key, value in changes.items()}
    return open_run(flags={"run.name": NAME, "train.models": ["ridge"], **said})


def replay() -> Run:
    """The replay as any other command opens it: by its name."""
    return open_run(flags={"run.name": f"{NAME}-quarterly"})


def scores(run: Run) -> pl.DataFrame:
    frame = pl.read_parquet(run.path("predictions.parquet"))
    return frame.select("date", "code", *[name for name in frame.columns if name.startswith("ridge_")])


@pytest.mark.usefixtures("replayed")
def test_every_quarter_is_scored_by_what_was_known_before_it() -> None:
    run, panel = replay(), panel_of(replay())
    mine, whole = scores(run), scores(yearly())
    assert mine.select("date", "code").equals(whole.select("date", "code"))
    first = pl.col("date") < date(2024, 4, 1)  # fitted on the same sessions
    assert_frame_equal(mine.filter(first), whole.filter(first), check_exact=True)
    assert not mine.filter(~first).equals(whole.filter(~first))

    reach = max(target.reach for target in panel.targets) + run.settings.market.ended_after
    days, usable = panel.sessions, panel.universe.any(axis=1)

    def between(start: str, stop: str) -> np.ndarray:
        return np.flatnonzero((days >= np.datetime64(start)) & (days < np.datetime64(stop)) & usable)

    test = between("2024-07-01", "2024-10-01")
    validation = clear(between("2023-07-01", "2024-07-01"), test, reach)
    train_on = clear(between("2000-01-01", "2023-07-01"), validation, reach)
    fold = Fold(
        name="by hand",
        train=np.array(train_on),
        validation=np.array(validation),
        test=test,
        reach=reach,
    )
    rows = ranked_rows(panel, int(test[-1]) + 1, run.progress)
    settings = run.settings
    fitter = FoldFitter(
        rows, fold.train, ridge=settings.ridge, lightgbm=settings.lightgbm, settings=settings.train
    )
    expected = fitter.fit("ridge", fold).scores
    third = mine.filter(pl.col("date").is_between(date(2024, 7, 1), date(2024, 9, 30)))
    found = third.select(f"ridge_{target}" for target in panel.targets).to_numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.usefixtures("replayed")
def test_it_is_compared_with_the_run_on_the_same_days() -> None:
    said = json.loads(Path(f"runs/{NAME}-quarterly/retrain.json").read_text(encoding="utf-8"))
    assert (said["of"], said["cadence"], said["without"]) == (NAME, "quarterly", {})
    assert [pair["paired"]["target"] for pair in said["pairs"]] == ["h1_d1", "h5_d1"]
    daily = [pl.read_parquet(f"runs/{name}/daily.parquet") for name in (NAME, f"{NAME}-quarterly")]
    for pair in said["pairs"]:
        target = pair["paired"]["target"]
        means = [
            frame.filter(pl.col("model") == "ridge", pl.col("target") == target)["rank_ic"].drop_nans().mean()
            for frame in daily
        ]
        assert [pair["before"], pair["now"]] == pytest.approx(means, abs=1e-12)
        difference = pair["paired"]["periods"]["all"]["mean"]
        assert difference == pytest.approx(means[1] - means[0], abs=1e-12)
        assert pair["paired"]["low"] < difference < pair["paired"]["high"]


@pytest.mark.usefixtures("changed")
def test_it_goes_on_where_it_was_interrupted() -> None:
    before = digests(Path(f"runs/{NAME}-quarterly"))
    again = retrain(yearly(), "quarterly")
    assert all(stage.skipped for stage in again.stages)
    Path(f"runs/{NAME}-quarterly/stages/train-ridge-2024Q3.json").unlink()
    Path(f"runs/{NAME}-quarterly/predictions/ridge-2024Q3.parquet").unlink()
    Path(f"runs/{NAME}-quarterly/retrain.json").write_text(
        json.dumps({"of": NAME, "cadence": "quarterly"}), encoding="utf-8"
    )
    resumed = retrain(yearly(), "quarterly")
    assert [stage.name for stage in resumed.stages if not stage.skipped] == ["train-ridge-2024Q3"]
    after = digests(Path(f"runs/{NAME}-quarterly"))
    timed = {"stages/train-ridge-2024Q3.json", "lineage.json", "metrics.jsonl"}
    assert {k: v for k, v in after.items() if k not in timed} == {
        k: v for k, v in before.items() if k not in timed
    }


@pytest.mark.usefixtures("changed")
def test_a_yearly_run_is_what_it_was() -> None:
    run = tiny_run(Path("runs"))
    panel = panel_of(run)
    folds = folds_of(run, panel)
    walk = WalkForward(settings=run.settings.splits, reach=folds[0].reach)
    (fold,) = walk.folds(panel.sessions, np.asarray(panel.universe.any(axis=1)))
    assert [one.name for one in folds] == [fold.name] == ["2024"]
    parts = ("train", "validation", "test")
    assert all(np.array_equal(getattr(folds[0], part), getattr(fold, part)) for part in parts)
    record = read_stage(run, "train-ridge-2024")
    assert record is not None
    assert set(record.inputs) == {
        "panel", "early", "fold", "settings", "seed", "refit", "scored", "test", "code",
    }, "a run that was trained before there were cadences is found done"  # fmt: skip
    saved = Path(f"runs/{NAME}/settings.json")
    tree = json.loads(saved.read_text(encoding="utf-8"))
    del tree["settings"]["retrain"], tree["origins"]["retrain.cadence"]
    saved.write_text(json.dumps(tree), encoding="utf-8")
    old = open_run(flags={"run.name": NAME})
    assert all(stage.skipped for stage in train(old))
    about = about_run(old, panel, fold, {"ridge": record})
    assert "retrain" not in about.settings


@pytest.mark.usefixtures("changed")
def test_a_bundle_of_the_last_quarter_ranks_every_morning() -> None:
    run = replay()
    made = bundle(run)
    assert made.path.name == f"{NAME}-quarterly-2024Q4.zip"
    assert made.about.training.fold == "2024Q4"
    assert str(made.about.training.scores_from) == "2024-10-01"
    assert made.about.settings["retrain"] == {"cadence": "quarterly"}
    own = predict(run, model="ridge")
    assert (own.fold, own.session.year) == ("2024Q4", 2025)
    assert_frame_equal(predict_bundle(yearly(), made.path).table, own.table, check_exact=True)
    assert predict(run, session=date(2024, 5, 7)).fold == "2024Q2"
    with pytest.raises(DataError, match="may have learned"):
        predict_bundle(yearly(), made.path, session=date(2024, 9, 30))
    earlier = bundle(run, fold="2024Q2")
    assert earlier.about.training.trained[1] < earlier.about.training.scores_from == date(2024, 4, 1)
    with pytest.raises(SettingsError, match="not of this run"):
        bundle(run, fold="2024")


@pytest.mark.usefixtures("replayed")
def test_drift_is_watched_quarter_by_quarter() -> None:
    run, judged = replay(), Judged(replay())
    report = drift_of(run, judged.panel, judged.folds, judged.tested, settings=run.settings.evaluation.drift)
    assert report is not None
    assert sorted({one.fold for one in report.moved}) == QUARTERS
    assert "test periods 2024Q1 to 2024Q4" in report.watched
    assert "2024 has no earlier record" in report.watched


@pytest.mark.usefixtures("changed")
def test_it_is_a_run_like_any_other() -> None:
    outcome = backtest_run(replay(), BacktestChoices(model="ridge", target="h5_d1"))
    assert (outcome.content["first"], outcome.content["last"]) == ("2024-01-04", "2024-12-30")
    assert build(replay()).skipped, "its panel is what a build would make"
    assert trained(replay(), panel_of(replay()), "ridge", folds_of(replay(), panel_of(replay()))[-1]).paths


@pytest.mark.usefixtures("changed")
def test_a_folder_with_something_else_is_refused() -> None:
    with pytest.raises(SettingsError, match="something else than this replay"):
        retrain(yearly(), "monthly", out=NAME)
    with pytest.raises(SettingsError, match=f"a replay of {NAME}, quarterly"):
        retrain(yearly(), "monthly", out=f"{NAME}-quarterly")
    with pytest.raises(SettingsError, match="does not open the locked years"):
        retrain(yearly(run__open_locked=True), "quarterly")
    with pytest.raises(StorageError, match="has no panel"):
        retrain(yearly(run__name="none"), "quarterly")


@pytest.mark.usefixtures("runs")
def test_years_of_a_run_that_is_only_built_are_those_of_the_run() -> None:
    for path in Path("runs", NAME, "stages").glob("train-*.json"):
        path.unlink()
    found = retrain(yearly(), "yearly", out="years")
    assert [stage.name for stage in found.stages] == ["train-ridge-2024", "predictions", "evaluation"]
    assert found.pairs == ()
    assert "has not been scored" in found.without["ridge"]
    files = [Path(f"runs/{name}/predictions/ridge-2024.parquet") for name in (NAME, "years")]
    assert files[0].read_bytes() == files[1].read_bytes()
