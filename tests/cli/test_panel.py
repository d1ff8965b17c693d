"""`gogooku3 panel info`, `verify` and `upgrade`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gogooku3.panel.open import open_panel
from tests.cli.test_faults import call
from tests.panel.panels import random_segments, write_panel
from tests.pipeline.tiny import NAME

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "panel-v1"


def found(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    capsys.readouterr()
    assert call("panel", *map(str, arguments), "--json") == 0
    result: dict[str, object] = json.loads(capsys.readouterr().out)
    return result


def test_info_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    segments = random_segments()
    folder = write_panel(tmp_path / "panel", segments)
    info = found(capsys, "info", folder)
    assert (info["sessions"], info["first"], info["last"]) == (5, "2020-01-06", "2020-01-15")
    assert (info["stocks"], info["dtype"], info["format_version"]) == (4, "float32", 2)
    assert (info["features"], info["targets"]) == (["f0", "f1", "f2"], ["h1_d0", "h5_d1"])
    assert (info["fields"], info["calendar"], info["lineage"]) == (
        ["link", "turnover"], "XTKS", {"source": "test"},
    )  # fmt: skip
    assert info["stock_days"] == sum(int(s.present.sum()) for s in segments)
    assert info["universe_days"] == sum(int(s.universe.sum()) for s in segments)
    assert info["content"] == open_panel(folder).content_hash
    parts = info["segments"]
    assert isinstance(parts, list)
    assert [part["stocks"] for part in parts] == [2, 3]
    files = [file for part in parts for file in part["files"]]
    assert sorted(files) == sorted(p.relative_to(folder).as_posix() for p in folder.glob("*/*.arrow"))
    assert info["bytes"] == sum((folder / file).stat().st_size for file in files)


@pytest.mark.usefixtures("runs")
def test_the_runs_own_panel_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    panel = open_panel(f"runs/{NAME}/panel")
    assert call("panel", "info", "--name", NAME) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert panel.content_hash in out
    assert f"{len(panel.feature_names)} as float32" in out
    for name in [file.path.name for segment in panel.segments for file in segment.files]:
        assert name in out.replace("\n", "")
    assert call("panel", "verify", "--name", NAME) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{2 * len(panel.segments)} files" in err
    assert "s left" in err


@pytest.mark.parametrize("part", ["segments", "labels"])
def test_verify_names_the_damaged_file(part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    found(capsys, "verify", folder)
    path = sorted((folder / part).glob("*.arrow"))[1]
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    assert call("panel", "verify", str(folder), "--quiet") == 2
    err = capsys.readouterr().err
    assert str(path) in err
    assert "gogooku3 build" in err


@pytest.mark.parametrize("form", ["folder", "single.arrow"])
def test_upgrade(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / form
    source = GOLDEN / form
    if source.is_dir():
        shutil.copytree(source, path)
    else:
        shutil.copy(source, path)
    before = open_panel(path).content_hash
    assert found(capsys, "info", path)["format_version"] == 1
    result = found(capsys, "upgrade", path)
    assert (result["upgraded"], result["format_version"], result["content"]) == (True, 2, before)
    assert found(capsys, "info", path)["format_version"] == 2
    assert found(capsys, "verify", path)["content"] == before
    files = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert found(capsys, "upgrade", path)["upgraded"] is False
    assert files == {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}


@pytest.mark.parametrize("verb", ["info", "verify", "upgrade"])
def test_what_is_no_panel(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments, word in (
        (["absent.arrow"], "absent.arrow"),
        (["--name", "fresh"], "no panel"),
        (["x", "--name", "y"], "two panels are named"),
    ):
        assert call("panel", verb, *arguments) == 2
        err = capsys.readouterr().err
        assert err.startswith("gogooku3: ")
        assert word in err
    assert list(tmp_path.iterdir()) == []
