"""The commands on the finished tiny run, and settings from the environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gogooku3.cli.options import make_run
from gogooku3.errors import SettingsError
from tests.cli.test_faults import call
from tests.pipeline.tiny import NAME, digests


def result(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    capsys.readouterr()
    assert call(*arguments, "--name", NAME, "--json") == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("verb", ["build", "train", "run"])
def test_stages_as_json(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = digests(Path("runs"))
    found = result(capsys, verb)
    stages = found["stages"]
    assert isinstance(stages, list)
    assert stages
    assert all(stage["skipped"] for stage in stages)  # it is found by its name, with the settings it had
    assert str(found["run"]).endswith(f"runs/{NAME}")
    assert digests(Path("runs")) == before


@pytest.mark.usefixtures("runs")
def test_evaluation_ranking_and_report_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    evaluation = result(capsys, "evaluate")["evaluation"]
    assert evaluation == json.loads(Path(f"runs/{NAME}/evaluation.json").read_text(encoding="utf-8"))
    page = result(capsys, "report")
    assert Path(str(page["report"])).is_file()
    assert Path(str(page["markdown"])).is_file()
    ranking = result(capsys, "predict", "--date", "2024-06-03", "--model", "ridge", "--target", "h1_d1")
    assert (ranking["session"], ranking["model"], ranking["target"]) == ("2024-06-03", "ridge", "h1_d1")
    assert ranking["fold"] == "2024"
    assert str(ranking["trained_until"]) < "2024"
    rows = ranking["ranking"]
    assert isinstance(rows, list)
    assert [row["rank_h1_d1"] for row in rows] == list(range(1, len(rows) + 1))
    files = ranking["files"]
    assert isinstance(files, list)
    assert all(Path(file).is_file() for file in files)


@pytest.mark.usefixtures("runs")
def test_results_for_people_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "--name", NAME) == 0
    out, err = capsys.readouterr()
    assert "RankIC" in out
    assert "Ranking of 2025-02-28 by lightgbm" in out
    assert "are valid" in err
    assert call("predict", "--name", NAME, "--quiet") == 0
    out, _ = capsys.readouterr()
    assert "Ranking of" in out


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--model", "forest"], "ridge, lightgbm"),
        (["--target", "h9_d9"], "h5_d1"),
        (["--date", "2022-06-01"], "session"),
        (["--date", "2024-06-01"], "session with bars"),
    ],
)
def test_a_ranking_that_cannot_be_made(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("predict", "--name", NAME, *arguments) == 2
    assert word in capsys.readouterr().err


@pytest.mark.usefixtures("runs")
def test_the_environment_is_honoured_and_recorded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOGOOKU3_LIGHTGBM__LEAVES", "5")
    stages = result(capsys, "train")["stages"]
    assert isinstance(stages, list)
    assert [s["stage"] for s in stages if not s["skipped"]] == ["train-lightgbm-2024", "predictions"]
    saved = json.loads(Path(f"runs/{NAME}/settings.json").read_text(encoding="utf-8"))
    assert saved["settings"]["lightgbm"]["leaves"] == 5
    assert saved["origins"]["lightgbm.leaves"] == "environment GOGOOKU3_LIGHTGBM__LEAVES"
    assert saved["origins"]["lightgbm.seeds"] == "flag"

    monkeypatch.delenv("GOGOOKU3_LIGHTGBM__LEAVES")
    monkeypatch.setenv("GOGOOKU3_LIGHTGBM__LEEVES", "5")
    assert call("train", "--name", NAME) == 2
    assert "GOGOOKU3_LIGHTGBM__LEAVES" in capsys.readouterr().err


def test_models_are_named_by_a_flag(tmp_path: Path) -> None:
    folder = [f"run.folder={tmp_path}"]
    run = make_run(name="a", simulated=True, settings=folder, models=["ridge", "gru"], quiet=True)
    assert run.settings.train.models == ("ridge", "gru")
    with pytest.raises(SettingsError, match="a setting has a wrong value"):
        make_run(name="a", simulated=True, settings=folder, models=["lstm"], quiet=True)
    with pytest.raises(SettingsError, match="the models are given twice"):
        make_run(
            name="a", simulated=True, settings=[*folder, 'train.models=["gru"]'], models=["ridge"], quiet=True
        )
