"""``gogooku3 report`` by name, by folder, and of several runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.test_faults import call
from tests.pipeline.tiny import NAME


def files(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, str]:
    capsys.readouterr()
    assert call("report", *arguments, "--json") == 0
    found: dict[str, str] = json.loads(capsys.readouterr().out)
    return found


def test_a_run_by_name_by_option_and_by_folder(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = {kind: str(Path(f"runs/{NAME}").resolve() / f"report.{end}") for kind, end in _ENDS.items()}
    assert files(capsys, NAME) == expected
    assert files(capsys, "--name", NAME) == expected
    assert files(capsys, f"runs/{NAME}/") == expected
    moved = runs.parent / "elsewhere"
    shutil.copytree(runs, moved)
    assert files(capsys, str(moved / NAME))["report"] == str(moved.resolve() / NAME / "report.html")


_ENDS = {"report": "html", "markdown": "md", "data": "json"}


def test_several_runs_share_a_page(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(runs / NAME, runs / "twin")
    found = files(capsys, NAME, "runs/twin", "--out", "page")
    assert found == {kind: f"page/report.{end}" for kind, end in _ENDS.items()}
    assert json.loads(Path("page/report.json").read_text(encoding="utf-8"))["comparable"]


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([NAME, "--out", "page"], "--out with several runs"),
        ([NAME, "twin", "--open-locked"], "--open-locked"),
        ([NAME, "twin", "--panel", "x.arrow"], "--panel"),
        ([NAME, "--name", NAME], "two different runs"),
        (["absent"], "absent"),
    ],
)
def test_what_a_report_refuses(arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("report", *arguments) == 2
    assert word in capsys.readouterr().err
    assert not Path("runs/absent").exists()
