"""A run's models as one file, and the same ranking by that file as by the run."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from gogooku3.bundle.bundle import Bundle
from gogooku3.bundle.open import open_bundle
from gogooku3.errors import DataError, ModelError, PanelError, SettingsError, StorageError
from gogooku3.panel.open import open_panel
from gogooku3.pipeline.build import build
from gogooku3.pipeline.bundle import bundle
from gogooku3.pipeline.predict import predict
from gogooku3.pipeline.predict_bundle import predict_bundle
from gogooku3.pipeline.run_folder import open_run
from gogooku3.storage.hashing import digest_file
from tests.bundle.made import forged, parts_of
from tests.pipeline.tiny import NAME, digests, tiny_run


@pytest.fixture
def packed(runs: Path) -> Bundle:
    return bundle(tiny_run(runs))


def test_what_is_packed(packed: Bundle, runs: Path) -> None:
    run, folder = tiny_run(runs), runs / NAME
    assert packed.path == run.path(f"bundles/{NAME}-2024.zip")
    assert open_bundle(packed.path).digest == packed.digest == digest_file(packed.path)
    assert {member.name: member.data for member in packed.members} == {
        path.name: path.read_bytes() for path in (folder / "models").iterdir()
    }
    assert packed.models == ("ridge", "lightgbm")
    assert len(packed.of("lightgbm")) == 2


def test_what_it_says(packed: Bundle, runs: Path) -> None:
    about, panel = packed.about, open_panel(runs / NAME / "panel")
    assert about.features.names == panel.feature_names
    assert about.features.code == panel.lineage["code"]
    assert about.targets == tuple(map(str, panel.targets))
    assert about.normaliser == {"ridge": {"kind": "per_day_rank"}, "lightgbm": {"kind": "per_day_rank"}}
    assert about.graph == {"ridge": {"kind": "none"}, "lightgbm": {"kind": "none"}}
    assert about.settings["lightgbm"]["leaves"] == 7
    assert about.settings["simulation"]["stocks"] == 50
    assert not {"run", "source", "report", "evaluation", "deep", "atft"} & set(about.settings)
    assert "file" not in about.settings["panel"]
    assert about.versions["ridge"]["numpy"]


def test_what_it_learned_from(packed: Bundle, runs: Path) -> None:
    training, panel = packed.about.training, open_panel(runs / NAME / "panel")
    day = {str(session): k for k, session in enumerate(panel.sessions)}
    known, labels = panel.days("known"), panel.days("labels")
    for one in training.sessions:
        assert (one.known, one.labels) == (known[day[str(one.session)]], labels[day[str(one.session)]])
    assert len(training.sessions) == training.trained[2] + training.chosen[2]
    assert training.sessions[0].session == training.trained[0] < training.trained[1] < training.chosen[0]
    assert training.chosen[1] == training.sessions[-1].session < training.scores_from
    assert training.scores_from.year == 2024
    assert not [one for one in training.sessions if one.session.year >= 2024]


def test_how_good_it_is(packed: Bundle, runs: Path) -> None:
    said = json.loads((runs / NAME / "evaluation.json").read_text())
    wanted = {
        (result["model"], result["target"]): (result["rank_ic"]["mean"], result["rank_ic"]["low"])
        for result in said["results"]
        if result["period"] == "all" and result["model"] in packed.models
    }
    assert {(one.model, one.target): (one.rank_ic, one.low) for one in packed.about.evaluation.test} == wanted
    record = json.loads((runs / NAME / "stages" / "train-ridge-2024.json").read_text())
    measured = {m["target"]: m["validation_rank_ic"] for m in record["metrics"]}
    assert {v.target: v.rank_ic for v in packed.about.evaluation.validation if v.model == "ridge"} == measured
    assert "## Test" in packed.card
    assert "Not evaluated" not in packed.card


def test_figures_of_other_scores_are_not_shown(runs: Path) -> None:
    path = runs / NAME / "predictions.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    assert bundle(tiny_run(runs)).about.evaluation.test == ()
    (runs / NAME / "evaluation.json").unlink()
    assert "Not evaluated out of sample." in bundle(tiny_run(runs)).card


def test_the_same_run_gives_the_same_bytes(packed: Bundle, runs: Path) -> None:
    before = packed.path.read_bytes()
    assert bundle(tiny_run(runs), out=runs / "again.zip").digest == packed.digest
    assert (runs / "again.zip").read_bytes() == before


def test_one_model_alone(runs: Path) -> None:
    made = bundle(tiny_run(runs), models=["ridge"])
    assert made.models == ("ridge",)
    assert "lightgbm" not in made.about.settings
    assert {one.model for one in made.about.evaluation.test} == {"ridge"}
    assert "| lightgbm" not in made.card


def test_what_is_not_of_the_run(runs: Path) -> None:
    with pytest.raises(SettingsError, match=r"got: linear[\s\S]*ridge, lightgbm"):
        bundle(tiny_run(runs), models=["linear"])
    with pytest.raises(SettingsError, match=r"got: 2030[\s\S]*2024"):
        bundle(tiny_run(runs), fold="2030")


def test_models_that_are_not_the_trained_ones(runs: Path) -> None:
    with pytest.raises(StorageError, match=r"trained on something else[\s\S]*lightgbm.leaves"):
        bundle(tiny_run(runs, {"lightgbm.leaves": 9}))
    path = runs / NAME / "models" / "ridge-2024.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    with pytest.raises(StorageError, match="not the one that was trained"):
        bundle(tiny_run(runs))
    shutil.rmtree(runs / NAME / "stages")
    with pytest.raises(StorageError, match="not been trained"):
        bundle(tiny_run(runs))
    assert not (runs / NAME / "bundles").exists()


@pytest.mark.parametrize("model", ["ridge", "lightgbm"])
def test_it_ranks_as_the_run_does(model: str, packed: Bundle, runs: Path) -> None:
    run = tiny_run(runs)
    for session in (None, date(2024, 3, 1)):
        ours = predict(run, session=session, model=model, target="h1_d1")
        theirs = predict_bundle(run, packed.path, session=session, model=model, target="h1_d1")
        assert ours.table.equals(theirs.table)
        assert (ours.session, ours.fold, ours.trained_until) == (
            theirs.session,
            theirs.fold,
            theirs.trained_until,
        )
        assert [file.name for file in theirs.files] == [
            f"{ours.session}-{model}-bundle.{kind}" for kind in ("csv", "parquet", "json")
        ]


def test_it_ranks_a_run_that_was_never_trained(packed: Bundle, runs: Path) -> None:
    """Built from the same bars elsewhere; and a ready panel that is named alone."""
    wanted = predict(tiny_run(runs)).table
    other = tiny_run(runs, {"run.name": "other"})
    build(other)
    assert predict_bundle(other, packed.path).table.equals(wanted)
    flags = {"run.name": "ready", "run.folder": str(runs), "panel.file": str(runs / "other" / "panel")}
    ready = open_run(flags=flags, remembered=False)
    assert predict_bundle(ready, packed.path).table.equals(wanted)


def test_sessions_it_may_have_learned_from(packed: Bundle, runs: Path) -> None:
    first = packed.about.training.scores_from
    assert predict_bundle(tiny_run(runs), packed.path, session=first).session == first
    before = packed.about.training.chosen[1]
    with pytest.raises(DataError, match=rf"may have learned[\s\S]*got: {before}[\s\S]*{first}"):
        predict_bundle(tiny_run(runs), packed.path, session=before)


def test_a_model_that_is_not_in_it(runs: Path) -> None:
    made = bundle(tiny_run(runs), models=["ridge"])
    assert predict_bundle(tiny_run(runs), made.path).model == "ridge"
    with pytest.raises(ModelError, match=r"got: lightgbm[\s\S]*expected: ridge"):
        predict_bundle(tiny_run(runs), made.path, model="lightgbm")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"panel.features": "alpha158"}, "features: "),
        ({"labels.horizons": [1, 10]}, "targets: "),
        ({"universe.min_history": 50}, r"universe\.min_history: 40 in the bundle, 50 now"),
    ],
)
def test_a_panel_that_means_something_else(
    changes: dict[str, object], said: str, packed: Bundle, runs: Path
) -> None:
    other = tiny_run(runs, {"run.name": "other", **changes})
    build(other)
    with pytest.raises(PanelError, match=said):
        predict_bundle(other, packed.path)


def test_a_panel_made_by_other_code(packed: Bundle, runs: Path) -> None:
    parts = parts_of(packed.path)
    other = parts["features.json"].replace(packed.about.features.code[:8].encode(), b"00000000")
    assert other != parts["features.json"]
    path = runs / "other.zip"
    path.write_bytes(forged({**parts, "features.json": other}))
    with pytest.raises(PanelError, match=r"code of the features: 00000000"):
        predict_bundle(tiny_run(runs), path)


def test_nothing_is_ranked_by_a_damaged_one(packed: Bundle, runs: Path) -> None:
    packed.path.write_bytes(packed.path.read_bytes()[:-1])
    before = digests(runs / NAME / "rankings")
    with pytest.raises(StorageError, match="a bundle is refused"):
        predict_bundle(tiny_run(runs), packed.path)
    assert digests(runs / NAME / "rankings") == before
