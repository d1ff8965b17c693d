"""A SQLite study that a kill or a power cut left in the middle of a change is sound."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from gogooku3.sweeps.database import database_url, open_storage
from tests.sweeps.stand_in import SETTINGS, driver

WRITER = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size=5")
database.execute("BEGIN IMMEDIATE")
database.execute("CREATE TABLE half_done (text)")
for _ in range(200):
    database.execute("INSERT INTO half_done VALUES (?)", ("x" * 1000,))
os.kill(os.getpid(), 9)
"""


def test_a_change_that_was_broken_off_is_rolled_back(tmp_path: Path) -> None:
    driver(tmp_path).run()
    file = tmp_path / "study.db"
    done = subprocess.run([sys.executable, "-c", WRITER, file], check=False)
    assert done.returncode == -signal.SIGKILL
    assert file.with_name("study.db-journal").stat().st_size  # pages of it are in the file
    storage = open_storage(database_url(tmp_path, None), SETTINGS)
    assert len(storage.get_all_trials(storage.get_all_studies()[0]._study_id)) == SETTINGS.trials
    assert not (tmp_path / "study.db.damaged").exists()
    with closing(sqlite3.connect(file)) as database:
        assert not database.execute("SELECT name FROM sqlite_master WHERE name='half_done'").fetchall()
    storage.remove_session()
    storage.engine.dispose()
