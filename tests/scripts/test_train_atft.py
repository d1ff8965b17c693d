"""The training script is `gogooku3 train` under other names."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gogooku3 import cli
from gogooku3.config.keys import leaves
from gogooku3.config.settings import Settings
from gogooku3.config.short_names import SHORT_NAMES, short_names_read
from gogooku3.pipeline.build import build
from tests.pipeline.tiny import NAME, tiny_run

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
    assert set(SCRIPT._KEYS.values()) <= set(dict(leaves(Settings)))


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


def test_the_documented_line_trains_and_records_where_each_value_is_from() -> None:
    run = tiny_run(Path("runs"), {"simulation.stocks": 30, "train.refit": False})
    build(run)
    run.save_settings()
    small = [f"--set={key}" for key in ("deep.seeds=1", "atft.hidden=8", "atft.heads=2", "atft.lookback=16")]
    done = ran(
        *("--data-path", NAME, "--max-epochs", "1", "--quiet", "--json", *small),
        OPTIMIZER_TYPE="adabelief",
        SCHEDULER_TYPE="cosine_restarts",
        COSINE_T0="3",
        COSINE_TMULT="2",
        COSINE_ETA_MIN="5e-5",
        GAT_LAYERS="0",
        GOGOOKU3_DEEP__SESSIONS="60",
    )
    assert done.returncode == 0, done.stderr
    stages = {stage["stage"] for stage in json.loads(done.stdout)["stages"]}
    assert stages == {"train-atft_gat_fan-2024", "predictions"}
    saved = json.loads(Path(f"runs/{NAME}/settings.json").read_text(encoding="utf-8"))
    assert saved["settings"]["optimizer"]["type"] == "adabelief"
    assert saved["settings"]["scheduler"]["t0"] == 3
    origins = {key: origin for key, origin in saved["origins"].items() if origin.startswith("environment")}
    assert origins == {
        "optimizer.type": "environment OPTIMIZER_TYPE",
        "scheduler.type": "environment SCHEDULER_TYPE",
        "scheduler.t0": "environment COSINE_T0",
        "scheduler.t_mult": "environment COSINE_TMULT",
        "scheduler.eta_min": "environment COSINE_ETA_MIN",
        "atft.gat_layers": "environment GAT_LAYERS",
        "deep.sessions": "environment GOGOOKU3_DEEP__SESSIONS",
    }
    assert saved["origins"]["deep.epochs"] == "flag"


def test_a_wrong_variable_is_named() -> None:
    done = ran("--data-path", "panel.arrow", OPTIMIZER_TYPE="sgd")
    assert done.returncode == 2
    assert "optimizer.type (environment OPTIMIZER_TYPE)" in done.stderr
