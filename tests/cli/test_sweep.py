"""The command line of a search, on a tiny panel: two trials of one epoch, and what comes after."""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gogooku3.config.load import load_settings
from tests.cli.test_faults import call
from tests.pipeline.tiny import NAME

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = SimpleNamespace(**runpy.run_path(str(ROOT / "scripts" / "hpo" / "run_optuna_atft.py")))
COMMON = """
[atft]
hidden = 8
heads = 2
lookback = 6
convolutions = 1
gat_layers = 1
[deep]
sessions = 60
parts = 1
ema = 0
threads = 1
[frequency]
channels = ["ret_1"]
window = 10
[graph]
window = 60
threshold = 0.2
[optimizer]
eps = 1e30
weight_decay = 1
[scheduler]
type = "constant"
[splits]
locked_years = 1
min_train_sessions = 60
"""
"""No gradient moves a weight: a step leaves 1 - learning rate of it."""
SPACE = """
[space]
"optimizer.learning_rate" = [0.01, 1.0, 1e30]
"graph.neighbours" = [2, 4]
"""
SEED = 7  # the first three random points have the three learning rates


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


def said(program: Callable[[], int]) -> Said:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = program()
    return Said(code=code, out=out.getvalue(), err=err.getvalue())


def common(folder: Path) -> list[str]:
    for name, text in (("common.toml", COMMON), ("space.toml", SPACE)):
        (folder.parent / name).write_text(text)
    return [
        *("--config", str(folder.parent / "common.toml"), "--space", str(folder.parent / "space.toml")),
        *("--set", "sweep.folds=1", "--set", "sweep.heartbeat=5", "--set", f"sweep.seed={SEED}", "--json"),
    ]


def arguments(made: Path, folder: Path, *more: str) -> list[str]:
    named = ["--panel", str(made / NAME), "--epochs", "1", "--name", "cli", "--out", str(folder)]
    return ["sweep", *named, *common(folder), *more]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sweep") / "out"


@pytest.fixture(scope="module")
def searched(made: Path, folder: Path) -> Said:
    """Three trials: one completes, the scores of one are all equal, those of one no numbers."""
    return said(lambda: call(*arguments(made, folder, "--trials", "3")))


def trials(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "all_trials.json").read_text())
    return found


def test_a_search_says_what_it_found(searched: Said, folder: Path) -> None:
    assert searched.code == 0, searched.err
    assert searched.json["trials"] == 3
    assert searched.json["folder"] == str(folder)
    assert searched.json["sentence"] in searched.err
    assert (folder / "report.html").is_file()
    assert (folder / "best_params.json").is_file()


def test_it_prints_what_it_searches_and_where_the_rest_comes_from(searched: Said) -> None:
    lines = {line.split()[0]: line for line in searched.err.splitlines() if line.strip()}
    assert lines["optimizer.learning_rate"].split()[1:] == ["0.01,", "1.0,", "1e+30", "searched"]
    assert lines["atft.hidden"].split()[1:] == ["8", "searched"]
    assert lines["sweep.trials"].split()[1:] == ["3", "flag"]
    assert lines["sweep.patience"].split()[1:] == ["2", "default"]
    assert lines["deep.threads"].split()[1:] == ["1", "file", "common.toml"]
    assert lines["deep.epochs"].split()[1:] == ["1", "flag", "of", "the", "search"]


@pytest.mark.usefixtures("searched")
def test_scores_that_are_degenerate_fail_the_trial_with_the_reason(folder: Path) -> None:
    rows = {row["params"]["optimizer.learning_rate"]: row for row in trials(folder)}
    assert [rows[rate]["state"] for rate in (0.01, 1.0, 1e30)] == ["COMPLETE", "FAIL", "FAIL"]
    assert "scores are constant across stocks" in rows[1.0]["reason"]
    assert "scores are not finite" in rows[1e30]["reason"]
    assert rows[0.01]["value"] is not None
    assert rows[1.0]["value"] is rows[1e30]["value"] is None
    assert json.loads((folder / "best_params.json").read_text()) == rows[0.01]["params"]


@pytest.mark.usefixtures("searched")
def test_the_best_point_is_settings_of_a_run(made: Path, folder: Path) -> None:
    found = load_settings(folder / "best_settings.toml", {"panel.file": str(made / NAME / "panel")}).settings
    best = json.loads((folder / "best_params.json").read_text())
    assert found.train.models == ("atft_gat_fan",)
    assert (found.deep.epochs, found.deep.sessions, found.optimizer.learning_rate) == (1, 60, 0.01)
    assert found.atft.hidden == 8
    assert found.optimizer.type == best["optimizer.type"]
    assert found.graph.neighbours == best["graph.neighbours"]
    weights = found.loss.horizon_weights
    if best["loss.horizon_weights"] == "equal":
        assert weights == ()
    else:
        assert (weights[0] < weights[-1]) == (best["loss.horizon_weights"] == "long")


@pytest.mark.usefixtures("searched")
def test_it_is_not_begun_twice(made: Path, folder: Path) -> None:
    again = said(lambda: call(*arguments(made, folder, "--trials", "3")))
    assert again.code == 2
    assert "--resume" in again.json["error"]


def test_the_script_goes_on_with_it(searched: Said, made: Path, folder: Path) -> None:
    """A search that is done says the same again, and trains nothing."""
    before = trials(folder)
    words = [
        *("--data-path", str(made / NAME), "--n-trials", "3", "--max-epochs", "1", "--study-name", "cli"),
        *("--output-dir", str(folder), *common(folder), "--resume", "--quiet"),
    ]

    def script() -> int:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["run_optuna_atft.py", *words])
            with pytest.raises(SystemExit) as ended:
                SCRIPT.main()
        return int(ended.value.code or 0)

    again = said(script)
    assert again.code == 0, again.err
    assert again.json == searched.json
    assert trials(folder) == before
    assert "searched" not in again.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--set", "deep.epochs=50"], "the search itself sets this"),
        (["--set", "graph.neighbours=50"], "searched and is set as well"),
        (["--storage", "output/study.db"], "no URL of a database"),
        (["--set", "sweep.trails=3"], "perhaps trials"),
        (["--resume"], "no such search to go on with"),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value),
)
def test_a_users_fault_is_code_2(made: Path, tmp_path: Path, words: list[str], sentence: str) -> None:
    refused = said(lambda: call(*arguments(made, tmp_path / "new", *words)))
    assert refused.code == 2, refused.err
    assert sentence in refused.json["error"]
    assert not (tmp_path / "new" / "study.db").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.usefixtures("searched")
def test_ctrl_c_reports_and_says_how_to_go_on(made: Path, folder: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(folder, tmp_path / "out")
    (copied / "report.html").unlink()
    words = arguments(made, copied, "--trials", "5", "--resume")
    code = "from gogooku3.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        while not (line := process.stderr.readline()).startswith("searching cli: 0/2"):
            assert line
        process.send_signal(signal.SIGINT)
        err = process.stderr.read()
        out = process.stdout.read()
        ended = process.wait(timeout=60)
    assert ended == 130, err
    assert "the same command with --resume" in json.loads(out)["error"]
    assert "report: " in err
    assert (copied / "report.html").is_file()


@pytest.mark.skipif(shutil.which("sh") is None, reason="no shell")
@pytest.mark.usefixtures("searched")
def test_the_shell_script_shows_the_study_and_the_log(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("a line of the log\n")
    command = ["sh", str(ROOT / "scripts" / "monitor_hpo.sh"), str(log), str(folder)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )
    assert done.returncode == 0, done.stderr
    assert "cli: 1 complete, 2 fail" in done.stdout
    assert "a line of the log" in done.stdout
