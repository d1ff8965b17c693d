"""What a run leaves behind, and what is made again when something changes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gogooku3.config.keys import leaves
from gogooku3.config.settings import Settings
from gogooku3.errors import StorageError
from gogooku3.panel.open import open_panel
from gogooku3.pipeline.evaluate import evaluate
from gogooku3.pipeline.predict import predict
from gogooku3.pipeline.run import run_all
from gogooku3.pipeline.run_folder import open_run
from gogooku3.pipeline.stage import StageRecord
from gogooku3.pipeline.train import train
from gogooku3.progress import Silent
from tests.pipeline.tiny import FLAGS, NAME, digests, tiny_run

ALL = ["build", "train-ridge-2024", "train-lightgbm-2024", "predictions", "evaluation", "report"]


def done(stages: Sequence[StageRecord]) -> list[str]:
    return [stage.name for stage in stages if not stage.skipped]


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_run_folder_holds_what_it_promises(made: Path) -> None:
    folder = made / NAME
    names = set(digests(folder))
    wanted = {
        "settings.json", "metrics.jsonl", "predictions.parquet", "report.html", "report.md", "evaluation.json",
        "daily.parquet", "validation.json", "truth.parquet", "attainable.json", "panel/manifest.json",
        "models/ridge-2024.safetensors", "models/lightgbm-2024-seed0.json", "models/lightgbm-2024-seed1.json",
        *(f"stages/{name}.json" for name in ALL),
    }  # fmt: skip
    assert wanted <= names
    assert not [name for name in names if name.endswith(".partial")]


def test_settings_are_stored_with_the_origin_of_each(made: Path) -> None:
    saved = json.loads((made / NAME / "settings.json").read_text(encoding="utf-8"))
    known = dict(leaves(Settings))
    assert set(saved["origins"]) == set(known)
    for key, origin in saved["origins"].items():
        given = key in FLAGS or key in {"run.name", "run.folder"}
        assert origin == ("flag" if given else "default"), key
        value = saved["settings"]
        for part in key.split("."):
            value = value[part]
        if key in FLAGS:
            assert value == FLAGS[key]


def test_stages_record_lineage_and_environment(made: Path) -> None:
    folder = made / NAME
    found = digests(folder)
    stages = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("stages/*.json")
    }
    assert set(stages) == set(ALL)
    for name, stage in stages.items():
        assert stage["outputs"], name
        assert all(found[file] == digest for file, digest in stage["outputs"].items()), name
        assert re.fullmatch("[0-9a-f]{64}", stage["inputs"]["code"])
        assert {"python", "gogooku3", "lightgbm", "numpy", "polars", "machine"} <= set(stage["environment"])
    assert "panel/manifest.json" in stages["build"]["outputs"]
    panel = open_panel(folder / "panel")
    assert panel.content_hash == stages["evaluation"]["inputs"]["panel"]
    assert panel.content_hash == stages["build"]["metrics"][0]["content"]
    inputs = stages["train-ridge-2024"]["inputs"]
    fitted = [*inputs["fold"]["train"], *inputs["fold"]["validation"]]
    assert inputs["panel"] == panel.digest(np.array(fitted))
    assert inputs["scored"] == panel.digest(np.array(inputs["test"]), ("known",))
    assert stages["evaluation"]["inputs"]["predictions"] == found["predictions.parquet"]


def test_metrics_name_every_stage_model_and_target(made: Path) -> None:
    lines = lines_of(made / NAME / "metrics.jsonl")
    targets = {"h1_d0", "h1_d1", "h5_d0", "h5_d1"}
    assert {line["stage"] for line in lines} == {"build", "train", "evaluation"}
    fits = [(line["model"], line["fold"], line["target"]) for line in lines if line["stage"] == "train"]
    assert sorted(fits) == sorted((m, "2024", t) for m in ("ridge", "lightgbm") for t in targets)
    judged = {
        (line["model"], line["target"], line["period"]) for line in lines if line["stage"] == "evaluation"
    }
    models = {"ridge", "lightgbm", "attainable"}
    assert judged == {(m, t, p) for m in models for t in targets for p in ("all", "2024")}
    assert all(line["run"] == NAME for line in lines)


def test_predictions_are_the_universe_of_the_test_year(made: Path) -> None:
    from gogooku3.pipeline.build import panel_of

    frame = pl.read_parquet(made / NAME / "predictions.parquet")
    panel = panel_of(tiny_run(made))
    days = [k for k, day in enumerate(panel.sessions) if str(day).startswith("2024")]
    expected = [
        (panel.sessions[d].item(), code)
        for d in days
        for n, code in enumerate(panel.codes)
        if panel.universe[d, n]
    ]
    assert frame.select("date", "code").rows() == sorted(expected)
    scores = [c for c in frame.columns if c not in {"date", "code"}]
    assert len(scores) == 4 * (1 + 3)
    assert frame.select(pl.col(scores).is_finite().all()).row(0) == (True,) * len(scores)
    seeds = frame.select(
        pl.mean_horizontal("lightgbm_h5_d1_seed0", "lightgbm_h5_d1_seed1") - pl.col("lightgbm_h5_d1")
    )
    assert seeds.to_series().abs().max() < 1e-6


def test_the_report_is_one_self_contained_page(made: Path) -> None:
    page = (made / NAME / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"<(?:script|img)[^>]+src=[\"']?https?:|<link[^>]+href=[\"']?https?:", page)
    assert "lightgbm.leaves" in page


def test_a_second_run_does_nothing_and_changes_no_byte(runs: Path) -> None:
    before = digests(runs)
    second = run_all(tiny_run(runs))
    assert [stage.name for stage in second.stages] == ALL
    assert done(second.stages) == []
    assert digests(runs) == before


def test_steps_remember_the_run_and_find_everything_done(runs: Path) -> None:
    before = digests(runs)
    flags = {"run.name": NAME, "run.folder": str(runs)}
    outcome = run_all(open_run(flags=flags))
    assert done(outcome.stages) == []
    assert digests(runs) == before


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"lightgbm.leaves": 5}, ["train-lightgbm-2024", "predictions", "evaluation", "report"]),
        ({"ridge.penalties": [10.0]}, ["train-ridge-2024", "predictions", "evaluation", "report"]),
        ({"evaluation.portfolio.cost_bps": 20.0}, ["evaluation", "report"]),
        ({"report.title": "another"}, ["report"]),
        (
            {"train.refit": False},
            ["train-ridge-2024", "train-lightgbm-2024", "predictions", "evaluation", "report"],
        ),
    ],
)
def test_a_changed_setting_makes_again_what_depends_on_it(
    runs: Path, changes: dict[str, object], expected: list[str]
) -> None:
    outcome = run_all(tiny_run(runs, changes))
    assert done(outcome.stages) == expected


def test_a_model_can_be_left_out_and_is_forgotten(runs: Path) -> None:
    flags: dict[str, object] = {"run.name": NAME, "run.folder": str(runs), "train.models": ["ridge"]}
    outcome = run_all(open_run(flags=flags))
    assert done(outcome.stages) == ["predictions", "evaluation", "report"]
    assert outcome.evaluation.models == ("ridge", "attainable")
    lines = lines_of(runs / NAME / "metrics.jsonl")
    assert {line.get("model") for line in lines} == {None, "ridge", "attainable"}


@pytest.mark.parametrize(
    ("file", "how", "expected"),
    [
        ("panel/segments/*.arrow", "delete", ["build"]),
        ("panel/segments/*.arrow", "truncate", ["build"]),
        ("panel/segments/*.arrow", "flip", ["build"]),
        ("validation.json", "delete", ["build"]),
        ("models/ridge-2024.safetensors", "flip", ["train-ridge-2024"]),
        ("predictions/lightgbm-2024.parquet", "truncate", ["train-lightgbm-2024"]),
        ("predictions.parquet", "flip", ["predictions"]),
        ("daily.parquet", "truncate", ["evaluation"]),
        ("report.md", "delete", ["report"]),
        ("stages/predictions.json", "truncate", ["predictions"]),
        ("stages/evaluation.json", "delete", ["evaluation"]),
    ],
)
def test_a_damaged_output_makes_just_that_stage_again(
    runs: Path, file: str, how: str, expected: list[str]
) -> None:
    before = digests(runs)
    path = sorted((runs / NAME).glob(file))[0]
    if how == "delete":
        path.unlink()
    elif how == "truncate":
        path.write_bytes(path.read_bytes()[:-10])
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    outcome = run_all(tiny_run(runs))
    assert done(outcome.stages) == expected
    after = digests(runs)
    changed = {name for name in before if after.get(name) != before[name]}
    records = {f"{NAME}/stages/{name}.json" for name in expected}
    assert changed <= records | {f"{NAME}/metrics.jsonl"}  # seconds are measured anew, nothing else moves


class _Interrupt(Silent):
    """A listener at whose hands the run is interrupted."""

    def __init__(self, task: str) -> None:
        self.task = task

    def start(self, task: str, total: int, unit: str) -> None:  # noqa: ARG002 - the listener's form
        if task.startswith(self.task):
            raise KeyboardInterrupt


def test_interrupted_training_goes_on_and_ends_with_the_same_bytes(runs: Path) -> None:
    finished = digests(runs)
    folder = runs / NAME
    for path in [*folder.glob("stages/train-*"), *folder.glob("models/*"), *folder.glob("predictions/*")]:
        path.unlink()
    (folder / "predictions.parquet").unlink()

    with pytest.raises(KeyboardInterrupt):
        train(tiny_run(runs, progress=_Interrupt("training lightgbm")))
    first = folder / "predictions" / "ridge-2024.parquet"
    record = folder / "stages" / "train-ridge-2024.json"
    seen = (first.stat().st_mtime_ns, record.read_bytes())
    assert not (folder / "predictions.parquet").exists()

    assert done(train(tiny_run(runs))) == ["train-lightgbm-2024", "predictions"]
    assert (first.stat().st_mtime_ns, record.read_bytes()) == seen
    after = digests(runs)
    for name in ("predictions.parquet", "models/ridge-2024.safetensors", "models/lightgbm-2024-seed1.json"):
        assert after[f"{NAME}/{name}"] == finished[f"{NAME}/{name}"]


def test_another_folder_gets_the_same_bytes(made: Path, tmp_path: Path) -> None:
    run_all(tiny_run(tmp_path / "elsewhere", {"run.name": "other"}))
    one, two = digests(made / NAME), digests(tmp_path / "elsewhere" / "other")
    assert set(one) == set(two)
    own = {"settings.json", "metrics.jsonl", "report.html", "report.md", "report.json"}
    same = {name for name in one if name not in own and not name.startswith("stages/")}
    assert len([name for name in same if name.startswith("panel/segments/")]) == 3
    assert {name for name in same if one[name] != two[name]} == set()


def test_evaluation_without_predictions_says_what_to_run(runs: Path) -> None:
    (runs / NAME / "predictions.parquet").unlink()
    with pytest.raises(StorageError, match="gogooku3 train"):
        evaluate(tiny_run(runs))


def test_ranking_refuses_models_of_other_settings(runs: Path) -> None:
    with pytest.raises(StorageError, match=r"something else[\s\S]*lightgbm.leaves: 7"):
        predict(tiny_run(runs, {"lightgbm.leaves": 5}))
    (runs / NAME / "models" / "lightgbm-2024-seed1.json").write_text("{}")
    with pytest.raises(StorageError, match="not the one that was trained"):
        predict(tiny_run(runs))
    assert predict(tiny_run(runs), model="ridge").model == "ridge"


@pytest.mark.parametrize("name", ["../away", "a/../../b", "/abs", "", "."])
def test_a_run_cannot_leave_the_folder_of_runs(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError, match="leaves the folder"):
        tiny_run(tmp_path / "runs", {"run.name": name}).path("x")
    assert list(tmp_path.rglob("*")) == []


def test_nothing_is_written_before_a_stage_begins(tmp_path: Path) -> None:
    tiny_run(tmp_path / "runs")
    assert list(tmp_path.rglob("*")) == []
