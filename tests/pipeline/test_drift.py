"""Drift of a run: raw outputs and features of training beside those of the test year."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import EvaluationError, StorageError
from gogooku3.evaluation.drift.population_stability import population_stability
from gogooku3.evaluation.drift.reference_bins import reference_bins
from gogooku3.evaluation.drift.settings import DriftSettings
from gogooku3.pipeline.drift import drift_of
from gogooku3.pipeline.drift_sample import raw_features, sample_of
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.train import model_files
from gogooku3.progress import Silent
from gogooku3.training.ranked_rows import ranked_rows
from tests.pipeline.tiny import tiny_run
from tests.training.fitted import load_fitted

ALL = DriftSettings(sample_sessions=10_000, sample_rows=10_000_000)


@pytest.fixture(scope="module")
def judged(made):
    """The tiny run, evaluated."""
    return Judged(tiny_run(made))


def _drift(judged, settings=ALL, folds=None):
    return drift_of(
        judged.run, judged.panel, judged.folds if folds is None else folds, judged.tested, settings=settings
    )


def test_raw_outputs_are_those_of_the_fitted_models_unranked(judged):
    found = {(one.name, one.fold): one for one in _drift(judged).moved if one.kind == "score"}
    panel, run, (fold,) = judged.panel, judged.run, judged.folds
    assert set(found) == {(f"{m} {t}", fold.name) for m in run.settings.train.models for t in panel.targets}
    data = ranked_rows(panel, int(fold.test[0]), Silent())
    fitted_on = np.concatenate([fold.train, fold.validation])
    rows, _ = data.sessions(np.sort(fitted_on))
    predictions = pl.read_parquet(judged.predictions_path)
    dates = panel.sessions[fold.test]
    later = predictions.filter(pl.col("date").is_in(dates.tolist()))
    for model in run.settings.train.models:
        members = [load_fitted(model, run.path(name)) for name in model_files(run, model, fold.name)]
        outputs = np.stack([member.predict(rows.x) for member in members]).mean(axis=0, dtype=np.float64)
        for t, target in enumerate(panel.targets):
            values = later[f"{model}_{target}"].to_numpy()
            bins = reference_bins(outputs[:, t].astype(np.float32))
            expected = population_stability(bins, values, name="x")
            one = found[f"{model} {target}", fold.name]
            assert one.index == pytest.approx(expected.index)
            assert one.floor == pytest.approx(expected.floor)
            assert (one.missing, one.missing_before) == (0.0, 0.0)


def test_features_are_those_of_the_panel_before_ranking(judged):
    panel, (fold,) = judged.panel, judged.folds
    found = {one.name: one for one in _drift(judged).moved if one.kind == "feature"}
    assert list(found) == list(panel.feature_names)
    fitted_on = np.sort(np.concatenate([fold.train, fold.validation]))
    grid, universe = panel.read(0, len(panel.sessions)), panel.universe
    for f, name in enumerate(panel.feature_names):
        before, after = (
            np.concatenate([grid[t, universe[t], f] for t in part]) for part in (fitted_on, fold.test)
        )
        expected = population_stability(reference_bins(before), after, name=name)
        assert found[name].index == pytest.approx(expected.index)
        assert found[name].missing == pytest.approx(np.isnan(after).mean())
        assert found[name].missing_before == pytest.approx(np.isnan(before).mean())


def test_a_sample_is_spread_over_sessions_and_stocks(judged):
    panel, (fold,) = judged.panel, judged.folds
    sample = sample_of(panel, fold.train, DriftSettings(sample_sessions=10, sample_rows=100))
    days = [session for session, _ in sample]
    assert (len(days), days[0], days[-1]) == (10, fold.train[0], fold.train[-1])
    step = sample[0][1].step
    assert step == -(-panel.universe[days].sum() // 100)
    assert [picked.start for _, picked in sample[: step + 1]] == [*range(step), 0]
    assert len(raw_features(panel, sample)) <= 100 + len(days)
    stretches = sample_of(panel, fold.train, DriftSettings(sample_sessions=10), stretch=4)
    days = [session for session, _ in stretches]
    assert (len(days), days[0], sorted(set(days))) == (10, fold.train[0], days)
    assert np.flatnonzero(np.diff(days) > 1).tolist() == [3, 7]
    for stretch in (1, 3):
        whole = sample_of(panel, fold.train, ALL, stretch=stretch)
        assert [session for session, _ in whole] == fold.train[
            panel.universe[fold.train].any(axis=1)
        ].tolist()
    assert len(raw_features(panel, whole)) == panel.universe[fold.train].sum()


def test_sampling_changes_little_and_is_deterministic(judged):
    settings = DriftSettings(sample_sessions=60, sample_rows=1500)
    sampled, again, full = _drift(judged, settings), _drift(judged, settings), _drift(judged)
    assert sampled == again
    pairs = zip(sampled.moved, full.moved, strict=True)
    gaps = [abs(a.index - b.index) for a, b in pairs if np.isfinite(a.index) and np.isfinite(b.index)]
    assert 0 < np.median(gaps) < 0.1


def test_what_was_watched_is_said(judged):
    report = _drift(judged)
    fold = judged.folds[0].name
    assert f"in the test years {fold}, against" in report.watched
    assert f"{fold} has no earlier record." in report.watched
    assert all(alarm.text.startswith(f"{fold}: ") for alarm in report.alarms)
    assert {alarm.name for alarm in report.alarms if alarm.kind == "stability"} == {
        one.name for one in report.moved if one.index > 0.25
    }


def test_a_later_fold_is_held_against_the_earlier_test_days(judged):
    (fold,) = judged.folds
    half = len(fold.test) // 2
    early = dataclasses.replace(fold, test=fold.test[:half])
    late = dataclasses.replace(fold, test=fold.test[half:])
    report = _drift(judged, folds=[early, late])
    assert "the RankIC of " in report.watched
    watched = int(report.watched.split("the RankIC of ")[1].split(" ")[0])
    assert 0 < watched <= 2 * len(judged.panel.targets)


def test_without_models_nothing_is_known_of_training(runs):
    run = tiny_run(runs)
    judged = Judged(run)
    for path in run.path("stages").glob("train-*.json"):
        path.unlink()
    assert _drift(judged) is None


def test_another_model_file_is_refused(runs):
    run = tiny_run(runs)
    judged = Judged(run)
    path = run.path(model_files(run, "ridge", judged.folds[0].name)[0])
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    with pytest.raises(StorageError, match="not the one that was trained"):
        _drift(judged)


def test_sessions_that_were_not_evaluated_are_refused(judged):
    (fold,) = judged.folds
    beyond = dataclasses.replace(fold, test=fold.test + 5)
    with pytest.raises(EvaluationError, match="not evaluated"):
        _drift(judged, folds=[beyond])
