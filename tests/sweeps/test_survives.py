"""What a search must survive: kills, hangs, damaged and locked databases, a full disk."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import optuna
import pytest
from sqlalchemy import event

from gogooku3.errors import StorageError
from gogooku3.sweeps import ledger as ledgers
from gogooku3.sweeps.database import database_url, open_storage
from gogooku3.sweeps.ledger import Ledger
from tests.sweeps.cheap import SETTINGS, hangs, killed_sometimes, search
from tests.sweeps.stand_in import SETTINGS as STAND_IN
from tests.sweeps.stand_in import driver

ROOT = Path(__file__).resolve().parents[2]


def check(folder: Path, trials: int) -> None:
    """Every trial has a value, once; what the study says is what the ledger says."""
    rows = json.loads((folder / "all_trials.json").read_text())
    completed = [row for row in rows if row["value"] is not None]
    assert len(completed) == trials
    assert {row["state"] for row in rows} <= {"COMPLETE", "FAIL"}
    entries = Ledger(folder).read().entries
    kept = {entry.number: entry.value for entry in entries if entry.state == "COMPLETE"}
    assert kept == {row["number"]: row["value"] for row in completed}
    assert len({(entry.number, entry.attempt) for entry in entries}) == len(entries)
    points = Counter(json.dumps(row["params"], sort_keys=True) for row in completed)
    assert set(points.values()) == {1}


def test_killed_workers_are_queued_again(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"trials": 8})
    search(tmp_path, killed_sometimes, settings)
    check(tmp_path, 8)
    died = [entry for entry in Ledger(tmp_path).read().entries if entry.why == "died"]
    assert len(died) == 10
    assert all("SIGKILL" in (entry.reason or "") for entry in died)


def kill_until_done(folder: Path, kills: int, seed: int) -> None:
    """Kill the whole search at random moments, each time going on, and let it end at last."""
    rng = random.Random(seed)
    acknowledged: dict[int, float] = {}
    command = [sys.executable, "-m", "tests.sweeps.cheap_main", str(folder)]
    for _ in range(kills):
        child = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        time.sleep(rng.uniform(1.0, 6.0))
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        for entry in Ledger(folder).read().entries:
            if entry.value is not None:
                assert acknowledged.setdefault(entry.number, entry.value) == entry.value
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    check(folder, SETTINGS.trials)
    final = {e.number: e.value for e in Ledger(folder).read().entries if e.value is not None}
    assert acknowledged.items() <= final.items()


def test_a_killed_search_goes_on(tmp_path: Path) -> None:
    kill_until_done(tmp_path, kills=2, seed=0)


@pytest.mark.slow
def test_a_search_killed_thirty_times_goes_on(tmp_path: Path) -> None:
    kill_until_done(tmp_path, kills=30, seed=1)


def test_a_hanging_trial_is_ended(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"trials": 3})
    search(tmp_path, hangs, settings, seconds=8.0)
    rows = json.loads((tmp_path / "all_trials.json").read_text())
    assert [row["state"] for row in rows] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert Ledger(tmp_path).read().trials[1].why == "time"


@pytest.mark.parametrize("damage", ["cut", "zeros", "empty", "text"])
def test_a_damaged_database_is_refused_and_kept(tmp_path: Path, damage: str) -> None:
    made = driver(tmp_path)
    made.run()
    made.studies[0]._storage.remove_session()
    file = tmp_path / "study.db"
    data = file.read_bytes()
    broken = {
        "cut": data[: len(data) // 2],
        "zeros": data[:4096] + bytes(4096) + data[8192:],
        "empty": b"",
        "text": b"no database at all",
    }[damage]
    file.write_bytes(broken)
    with pytest.raises(StorageError, match="the study's database is damaged") as refused:
        open_storage(database_url(tmp_path, None), SETTINGS)
    assert "builds it anew" in str(refused.value)
    assert (tmp_path / "study.db.damaged").read_bytes() == broken


def test_a_locked_database_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gogooku3.sweeps.database._WAIT", 0.2)
    driver(tmp_path).run()
    holder = sqlite3.connect(tmp_path / "study.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(StorageError, match="held by another process"):
            open_storage(database_url(tmp_path, None), SETTINGS)
    finally:
        holder.execute("ROLLBACK")
        holder.close()


def test_a_full_disk_ends_the_search_with_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = driver(tmp_path)
    real, calls = ledgers._write, []

    def full(path: Path, keep: int, text: bytes) -> None:
        calls.append(path)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        real(path, keep, text)

    monkeypatch.setattr(ledgers, "_write", full)
    with pytest.raises(StorageError, match="a ledger cannot be written"):
        made.run()
    assert len(Ledger(tmp_path).read().entries) == 2
    monkeypatch.setattr(ledgers, "_write", real)
    again = driver(tmp_path, join=True)
    again.run()
    assert {trial.state.name for trial in again.studies[0].get_trials()} <= {"COMPLETE", "PRUNED", "FAIL"}


def test_a_full_disk_under_the_database_ends_the_search_with_one_sentence(tmp_path: Path) -> None:
    made = driver(tmp_path, settings=STAND_IN.model_copy(update={"trials": 40}))
    engine = made.studies[0]._storage._backend.engine

    def no_more(connection: sqlite3.Connection, _: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(engine, "connect", no_more)
    engine.dispose()
    with pytest.raises(StorageError, match="database or disk is full"):
        made.run()
    engine.dispose()
    again = driver(tmp_path, join=True, settings=STAND_IN.model_copy(update={"trials": 40}))
    again.run()
    assert {trial.state.name for trial in again.studies[0].get_trials()} <= {"COMPLETE", "PRUNED", "FAIL"}
    entries = Ledger(tmp_path).read().entries
    assert len({(entry.number, entry.attempt) for entry in entries}) == len(entries)
    rows = json.loads((tmp_path / "all_trials.json").read_text())
    assert set(Ledger(tmp_path).read().trials) == {row["number"] for row in rows}
    assert all(row["reason"] for row in rows if row["value"] is None)
    assert len([row for row in rows if row["state"] != "FAIL"]) == 40  # what broke off was tried again


def test_a_study_whose_maker_died_at_once_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a name and no trial, as if the process had been killed between the two."""
    monkeypatch.setattr("gogooku3.sweeps.study._BEGUN", 0.3)
    storage = open_storage(database_url(tmp_path, None), STAND_IN)
    optuna.create_study(study_name=STAND_IN.name, storage=storage, direction="maximize")
    made = driver(tmp_path, join=True)
    made.run()
    assert {trial.state.name for trial in made.studies[0].get_trials()} <= {"COMPLETE", "PRUNED"}
    assert len(Ledger(tmp_path).read().trials) == STAND_IN.trials
    again = driver(tmp_path, join=True)  # and is known from then on
    assert len(again.studies[0].get_trials()) == STAND_IN.trials
