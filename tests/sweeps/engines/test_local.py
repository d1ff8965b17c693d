"""Trials in local processes: what every engine does, and that no death, of either side, leaves anything behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from gogooku3.errors import ModelError, SettingsError, StorageError
from gogooku3.sweeps.engines import local_process
from gogooku3.sweeps.engines.local import LocalEngine
from gogooku3.sweeps.engines.protocol import Failed, Finished, Reported
from tests.sweeps.engines import work
from tests.sweeps.engines.conformance import (
    PATIENCE,
    EngineConformance,
    events_of,
    first_report,
    last_of,
)

ROOT = Path(__file__).resolve().parents[3]
LINUX = sys.platform == "linux"
MakeLocal = Callable[..., LocalEngine]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeLocal]:
    """Make engines that are closed, and have left no process, thread or descriptor, after the test."""
    before = _descriptors()
    engines: list[LocalEngine] = []

    def made(slots: int, **options: object) -> LocalEngine:
        engines.append(
            LocalEngine(slots, **{"threads": 1, "logs": tmp_path / "logs", "grace": 2.0} | options)
        )
        return engines[-1]

    yield made
    for engine in engines:
        engine.close()
    _wait_for(lambda: not [one for one in threading.enumerate() if one.name.startswith("trial")])
    assert _descriptors() <= before


class TestConformance(EngineConformance):
    """Inherits the tests."""

    @pytest.fixture
    def make(self, make: MakeLocal) -> MakeLocal:
        return make


def test_its_surroundings(make: MakeLocal) -> None:
    last = last_of(make(1, threads=3).start(work.describe, {}))
    assert isinstance(last, Finished)
    found = last.outcome
    assert found["loaded"] == []
    assert found["main"] == "local_child.py"
    assert found["session"] == found["pid"] != os.getsid(0)  # Ctrl-C in the terminal does not reach it
    assert found["oom_score_adj"] == (1000 if LINUX else None)
    assert found["input"] == ""
    caps = ("OMP", "MKL", "OPENBLAS", "NUMBA")
    assert {found["environment"][f"{name}_NUM_THREADS"] for name in caps} == {"3"}
    assert found["environment"]["POLARS_MAX_THREADS"] == "3"
    assert found["environment"]["OMP_WAIT_POLICY"] == "PASSIVE"
    assert os.environ.get("POLARS_MAX_THREADS") != "3"


@pytest.mark.parametrize(
    ("task", "how"),
    [
        ({"code": 7}, "its process ended with exit code 7"),
        ({"code": 0}, "its process ended with exit code 0"),
        ({"signal": signal.SIGKILL}, "its process was ended by SIGKILL"),
        ({"signal": signal.SIGSEGV}, "its process was ended by SIGSEGV"),
    ],
)
def test_how_it_died_and_its_last_words(make: MakeLocal, task: dict[str, int], how: str) -> None:
    job = make(1).start(work.die, {name: int(value) for name, value in task.items()})
    last = last_of(job)
    assert isinstance(last, Failed)
    assert (last.why, last.reason) == ("died", how)
    assert last.traceback.startswith("these are\nmy last words")
    assert job.log.read_text().startswith("these are\nmy last words")
    assert ("in die" in last.traceback) == (task.get("signal") == signal.SIGSEGV)


def test_one_that_exits_has_died(make: MakeLocal) -> None:
    assert last_of(make(1).start(work.leave, {})) == Failed(
        why="died", reason="its process ended with exit code 5"
    )


def _kill_at_random(engine: LocalEngine, rng: random.Random) -> None:
    job = engine.start(work.flood, {})
    time.sleep(rng.uniform(0.0, 0.5))
    os.kill(job.pid, signal.SIGKILL)
    *reports, last = events_of(job)
    assert isinstance(last, Failed)
    assert (last.why, last.reason, last.traceback) == ("died", "its process was ended by SIGKILL", "")
    for n, event in enumerate(reports, start=1):
        assert event == Reported(epoch=n, value=n / 8, facts={"text": f"{n} " * 50_000})


@pytest.mark.parametrize("times", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_killed_at_random_moments(make: MakeLocal, times: int) -> None:
    engine, rng = make(1), random.Random(6)
    for _ in range(times):
        _kill_at_random(engine, rng)


@pytest.mark.parametrize("killed", [True, False])
def test_a_half_written_message_is_dropped(make: MakeLocal, killed: bool) -> None:
    first, *others = events_of(make(1).start(work.write_half, {"killed": killed}))
    assert first == Reported(epoch=1, value=0.5)
    if killed:
        assert others == [Failed(why="died", reason="its process was ended by SIGKILL")]
    else:
        assert others == [Reported(epoch=3, value=0.5), Finished(outcome={})]


@pytest.mark.skipif(not LINUX, reason="only Linux limits the data of a process")
def test_more_memory_than_it_may_have(make: MakeLocal) -> None:
    last = last_of(make(1, memory_mb=120).start(work.eat, {}))
    assert isinstance(last, Failed)
    assert (last.why, last.reason) == ("memory", "MemoryError, with a limit of 120 MB")
    assert "in eat\n" in last.traceback


def test_torch_has_an_error_of_its_own_for_want_of_memory(make: MakeLocal) -> None:
    last = last_of(make(1).start(work.fail_as_torch_does, {}))
    assert isinstance(last, Failed)
    assert last.why == "memory"


def test_killed_by_the_kernel_for_want_of_memory(
    make: MakeLocal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statistics = tmp_path / "vmstat"
    statistics.write_text("nr_free_pages 12\noom_kill 4\ndrop_pagecache 0\n")
    monkeypatch.setattr(local_process, "_STATISTICS", statistics)
    job = make(1).start(work.hang, {})
    first_report(job)
    statistics.write_text("nr_free_pages 12\noom_kill 5\ndrop_pagecache 0\n")
    os.kill(job.pid, signal.SIGKILL)
    assert last_of(job) == Failed(why="memory", reason="its process was ended by SIGKILL when memory ran out")


def test_silence_ends_it_and_the_log_shows_where_it_was(make: MakeLocal) -> None:
    *reports, last = events_of(make(1, quiet_seconds=1.5).start(work.hang, {}))
    assert isinstance(last, Failed)
    assert (last.why, last.reason) == ("time", "it reported nothing for 1.5 s")
    assert "in hang" in last.traceback or not reports  # a busy machine may not even have begun


@pytest.mark.parametrize("unheard", [work.start_a_child, work.ignore_the_end])
def test_stop_ends_what_it_started_too(make: MakeLocal, unheard: Callable[..., object]) -> None:
    job = make(1, grace=0.5).start(unheard, {"seconds": work.LONG})
    child = first_report(job).facts["child"]
    assert not _is_gone(child)
    job.stop()
    assert _is_gone(job.pid)
    _wait_for(partial(_is_gone, child))


def test_told_to_end_by_another_it_says_where_it_was(make: MakeLocal) -> None:
    job = make(1).start(work.hang, {})
    first_report(job)
    os.kill(job.pid, signal.SIGTERM)
    last = last_of(job)
    assert isinstance(last, Failed)
    assert (last.why, last.reason) == ("died", "its process was ended by SIGTERM")
    assert "in hang" in last.traceback


def test_what_it_leaves_behind_ends_with_it(make: MakeLocal) -> None:
    job = make(1).start(work.start_a_child, {"seconds": 0.0})
    report, last = events_of(job)
    assert last == Finished(outcome={})
    assert isinstance(report, Reported)
    _wait_for(partial(_is_gone, report.facts["child"]))


def test_it_outlives_the_thread_that_started_it(make: MakeLocal) -> None:
    engine, jobs = make(1), []
    starter = threading.Thread(target=lambda: jobs.append(engine.start(work.hang, {})))
    starter.start()
    starter.join(PATIENCE)
    assert first_report(jobs[0]) == Reported(epoch=1, value=0.5)
    assert jobs[0].next(timeout=0.3) is None


PARENT = """
import sys, time
from pathlib import Path
from gogooku3.sweeps.engines.local import LocalEngine
from tests.sweeps.engines import work
engine = LocalEngine(1, threads=1, logs=Path(sys.argv[1]))
job = engine.start(getattr(work, sys.argv[2]), {"seconds": 600.0})
print(job.pid, job.next(timeout=600.0).facts["child"], flush=True)
time.sleep(float(sys.argv[3]))
"""


@pytest.mark.parametrize(
    ("name", "ends_alone"),
    [
        ("start_a_child", True),
        ("start_a_child", False),
        pytest.param(
            "hold_the_lock", False, marks=pytest.mark.skipif(not LINUX, reason="needs a signal by the kernel")
        ),
    ],
)
def test_it_ends_when_its_parent_is_gone(tmp_path: Path, name: str, ends_alone: bool) -> None:
    seconds = "0" if ends_alone else str(work.LONG)
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path, name, seconds], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        if ends_alone:
            assert parent.wait(PATIENCE) == 0
        else:
            assert not any(map(_is_gone, pids))
            parent.kill()
    assert len(pids) == 2
    for pid in pids:
        _wait_for(partial(_is_gone, pid), seconds=10.0)


def test_no_more_trials_than_slots(make: MakeLocal) -> None:
    engine = make(1)
    job = engine.start(work.hang, {})
    with pytest.raises(ModelError, match="slots"):
        engine.start(work.hang, {})
    job.stop()
    assert engine.start(work.hang, {}).log != job.log


@pytest.mark.parametrize(
    "wrong",
    [
        {"slots": 0},
        {"threads": 0},
        {"seconds": 0.0},
        {"quiet_seconds": -1.0},
        {"memory_mb": 0},
        {"grace": 0.0},
    ],
)
def test_limits_that_make_no_sense_are_refused(tmp_path: Path, wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        LocalEngine(**{"slots": 1, "threads": 1, "logs": tmp_path} | wrong)


def test_logs_that_cannot_be_written_are_refused(make: MakeLocal, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="logs"):
        make(1, logs=tmp_path / "file" / "logs")
    engine = make(1)
    (tmp_path / "logs").rmdir()
    with pytest.raises(StorageError, match="log of a trial"):
        engine.start(work.hang, {})


def _descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def _is_gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has waited for counts."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        pass
    if LINUX:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _wait_for(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)
