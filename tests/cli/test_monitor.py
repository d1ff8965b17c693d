"""What the monitor shows of a study, from the study alone."""

from __future__ import annotations

import io
import json
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from gogooku3.cli.monitor import shown, spark
from gogooku3.sweeps.engines.protocol import Facts
from gogooku3.sweeps.look import Look
from gogooku3.sweeps.snapshot import Running, Snapshot
from tests.cli.test_faults import call
from tests.sweeps.stand_in import SETTINGS, driver, rate

SNAPSHOT = Snapshot(
    name="production",
    states={"COMPLETE": 7, "FAIL": 1, "RUNNING": 1, "WAITING": 11},
    best=(4, 0.0412, {"optimizer.learning_rate": 0.00123456, "atft.hidden": 64}),
    running=[
        Running(
            number=8,
            minutes=12.4,
            curve=[0.01, 0.03, 0.02],
            live={
                "fold": "2021",
                "epoch": 3,
                "rank_ic": 0.02,
                "stock_days_per_second": 31234,
                "memory_mb": 2048,
            },
            params={},
        )
    ],
    failed=[(3, "a training broke off: loss is not finite")],
    per_hour=6.3,
    hours_left=1.9,
)


def printed(snapshot: Snapshot) -> str:
    console = Console(width=150, record=True, file=io.StringIO())
    console.print(shown(snapshot))
    return console.export_text()


def test_everything_that_matters_is_on_the_screen() -> None:
    text = printed(SNAPSHOT)
    for words in (
        "production: 7 complete, 1 fail, 1 running, 11 waiting",
        "6.3 trials an hour, about 1.9 h left",
        "best: trial 4, mean RankIC 0.0412",
        "optimizer.learning_rate 0.00123, atft.hidden 64",
        "▁█▅",
        "31,234",
        "2,048 MB",
        "trial 3 failed: a training broke off: loss is not finite",
    ):
        assert words in text, text


def test_a_curve_goes_from_the_lowest_to_the_highest_block() -> None:
    assert spark([1.0, 2.0, 3.0]) == "▁▅█"
    assert spark([2.0, 2.0]) == "▁▁"
    assert spark([]) == ""


def fails_once(task: Facts, report: Callable[[int, float, Facts], None]) -> Facts:
    if task["number"] == 2:
        raise ValueError("it cannot be trained")
    return rate(task, report)


def test_it_reads_the_study_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    driver(tmp_path, fails_once, settings=SETTINGS.model_copy(update={"pruner": "none"})).run()
    assert call("monitor", str(tmp_path), "--json") == 0
    seen = json.loads(capsys.readouterr().out)
    assert seen["states"] == {"COMPLETE": 5, "FAIL": 1}
    assert [number for number, _ in seen["failed"]] == [2]
    assert seen["best"][1] == max(seen["values"].values())
    assert call("monitor", str(tmp_path), "--once") == 0
    assert "5 complete, 1 fail" in capsys.readouterr().out


def test_a_folder_without_a_search_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("monitor", str(tmp_path)) == 2
    assert "there is no search in the folder" in capsys.readouterr().err


def test_the_web_page_is_of_the_same_study_and_of_this_machine_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver(tmp_path).run()
    served: dict[str, object] = {}
    fake = types.ModuleType("optuna_dashboard")
    fake.run_server = lambda storage, **named: served.update(storage=storage, **named)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "optuna_dashboard", fake)
    look = Look(tmp_path, name=SETTINGS.name)
    said: list[str] = []
    look.serve(said.append)
    assert served["storage"] is look.storage
    assert served["host"] == "127.0.0.1"
    assert said[0].startswith(f"http://127.0.0.1:{served['port']}/")


def test_ctrl_c_is_the_way_to_leave_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken_off(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    driver(tmp_path).run()
    fake = types.ModuleType("optuna_dashboard")
    fake.run_server = broken_off  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "optuna_dashboard", fake)
    assert call("monitor", str(tmp_path), "--web") == 0


def test_without_the_extra_it_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    driver(tmp_path).run()
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
    assert call("monitor", str(tmp_path), "--web") == 2
    assert "gogooku3[dashboard]" in capsys.readouterr().err
