"""Deep models and a blend as models of a run, from the panel to the morning's ranking."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gogooku3.config.process import TorchProcess
from gogooku3.errors import EvaluationError, ModelError, PanelError, SettingsError
from gogooku3.evaluation.drift.settings import DriftSettings
from gogooku3.labels.target import Target
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.bundle import bundle
from gogooku3.pipeline.comparison_design import design
from gogooku3.pipeline.contestant import Contestant, contestant
from gogooku3.pipeline.deep_labels import deep_labels
from gogooku3.pipeline.drift_sample import raw_outputs, sample_of
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.graph import graphs_of
from gogooku3.pipeline.predict import predict
from gogooku3.pipeline.predict_bundle import predict_bundle
from gogooku3.pipeline.report import report
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.scorers import load_scorer
from gogooku3.pipeline.train import folds_of, model_files, train
from gogooku3.pipeline.watch_training import WatchTraining
from gogooku3.scoring.blend import Blend, learn_weight
from gogooku3.training.losses.settings import LossSettings
from tests.counted import Counted
from tests.pipeline.tiny import tiny_run

DEEP: dict[str, object] = {
    "train.models": ["lightgbm", "gru", "atft_gat_fan", "blend"],
    "splits.test_years": 2,
    "splits.locked_years": 0,
    "lightgbm.seeds": 3,
    "deep.epochs": 1,
    "deep.seeds": 2,
    "deep.sessions": 60,
    "deep.parts": 1,
    "deep.ema": 0.5,
    "gru.hidden": 8,
    "gru.lookback": 3,
    "atft.hidden": 16,
    "atft.lookback": 12,
    "atft.convolutions": 1,
    "frequency.channels": ["ret_1"],
    "frequency.window": 10,
    "graph.window": 60,
    "graph.neighbours": 5,
}


@pytest.fixture(scope="module")
def run(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("deep") / "runs"
    shutil.copytree(made, folder)
    told = Counted()
    trained = tiny_run(folder, DEEP, told)
    train(trained)
    assert told.tasks
    assert told.wrong() == []
    return trained


def test_all_models_score_the_same_stock_days(run: Run) -> None:
    frame = pl.read_parquet(run.path("predictions.parquet"))
    for model in ("lightgbm", "gru", "atft_gat_fan", "blend"):
        scores = frame[f"{model}_h5_d1"].to_numpy()
        assert np.isfinite(scores).all()
        assert np.unique(scores).size > 100
    assert {f"atft_gat_fan_h5_d1_seed{k}" for k in range(2)} <= set(frame.columns)


def test_the_seeds_of_every_model_are_known(run: Run) -> None:
    judged = Judged(run)
    seeds = {
        model: Contestant(judged=judged, model=model, locked=False, records={}, data={}).seeds
        for model in run.settings.train.models
    }
    count = run.settings.lightgbm.seeds
    assert seeds == {"lightgbm": tuple(range(count)), "gru": (0, 1), "atft_gat_fan": (0, 1), "blend": ()}


def test_the_mean_of_a_deep_models_members_is_its_score(run: Run) -> None:
    judged = Judged(run)
    entered = contestant(judged, "atft_gat_fan")
    score, members = entered.scores(Target(horizon=5, lag=1), judged.panel)
    assert np.nanmax(np.abs(np.mean(members, axis=0) - score)) < 1e-7
    assert np.isfinite(score).sum() > 5_000


def test_models_of_other_kinds_are_compared_though_other_code_trains_them(run: Run) -> None:
    judged = Judged(run)
    with pytest.raises(EvaluationError) as error:
        design(contestant(judged, "atft_gat_fan"), contestant(judged, "lightgbm"))
    assert "fewer than 3" in str(error.value)  # for the tiny run has two seeds
    assert "code of training" not in str(error.value)
    found = design(contestant(judged, "blend"), contestant(judged, "lightgbm"))
    assert "code" in [setting.key for setting in found.under_test]


def test_what_is_trained_is_not_trained_again(run: Run) -> None:
    assert all(record.skipped for record in train(run))


def test_the_morning_scores_as_the_backtest_did(run: Run) -> None:
    panel = panel_of(run)
    fold = folds_of(run, panel)[-1]
    frame = pl.read_parquet(run.path("predictions.parquet"))
    for model in ("gru", "atft_gat_fan"):
        paths = [run.path(name) for name in model_files(run, model, fold.name)]
        alone = load_scorer(model, lambda _, paths=paths: paths)
        morning = load_scorer(model, lambda _, paths=paths: paths, tested=fold.test)
        for session in (fold.test[0], fold.test[len(fold.test) // 2], fold.test[-1]):
            scores, rounded = (scorer.members(panel, int(session)) for scorer in (morning, alone))
            day = frame.filter(pl.col("date") == panel.sessions[session].item()).sort("code")
            for t, target in enumerate(panel.targets):
                for seed in range(2):
                    backtest = day[f"{model}_{target}_seed{seed}"].to_numpy()
                    np.testing.assert_array_equal(scores[seed, :, t], backtest)
                    np.testing.assert_allclose(rounded[seed, :, t], backtest, atol=1e-5)


def test_raw_outputs_of_a_sample_are_the_mean_of_the_members(run: Run) -> None:
    panel, (fold, *_) = panel_of(run), folds_of(run, panel_of(run))
    sample = sample_of(panel, fold.train, DriftSettings(sample_sessions=6, sample_rows=200), stretch=3)
    paths = [run.path(name) for name in model_files(run, "atft_gat_fan", fold.name)]
    scorer = load_scorer("atft_gat_fan", lambda _: paths)
    one_by_one = [scorer.members(panel, t)[:, picked].mean(axis=0, dtype=np.float64) for t, picked in sample]
    np.testing.assert_allclose(raw_outputs(scorer, panel, sample), np.concatenate(one_by_one), atol=1e-6)


def test_a_ranking_by_a_deep_model_and_by_a_blend(run: Run) -> None:
    panel = panel_of(run)
    for model in ("atft_gat_fan", "blend"):
        table = predict(run, model=model).table
        assert table.height == panel.universe[-1].sum()
        assert table["score_h5_d1"].n_unique() > table.height // 2


def test_a_bundle_ranks_as_its_run_does(run: Run, tmp_path: Path) -> None:
    packed = bundle(run, out=tmp_path / "all.zip")
    for model in ("lightgbm", "gru", "atft_gat_fan", "blend"):
        by_bundle = predict_bundle(run, packed.path, model=model).table
        assert by_bundle.equals(predict(run, model=model).table)


def test_a_blend_learns_its_weights_from_the_test_years_before(run: Run) -> None:
    first, second = (
        Blend.load(run.path(f"models/blend-{fold.name}.json")) for fold in folds_of(run, panel_of(run))
    )
    assert set(first.weight) == {0.5}
    assert np.isnan(first.validation).all()
    assert np.isfinite(second.validation).all()
    frame = pl.read_parquet(run.path("predictions.parquet")).filter(pl.col("date").dt.year() == 2025)
    day = frame.filter(pl.col("date") == frame["date"][0])
    ranks = [day[f"{name}_h5_d1"].rank() for name in ("lightgbm", "atft_gat_fan")]
    target = panel_of(run).targets.index(next(t for t in panel_of(run).targets if str(t) == "h5_d1"))
    weight = second.weight[target]
    mixed = (1 - weight) * ranks[0].to_numpy() + weight * ranks[1].to_numpy()
    assert np.corrcoef(mixed, day["blend_h5_d1"].to_numpy())[0, 1] == pytest.approx(1.0, abs=1e-6)


def test_the_weight_of_a_blend_is_the_best_of_the_grid() -> None:
    rng = np.random.default_rng(0)
    label = rng.normal(size=(30, 200)).astype(np.float32)
    good = (label + rng.normal(size=label.shape)).astype(np.float32)
    poor = (label + 3 * rng.normal(size=label.shape)).astype(np.float32)
    weight, reached = learn_weight(poor, good, label, 10)
    assert 0.5 < weight < 1.0
    assert reached > learn_weight(poor, poor, label, 10)[1]
    assert learn_weight(good, rng.normal(size=label.shape).astype(np.float32), label, 10)[0] < 0.3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"train.models": ["lightgbm"], "atft.hidden": 32}, "atft.hidden"),
        ({"train.models": ["lightgbm"], "optimizer.type": "adabelief"}, "optimizer.type"),
        ({"atft.gat_layers": 0, "graph.every": 3}, "graph.every"),
        ({"loss.huber_delta": 2.0}, "loss.huber_delta"),
        ({"scheduler.t0": 2}, "scheduler.t0"),
        ({"frequency.channels": [], "frequency.window": 9}, "frequency.window"),
    ],
)
def test_a_setting_that_nothing_reads_is_refused(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    own = {"train.models": ["lightgbm", "atft_gat_fan"]}
    with pytest.raises(SettingsError, match="no effect") as raised:
        tiny_run(tmp_path, {**own, **changes})
    assert said in str(raised.value)


def test_a_report_of_models_with_other_numbers_of_seeds(run: Run) -> None:
    report(run)
    rows = json.loads(run.path("report.json").read_text(encoding="utf-8"))["context"][
        "RankIC of single seeds"
    ]
    by_model = {row["model"]: row for row in rows}
    assert by_model["lightgbm"]["seed 2"] != ""
    assert by_model["gru"]["seed 2"] == ""


def test_a_blend_needs_its_models_before_it(run: Run) -> None:
    alone = tiny_run(
        run.folder.parent, {**DEEP, "train.models": ["gru", "blend", "lightgbm", "atft_gat_fan"]}
    )
    with pytest.raises(SettingsError, match="before blend"):
        train(alone)


def test_a_graph_without_a_link_is_an_error(run: Run) -> None:
    strict = tiny_run(run.folder.parent, {**DEEP, "graph.threshold": 0.99})
    with pytest.raises(PanelError, match="no stock has a neighbour"):
        graphs_of(strict, panel_of(strict), 300)


def test_a_panel_of_other_features_is_refused(run: Run) -> None:
    panel = panel_of(run)
    fold = folds_of(run, panel)[-1]
    scorer = load_scorer("gru", lambda name: [run.path(f) for f in model_files(run, name, fold.name)])
    scorer.described = {**scorer.described, "features": ["x", *panel.feature_names[1:]]}  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match="other features") as raised:
        scorer.members(panel, int(fold.test[0]))
    assert "x" in str(raised.value)


def test_labels_of_every_kind(run: Run) -> None:
    panel = panel_of(run)
    stop = 500
    ranks, raw = (deep_labels(panel, LossSettings(target=kind), stop) for kind in ("rank", "raw"))
    known = ~np.isnan(ranks)
    assert np.array_equal(known, ~np.isnan(raw))
    assert known.sum() > 10_000
    for kind in ("sector_neutral", "beta_neutral", "factor_neutral"):
        neutral = deep_labels(panel, LossSettings(target=kind), stop)
        found = ~np.isnan(neutral)
        assert (
            found.sum() > (0.99 if kind != "beta_neutral" else 0.5) * known.sum()
        )  # beta needs 250 sessions
        assert not (found & ~known).any()
        both = found & known
        assert 0.5 < np.corrcoef(neutral[both], ranks[both])[0, 1] < 0.9999
        assert np.abs(neutral[both]).max() < 0.5
    none = deep_labels(panel, LossSettings(target="factor_neutral", factors=()), stop)
    beta = deep_labels(panel, LossSettings(target="factor_neutral"), stop)
    assert np.nanmax(np.abs(none - beta)) > 0.05
    quarter = deep_labels(panel, LossSettings(target="factor_neutral", neutral_share=0.25), stop)
    np.testing.assert_allclose(quarter, 0.25 * beta + 0.75 * ranks, atol=1e-6)


def test_curves_are_kept(run: Run) -> None:
    lines = [json.loads(line) for line in run.path("training.jsonl").read_text(encoding="utf-8").splitlines()]
    chosen = [line for line in lines if line["training"].endswith("choosing")]
    assert len(chosen) >= 4
    for line in chosen:
        assert set(line["rank_ic"]) == {str(target) for target in panel_of(run).targets}
        assert line["stock_days_per_second"] > 0
        assert line["memory_mb"] > 100
        assert line["threads"] >= 1


def test_curves_for_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="its extra is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    process = TorchProcess(threads=1, threads_by="deep.threads", memory_kept=True)
    targets = (Target(horizon=1, lag=1), Target(horizon=5, lag=1))
    for wanted in (False, True):
        run = tiny_run(tmp_path / str(wanted), {**DEEP, "deep.tensorboard": wanted})
        run.folder.mkdir(parents=True)
        watch = WatchTraining(run, targets, process)
        watch.begin("gru", 6, 0)
        for epoch in (1, 2):
            watch.epoch("gru", epoch, 0.5 / epoch, 1e-3, [0.1 * epoch, float("nan")])
        assert run.path("tensorboard").exists() == wanted
        assert len(run.path("training.jsonl").read_text().splitlines()) == 2
    events = EventAccumulator(str(run.path("tensorboard"))).Reload()
    assert [(event.step, event.value) for event in events.Scalars("gru/loss")] == [(1, 0.5), (2, 0.25)]
