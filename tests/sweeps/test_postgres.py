"""Many machines on one study: a real PostgreSQL that the tests start, skipped where none is installed."""

from __future__ import annotations

import gc
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from optuna.trial import TrialState

from gogooku3.errors import StorageError
from gogooku3.sweeps.database import open_storage, without_password
from gogooku3.sweeps.honesty import judge
from gogooku3.sweeps.study import OWNER
from tests.sweeps.stand_in import SETTINGS, driver

pytest.importorskip("psycopg", reason="the extra postgres is not installed")
DEBIAN_FOLDERS = map(str, Path("/usr/lib/postgresql").glob("*/bin"))
FOUND = os.pathsep.join([os.environ.get("PATH", ""), *DEBIAN_FOLDERS])
PROGRAMS = {name: shutil.which(name, path=FOUND) for name in ("initdb", "pg_ctl")}
MISSING = [name for name, path in PROGRAMS.items() if path is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"PostgreSQL is not installed: no {', '.join(MISSING)}")
NEVER_PRUNED = SETTINGS.model_copy(update={"pruner": "none", "trials": 8})


@pytest.fixture(autouse=True)
def connections_collected() -> Iterator[None]:
    """What the drivers of a test leave open is closed here, and not in the middle of another test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """URL of an empty server on a socket of its own; PostgreSQL does not run as root, so another user starts it."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path is short
    user = pwd.getpwnam("nobody").pw_name if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        shutil.chown(folder, user)

    def call(program: str, *words: str) -> None:
        as_user = {"user": user} if os.geteuid() == 0 else {}
        command = [PROGRAMS[program], *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **as_user)
        assert done.returncode == 0, done.stderr + done.stdout

    data = str(folder / "data")
    call("initdb", "-D", data, "-U", "gogooku3", "-A", "trust", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    call("pg_ctl", "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield f"postgresql+psycopg://gogooku3@/postgres?host={folder}"
    finally:
        call("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def states(made: object) -> Counter[str]:
    return Counter(trial.state.name for trial in made.studies[0].get_trials())  # type: ignore[attr-defined]


def test_two_machines_share_the_trials_of_one_study(server: str, tmp_path: Path) -> None:
    settings = NEVER_PRUNED.model_copy(update={"name": "shared"})
    machines = [
        driver(tmp_path / name, settings=settings, slots=2, join=True, url=server) for name in ("a", "b")
    ]
    threads = [threading.Thread(target=machine.run) for machine in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert states(machines[0]) == {"COMPLETE": 8}
    first, second = (machine.ledger.read().trials for machine in machines)
    assert {n: e.value for n, e in first.items()} == {n: e.value for n, e in second.items()}
    assert sorted(first) == list(range(8))
    one, other = (judge(machine.ledger) for machine in machines)
    assert (one.trials, one.without_series) == (8, 0)
    assert one == other
    assert one.best == machines[0].studies[0].best_trial.number


def test_a_trial_whose_machine_told_nothing_more_counts_as_a_try(server: str, tmp_path: Path) -> None:
    settings = NEVER_PRUNED.model_copy(update={"name": "told nothing", "trials": 4})
    elsewhere = driver(tmp_path / "a", settings=settings, url=server)
    elsewhere.settler.shared = False
    elsewhere.run()
    here = driver(tmp_path / "b", settings=settings, join=True, url=server)
    here.run()
    found = judge(here.ledger)
    assert (found.trials, found.without_series) == (4, 4)
    assert found.best == elsewhere.studies[0].best_trial.number
    assert not found.believed
    assert "has no daily series" in found.sentence()


def test_a_trial_of_a_machine_that_is_silent_is_queued_again(server: str, tmp_path: Path) -> None:
    settings = NEVER_PRUNED.model_copy(update={"name": "silent", "trials": 3, "heartbeat": 1, "grace": 2})
    made = driver(tmp_path, settings=settings, url=server)
    study = made.studies[0]
    storage = study._storage
    trial_id = study.get_trials()[0]._trial_id
    storage.set_trial_state_values(trial_id, TrialState.RUNNING)
    storage.set_trial_user_attr(trial_id, OWNER, {"host": "elsewhere", "pid": 1, "began": "1"})
    storage.record_heartbeat(trial_id)
    made.run()
    assert states(made) == {"COMPLETE": 3, "FAIL": 1}
    again = study.get_trials()[3]
    assert again.system_attrs["retry_history"] == [0]
    first = study.get_trials()[0]
    assert first.user_attrs["reason"] == "its machine showed no sign of life for 2 seconds"
    assert made.ledger.read().trials[0].why == "died"
    assert first.datetime_complete - first.datetime_start >= timedelta(seconds=1)
    assert first.datetime_complete < datetime.now() + timedelta(minutes=1)  # noqa: DTZ005 - as Optuna counts


def test_a_server_that_cannot_be_reached_is_one_sentence_without_the_password() -> None:
    url = "postgresql+psycopg://someone:canary@127.0.0.1:1/nothing"
    with pytest.raises(StorageError, match="the study's database cannot be used") as refused:
        open_storage(url, SETTINGS)
    assert "canary" not in str(refused.value)
    assert without_password(url) == "postgresql+psycopg://127.0.0.1:1/nothing"
