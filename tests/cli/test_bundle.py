"""`gogooku3 bundle` and `gogooku3 predict --bundle` on the finished tiny run."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.cli.test_faults import call
from tests.pipeline.tiny import NAME

WHERE = Path(f"runs/{NAME}/bundles/{NAME}-2024.zip")


def _json(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.usefixtures("runs")
def test_packed_and_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("bundle", NAME, "--json") == 0
    said = _json(capsys)
    assert Path(str(said["bundle"])).resolve() == WHERE.resolve()
    assert said["sha256"] == hashlib.sha256(WHERE.read_bytes()).hexdigest()
    assert said["bytes"] == WHERE.stat().st_size
    assert said["fold"] == "2024"
    assert said["models"] == {
        "ridge": ["ridge-2024.safetensors"],
        "lightgbm": ["lightgbm-2024-seed0.json", "lightgbm-2024-seed1.json"],
    }
    arguments = ("--name", NAME, "--date", "2024-06-03", "--model", "ridge", "--json")
    assert call("predict", *arguments) == 0
    ours = _json(capsys)
    assert call("predict", *arguments, "--bundle", str(WHERE)) == 0
    theirs = _json(capsys)
    assert ours.pop("files") != theirs.pop("files")
    assert theirs.pop("made_of") == {"bundle": said["sha256"]}
    weights = Path(f"runs/{NAME}/models/ridge-2024.safetensors")
    assert ours.pop("made_of") == {"files": {weights.name: hashlib.sha256(weights.read_bytes()).hexdigest()}}
    assert ours == theirs


@pytest.mark.usefixtures("runs")
def test_a_run_by_its_folder_and_a_file_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        call(
            "bundle", f"runs/{NAME}", "--model", "ridge", "--fold", "2024", "--out", "to/ship.zip", "--quiet"
        )
        == 0
    )
    _, err = capsys.readouterr()
    digest = hashlib.sha256(Path("to/ship.zip").read_bytes()).hexdigest()
    assert f"bundle: to/ship.zip ({Path('to/ship.zip').stat().st_size:,} bytes), SHA-256 {digest}" in err
    assert not WHERE.exists()
    assert call("predict", "--name", NAME, "--bundle", "to/ship.zip") == 0
    assert "by ridge" in capsys.readouterr().out


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((NAME, "--name", NAME), "two runs are named"),
        ((NAME, "--model", "forest"), "ridge, lightgbm"),
        ((NAME, "--fold", "1999"), "2024"),
        (("nobody",), "panel"),
    ],
)
def test_what_cannot_be_packed(
    arguments: tuple[str, ...], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("bundle", *arguments) == 2
    assert word in capsys.readouterr().err


@pytest.mark.usefixtures("runs")
def test_a_file_that_is_no_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("predict", "--name", NAME, "--bundle", f"runs/{NAME}/predictions.parquet") == 2
    err = capsys.readouterr().err
    assert "a bundle is refused" in err
    assert "predictions.parquet" in err
