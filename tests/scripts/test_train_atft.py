"""The training script is `gogooku3 train` under other names."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from gogooku3 import cli
from gogooku3.config.keys import leaves
from gogooku3.config.settings import Settings
from gogooku3.config.short_names import SHORT_NAMES, short_names_read
from gogooku3.training.settings import ModelName

PATH = Path(__file__).resolve().parents[2] / "scripts" / "train_atft.py"
SCRIPT = SimpleNamespace(**runpy.run_path(str(PATH)))
MODEL = ["--set", 'train.models=["atft_gat_fan"]']


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("jp", "elsewhere/us"):
        folder = Path("runs" if name == "jp" else ".") / name
        folder.mkdir(parents=True)
        (folder / "settings.json").write_text("{}", encoding="utf-8")
    Path("panel.arrow").touch()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], []),
        (["--run-name", "jp"], ["--name", "jp"]),
        (["--data-path", "panel.arrow"], ["--name", "atft", "--panel", "panel.arrow"]),
        (["--data-path", "panel.arrow", "--run-name", "a"], ["--name", "a", "--panel", "panel.arrow"]),
        (["--data-path", "absent.arrow"], ["--name", "atft", "--panel", "absent.arrow"]),
        (["--data-path", "jp"], ["--name", "jp"]),
        (["--data-path", "runs/jp"], ["--name", "jp"]),
        (["--data-path", "jp", "--run-name", "jp"], ["--name", "jp"]),
        (["--data-path", "jp", "--run-name", "a"], ["--name", "a", "--panel", "runs/jp/panel"]),
        (["--data-path", "elsewhere/us"], ["--name", "us", "--panel", "elsewhere/us/panel"]),
        (
            ["--data-path", "elsewhere/us", "--run-name", "a"],
            ["--name", "a", "--panel", "elsewhere/us/panel"],
        ),
    ],
)
def test_run_and_panel(given: list[str], expected: list[str]) -> None:
    assert SCRIPT.translated(given) == ["train", *expected, *MODEL]


def test_flags_are_settings_and_others_are_handed_on() -> None:
    own = ["--max-epochs", "10", "--batch-size", "20", "--seed", "7"]
    others = ["--set", "atft.hidden=32", "--quiet", "--config", "a.toml"]
    settings = ["--set", "deep.epochs=10", "--set", "deep.sessions=20", "--set", "train.seed=7"]
    assert SCRIPT.translated([*own[:2], *others, *own[2:]]) == ["train", *MODEL, *settings, *others]


def test_the_command_line_is_called_with_short_names(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(cli, "main", lambda: seen.append((sys.argv, dict(short_names_read()))))
    monkeypatch.setattr(sys, "argv", ["train_atft.py", "--data-path", "jp"])
    SCRIPT.main()
    assert seen == [(["gogooku3", "train", "--name", "jp", *MODEL], dict(SHORT_NAMES))]
    assert not short_names_read()


def test_every_flag_is_of_a_key_that_exists() -> None:
    composed = [key for key in SCRIPT._KEYS.values() if key.partition(".")[0] in Settings.model_fields]
    assert set(composed) <= set(dict(leaves(Settings)))


def ran(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PATH), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_help_names_the_flags() -> None:
    done = ran("--help")
    assert done.returncode == 0, done.stderr
    for flag in ("--data-path", "--run-name", "--max-epochs", "--batch-size", "--seed", "OPTIMIZER_TYPE"):
        assert flag in done.stdout


@pytest.mark.skipif("atft_gat_fan" not in get_args(ModelName), reason="the model is not there yet")
def test_the_settings_of_the_documented_line(tmp_path: Path) -> None:
    """Nothing is trained: the panel is not there. That the line trains is tested with the model."""
    done = ran(
        "--data-path",
        str(tmp_path / "panel.arrow"),
        "--run-name",
        "first",
        "--max-epochs",
        "10",
        OPTIMIZER_TYPE="adabelief",
        SCHEDULER_TYPE="constant",
        COSINE_T0="3",
    )
    assert done.returncode == 2
    assert "scheduler.t0 (environment COSINE_T0)" in done.stderr
    assert "no effect" in done.stderr
