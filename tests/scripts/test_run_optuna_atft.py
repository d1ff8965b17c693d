from __future__ import annotations

import runpy
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = SimpleNamespace(**runpy.run_path(str(ROOT / "scripts" / "hpo" / "run_optuna_atft.py")))


def test_flags_are_those_of_the_command() -> None:
    line = (
        "--data-path P --n-trials 20 --max-epochs 10 --study-name production --output-dir output/hpo --resume"
    )
    assert SCRIPT.translated(line.split()) == [
        *("sweep", "--panel", "P", "--trials", "20", "--epochs", "10"),
        *("--name", "production", "--out", "output/hpo", "--resume"),
    ]
    assert SCRIPT.translated(["--data-path", "P", "--set", "atft.heads=2"]) == [
        *("sweep", "--panel", "P", "--set", "atft.heads=2")
    ]


def test_a_panel_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        SCRIPT.translated([])
    assert "--data-path" in capsys.readouterr().err


def test_the_shell_script_says_how_it_is_called() -> None:
    script = ROOT / "scripts" / "monitor_hpo.sh"
    done = subprocess.run(["sh", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "LOG FOLDER" in done.stderr
