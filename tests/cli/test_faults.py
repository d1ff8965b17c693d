"""Every error is one sentence and an exit code; never a traceback."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gogooku3.cli import main
from tests.pipeline.tiny import FLAGS


def call(*arguments: str) -> int:
    """Run the command line in this process and return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["gogooku3", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)


def as_flags(settings: dict[str, object]) -> list[str]:
    return [
        x for key, value in settings.items() for x in ("--set", f"{key}={json.dumps(value).strip(chr(34))}")
    ]


USAGE = {
    "unknown key": (["run", "--simulated", "--set", "lightgbm.leafs=3"], "lightgbm.leaves"),
    "bad --set": (["run", "--simulated", "--set", "leaves"], "KEY=VALUE"),
    "bad value": (["run", "--simulated", "--set", "lightgbm.leaves=many"], "lightgbm.leaves"),
    "missing bars": (["run", "--bars", "absent.parquet"], "absent.parquet"),
    "missing panel": (["train", "--panel", "absent.arrow"], "absent.arrow"),
    "missing config": (["run", "--config", "absent.toml"], "absent.toml"),
    "no bars": (["run"], "no bars"),
    "two sources": (["run", "--bars", "x.parquet", "--simulated"], "more than one source"),
    "no panel yet": (["train", "--name", "fresh"], "no panel"),
    "leaving the folder": (["run", "--simulated", "--name", "../../away"], "leaves the folder"),
    "unread setting": (["run", "--simulated", "--set", "source.pattern=*.csv"], "no effect"),
    "unknown option": (["run", "--barz", "x"], "--bars"),
    "unknown command": (["walk"], "walk"),
    "malformed date": (["predict", "--date", "yesterday"], "yesterday"),
}


@pytest.mark.parametrize("case", USAGE)
def test_a_users_fault_is_a_sentence_and_code_2(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, word = USAGE[case]
    assert call(*arguments, "--json") == 2
    out, err = capsys.readouterr()
    assert err.startswith("gogooku3: ")
    assert word in err
    assert "Traceback" not in err
    (error,) = json.loads(out).items()
    assert error == ("error", err.removeprefix("gogooku3: ").rstrip("\n"))
    assert list(tmp_path.rglob("*")) == []

    assert call(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert word in err


def test_a_fault_of_the_program_says_where_its_traceback_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("gogooku3.pipeline.run_folder.open_run", broken)
    assert call("run", "--simulated", "--json") == 1
    out, err = capsys.readouterr()
    assert "a fault of the program: ZeroDivisionError: a bug" in err
    assert "report it" in err
    assert "Traceback" not in err
    assert "a bug" in json.loads(out)["error"]
    (path,) = tmp_path.iterdir()
    assert str(path) in err
    text = path.read_text(encoding="utf-8")
    assert "Traceback (most recent call last)" in text
    assert "ZeroDivisionError: a bug" in text


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupted_run_ends_with_130(tmp_path: Path) -> None:
    code = "from gogooku3.cli import main; main()"
    settings = as_flags({**FLAGS, "simulation.sessions": 5000, "simulation.stocks": 300})
    arguments = [sys.executable, "-c", code, "run", "--json", *settings]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert "reading bars" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        err = process.stderr.read()
        out = process.stdout.read()
        code_of = process.wait(timeout=60)
    assert code_of == 130
    assert "interrupted; run the same command again" in err
    assert "Traceback" not in err
    assert "interrupted" in json.loads(out)["error"]
    assert not re.findall(r"\.partial$", "\n".join(map(str, tmp_path.rglob("*"))), flags=re.M)
