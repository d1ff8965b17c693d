from __future__ import annotations

from pathlib import Path

import pytest

from gogooku3.cli.show_settings import show_settings
from gogooku3.pipeline.run_folder import open_run


def shown(tmp_path: Path, capsys: pytest.CaptureFixture[str], **flags: object) -> dict[str, tuple[str, str]]:
    run = open_run(flags={"run.folder": str(tmp_path), "run.simulated": True, **flags}, remembered=False)
    show_settings(run, quiet=False)
    lines = capsys.readouterr().err.splitlines()
    return {line.split()[0]: (line.split()[1], line.rsplit("  ", 1)[1].strip()) for line in lines}


def test_every_setting_that_is_read_is_shown_with_its_origin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOGOOKU3_DEEP__EPOCHS", "9")
    lines = shown(tmp_path, capsys, **{"train.models": ["atft_gat_fan"], "optimizer.type": "adabelief"})
    assert lines["optimizer.type"] == ("adabelief", "flag")
    assert lines["deep.epochs"] == ("9", "environment GOGOOKU3_DEEP__EPOCHS")
    assert lines["atft.hidden"][1] == "default"
    assert {"graph.neighbours", "loss.base", "scheduler.type", "frequency.window"} <= set(lines)
    assert not {key for key in lines if key.startswith(("gru.", "blend.", "lightgbm."))}
    assert "scheduler.t0" not in lines  # this course does not read it


def test_a_run_without_deep_models_shows_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(tmp_path, capsys) == {}
