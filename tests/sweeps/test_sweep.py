"""A search on a real panel, from its settings to its last trial."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gogooku3.bundle.open import open_bundle
from gogooku3.errors import SettingsError
from gogooku3.graphs.build import build_graphs
from gogooku3.graphs.narrow import narrowed
from gogooku3.graphs.settings import GraphSettings
from gogooku3.panel.open import open_panel
from gogooku3.scoring.deep_member import DeepMember
from gogooku3.sweeps.best import retrain_best
from gogooku3.sweeps.honesty import judge
from gogooku3.sweeps.look import Look
from gogooku3.sweeps.open import open_sweep
from gogooku3.sweeps.run import engine_of, run_sweep
from gogooku3.sweeps.settings import SweepSettings
from gogooku3.sweeps.space import Choice, Range, Space, default_space
from gogooku3.sweeps.sweep import Sweep
from tests.pipeline.tiny import NAME
from tests.sweeps.stand_in import ThreadEngine

SPACE: Space = {
    "optimizer.learning_rate": Range(low=1e-3, high=1e-2, log=True),
    "atft.hidden": Choice(values=(8, 16)),
    "graph.neighbours": Choice(values=(2, 4)),
    "loss.horizon_weights": Choice(values=("equal", "short")),
}
FLAGS: dict[str, object] = {
    "atft.lookback": 6,
    "atft.convolutions": 1,
    "atft.heads": 2,
    "deep.sessions": 60,
    "deep.parts": 1,
    "deep.ema": 0.5,
    "frequency.channels": ["ret_1"],
    "frequency.window": 10,
    "graph.window": 60,
    "splits.locked_years": 1,
    "splits.min_train_sessions": 60,
    "deep.threads": 1,
}


def sweep_of(made: Path, folder: Path, **changes: object) -> Sweep:
    settings = {"trials": 2, "epochs": 1, "folds": 1, "startup": 1, "heartbeat": 5, **changes}
    return open_sweep(
        panel=made / NAME / "panel",
        folder=folder,
        settings=SweepSettings.model_validate(settings),
        space=SPACE,
        flags=FLAGS,
    )


@pytest.fixture(scope="module")
def done(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    sweep = sweep_of(made, tmp_path_factory.mktemp("sweeps") / "first")
    with engine_of(sweep) as engine:
        run_sweep(sweep, engine)
    return sweep


def test_every_trial_ends_with_a_value(done: Sweep) -> None:
    rows = json.loads((done.folder / "all_trials.json").read_text())
    assert [row["state"] for row in rows] == ["COMPLETE"] * 2
    assert all(set(row["params"]) == set(SPACE) for row in rows)
    assert all(row["memory_mb"] > 100 and row["epochs"] == [1] for row in rows)
    assert not list((done.folder / "trials").iterdir())
    about = json.loads((done.folder / "sweep.json").read_text())
    assert about["sweep"]["trials"] == 2


def test_the_value_is_the_mean_rank_ic_of_sessions_that_are_not_locked(done: Sweep) -> None:
    panel = open_panel(done.base.settings.panel.file)
    last = panel.sessions[-1].astype("datetime64[Y]")
    for entry in done.ledger.read().entries:
        assert entry.series is not None
        series = done.ledger.series(entry.series)
        assert series.sessions.max().astype("datetime64[Y]") < last
        assert np.mean([np.nanmean(one) for one in series.rank_ic]) == pytest.approx(entry.value)
        assert entry.fold_rank_ic == pytest.approx([entry.value])
    assert judge(done.ledger).trials == 2


def test_the_monitor_reads_the_study(done: Sweep) -> None:
    snapshot = Look(done.folder).now()
    assert snapshot.ended
    assert snapshot.states == {"COMPLETE": 2}
    assert snapshot.best is not None
    assert snapshot.best[2] == json.loads((done.folder / "best_params.json").read_text())


def test_a_study_of_something_else_is_refused(done: Sweep, made: Path) -> None:
    with pytest.raises(SettingsError, match="the folder holds a search already"):
        run_sweep(sweep_of(made, done.folder), ThreadEngine())
    other = replace(sweep_of(made, done.folder, epochs=2), resume=True)
    with pytest.raises(SettingsError, match="begun with other settings") as refused:
        run_sweep(other, ThreadEngine())
    assert "settings.deep" in str(refused.value)


def test_what_the_model_does_not_accept_is_refused_before_the_first_trial(made: Path, tmp_path: Path) -> None:
    for entry, said in (
        ({"atft.heads": Choice(values=(2, 3))}, "does not divide hidden"),
        ({"atft.lookback": Choice(values=(1, 6))}, "1 convolutions read 3 sessions"),
        ({"optimizer.learning_rate": Range(low=-1.0, high=1e-2)}, "greater than 0"),
    ):
        sweep = open_sweep(
            panel=made / NAME / "panel",
            folder=tmp_path / "refused",
            settings=SweepSettings(trials=1, epochs=1, folds=1),
            space={**SPACE, **entry},
            flags={key: value for key, value in FLAGS.items() if key not in entry},
        )
        with pytest.raises(SettingsError, match="does not accept a point") as refused:
            run_sweep(sweep, ThreadEngine())
        assert said in str(refused.value)
        assert not (tmp_path / "refused" / "study.db").exists()


@pytest.mark.parametrize(
    "key", ["frequency.window", "graph.window", "deep.epochs", "lightgbm.leaves", "atft.no"]
)
def test_a_setting_that_trials_share_cannot_be_chosen(made: Path, tmp_path: Path, key: str) -> None:
    sweep = open_sweep(
        panel=made / NAME / "panel",
        folder=tmp_path / "refused",
        settings=SweepSettings(trials=1, epochs=1, folds=1),
        space={key: Choice(values=(10, 20))},
        flags={name: value for name, value in FLAGS.items() if name != key},
    )
    with pytest.raises(SettingsError, match="a search cannot choose this setting"):
        sweep.refuse_what_cannot_be()


def test_another_machine_may_have_other_cores_and_folders(done: Sweep, made: Path, tmp_path: Path) -> None:
    (tmp_path / "panel").symlink_to((made / NAME / "panel").resolve())
    other = open_sweep(
        panel=tmp_path / "panel",
        folder=tmp_path / "there",
        settings=done.settings.model_copy(update={"workers": 2}),
        space=SPACE,
        flags={**FLAGS, "deep.threads": 2},
    )
    assert other.known() == done.known()


def test_a_narrowed_graph_is_the_one_that_would_have_been_built(made: Path) -> None:
    panel = open_panel(made / NAME / "panel")
    wide = build_graphs(panel, GraphSettings(window=60, neighbours=6, threshold=0.05), start=200, stop=260)
    for neighbours, threshold in ((6, 0.1), (3, 0.05), (2, 0.3)):
        built = build_graphs(
            panel,
            GraphSettings(window=60, neighbours=neighbours, threshold=threshold),
            start=200,
            stop=260,
        )
        found = narrowed(wide, neighbours=neighbours, threshold=threshold)
        np.testing.assert_array_equal(found.index, built.index)
        np.testing.assert_allclose(found.edge, built.edge, rtol=1e-4, atol=1e-6)
        assert (built.index >= 0).any()


def test_the_default_space_is_accepted_on_a_panel(made: Path, tmp_path: Path) -> None:
    sweep = open_sweep(
        panel=made / NAME / "panel",
        folder=tmp_path / "default",
        settings=SweepSettings(folds=1),
        space={},
        usual=default_space(),
    )
    assert sweep.space == default_space()
    sweep.refuse_what_cannot_be()
    task = sweep.task(3, {"graph.threshold": 0.3, "graph.neighbours": 10})
    assert task["base"]["graph"]["neighbours"] == 30
    assert task["base"]["graph"]["threshold"] == 0.1
    assert task["settings"]["graph"]["neighbours"] == 10
    assert task["settings"]["run"]["name"] == "00003"
    assert pl.Series([json.dumps(task)]).len() == 1  # plain data


def test_the_best_is_trained_anew_for_the_epochs_that_its_folds_chose(done: Sweep, tmp_path: Path) -> None:
    copied = shutil.copytree(done.folder, tmp_path / "copy")
    base = replace(
        done.base,
        resolved=replace(
            done.base.resolved,
            settings=done.base.settings.model_copy(
                update={
                    "run": done.base.settings.run.model_copy(update={"folder": tmp_path, "name": "copy"}),
                    "deep": done.base.settings.deep.model_copy(update={"epochs": 3}),
                }
            ),
        ),
    )
    sweep = replace(done, folder=copied, base=base)
    (copied / "ledger.jsonl").unlink()
    for entry in done.ledger.read().entries:
        sweep.ledger.append(entry.model_copy(update={"epochs": (1, 2)}))  # median 1.5, halves up
    best = retrain_best(sweep, seeds=2)
    assert best.epochs == 2
    members = [DeepMember.load(path) for path in sorted((copied / "best/models").glob("*.safetensors"))]
    assert [member.epochs for member in members] == [2] * len(members)
    assert len(members) == 2 * 2  # the test year and the locked one
    begun = [json.loads(line) for line in (copied / "best/training.jsonl").read_text().splitlines()]
    assert not any("choosing" in str(line) for line in begun)
    assert set(best.rank_ic) == {1, 5}
    assert all(np.isfinite(value) for value in best.rank_ic.values())
    opened = (copied / "best/openings.jsonl").read_text().splitlines()
    assert len(opened) == 1
    assert len(open_bundle(best.bundle.path).members) == 2
