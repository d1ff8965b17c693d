"""``gogooku3 compare`` on two cheap runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gogooku3.pipeline.build import build
from gogooku3.pipeline.run_folder import open_run
from gogooku3.pipeline.train import train
from tests.cli.test_faults import call
from tests.pipeline.tiny import FLAGS


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs ``a`` and ``b`` of ridge with other penalties."""
    runs = tmp_path_factory.mktemp("cli") / "runs"
    flags = {key: value for key, value in FLAGS.items() if not key.startswith("lightgbm.")}
    flags |= {"run.folder": str(runs), "train.models": ["ridge"], "simulation.strength": 1.0}
    for name, penalty in (("a", 0.01), ("b", 10.0)):
        run = open_run(flags={**flags, "run.name": name, "ridge.penalties": [penalty]}, remembered=False)
        if name == "a":
            build(run)
            shutil.copytree(runs / "a", runs / "b")
        train(run)
    return runs.parent


def test_compare_and_show(
    shared: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shared)
    capsys.readouterr()
    assert call("compare", "a", "b", "--quiet") == 0
    out, err = capsys.readouterr()
    assert out.startswith("## Comparison ")
    assert "| ridge.penalties | [0.01] | [10.0] |" in out
    assert "runs/comparisons/" in err
    digits = out.split()[2]

    assert call("compare", "--show", digits[:8]) == 0
    assert capsys.readouterr().out == out
    assert call("compare", "--show", digits, "--folder", "runs", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["comparison"].startswith(digits)
    assert found["inputs"] == {"a:ridge": "unchanged", "b:ridge": "unchanged"}
    assert len(found["verdict"]) == 2
    assert len(found["results"]) == 4

    monkeypatch.setenv("GOGOOKU3_RUN__FOLDER", str(shared / "nowhere"))
    assert call("compare", "--show", digits) == 2
    assert "no such comparison" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "--show HASH"),
        (["a", "--show", "123456"], "both"),
        (["a"], "nothing to compare with"),
        (["a", "a"], "twice"),
        (["a", "absent"], "no such run"),
        (["a:ridge", "a:gru"], "no such model"),
        (["a", "b", "--open-locked"], "--open-locked"),
    ],
)
def test_what_cannot_be_compared(
    shared: Path,
    arguments: list[str],
    word: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(shared)
    assert call("compare", *arguments) == 2
    assert word in capsys.readouterr().err
    assert not (shared / "runs/a/openings.jsonl").exists()
