"""A prefetcher gives what a plain loop gives, and leaves no process and no memory behind, however it ends."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from gogooku3.errors import ModelError, PanelError
from gogooku3.training.prefetch import Prefetcher
from tests.training.makers import Absent, Counts, Fails, Slow, block, process_id, random_arrays

ROOT = Path(__file__).resolve().parents[2]
SIZE = 100_000
MEMORY = Path("/dev/shm")


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    gc.collect()
    assert multiprocessing.active_children() == []
    assert _memory_of(os.getpid()) == []


def _memory_of(pid: int) -> list[str]:
    return [path.name for path in MEMORY.glob(f"gogooku3-{pid}-*")] if MEMORY.is_dir() else []


def _is_gone(pid: int) -> bool:
    """Whether there is no such process; one that ended and was not waited for is still there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def _wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def _same(left: dict[str, np.ndarray], right: dict[str, np.ndarray]) -> bool:
    return list(left) == list(right) and all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(left.values(), right.values(), strict=True)
    )


def test_the_same_arrays_in_the_same_order() -> None:
    items = [*range(30), 3, 3, 1]
    with (
        Prefetcher(random_arrays, items) as plain,
        Prefetcher(random_arrays, items, buffer_bytes=SIZE) as ahead,
    ):
        ours, theirs = list(plain), list(ahead)
        assert len(ours) == len(theirs) == len(items)
        for item, a, b in zip(items, ours, theirs, strict=True):
            assert _same(a, random_arrays(item))
            assert _same(b, a)
        again = [2, 7, 2]
        for a, b in zip(plain.over(again), ahead.over(again), strict=True):
            assert _same(a, b)
        assert list(ahead.over([])) == []
        assert all(array.flags.writeable and array.flags.owndata for array in theirs[0].values())


def test_one_process_lasts_for_all_loops() -> None:
    with Prefetcher(process_id, range(5), buffer_bytes=SIZE) as prefetcher:
        seen = {int(arrays["pid"]) for _ in range(3) for arrays in prefetcher}
        (pid,) = seen
        assert pid != os.getpid()
        assert len(_memory_of(os.getpid())) == 2 * MEMORY.is_dir()
    assert _is_gone(pid)
    with Prefetcher(process_id, range(5)) as prefetcher:
        assert {int(arrays["pid"]) for arrays in prefetcher} == {os.getpid()}


def test_items_are_made_while_others_are_used() -> None:
    """With the worker 8 items of .1 s and .1 s of work on each take hardly more than .9 s, and at least that."""
    with Prefetcher(Slow(0.1), range(8), buffer_bytes=SIZE) as prefetcher:
        list(prefetcher.over([0]))
        made, used = [], []
        for arrays in prefetcher:
            made.append(float(arrays["at"]))
            time.sleep(0.1)
            used.append(time.monotonic())
    ahead = sum(made[k + 1] < used[k] for k in range(7))
    assert ahead >= 3  # without a worker none is; a machine at other work may be late a few times


def test_no_more_than_two_are_made_ahead(tmp_path: Path) -> None:
    with Prefetcher(Counts(str(tmp_path)), range(20), buffer_bytes=SIZE) as prefetcher:
        assert list(tmp_path.iterdir()) == []
        loop = iter(prefetcher)
        for used in range(1, 5):
            next(loop)
            _wait_for(lambda used=used: len(list(tmp_path.iterdir())) == used + 2)
            time.sleep(0.05)
            assert len(list(tmp_path.iterdir())) == used + 2


def test_a_loop_left_early_does_not_disturb_the_next() -> None:
    with Prefetcher(process_id, range(10), buffer_bytes=SIZE) as prefetcher:
        for stop in (0, 1, 3):
            for k, arrays in enumerate(prefetcher):
                assert arrays["item"] == k
                if k == stop:
                    break
        assert [int(arrays["item"]) for arrays in prefetcher.over([5, 6])] == [5, 6]


def test_two_loops_at_once_are_refused() -> None:
    with Prefetcher(process_id, range(10), buffer_bytes=SIZE) as prefetcher:
        first = iter(prefetcher)
        next(first)
        assert int(next(iter(prefetcher))["item"]) == 0
        with pytest.raises(ModelError, match="overtaken"):
            next(first)


@pytest.mark.parametrize("buffer_bytes", [None, SIZE])
def test_outside_of_its_statement(buffer_bytes: int | None) -> None:
    prefetcher = Prefetcher(process_id, range(3), buffer_bytes=buffer_bytes)
    with pytest.raises(ModelError, match="with statement"):
        iter(prefetcher)
    with prefetcher:
        loop = iter(prefetcher)
        next(loop)
    with pytest.raises(ModelError, match="with statement"):
        iter(prefetcher)
    with prefetcher:
        assert len(list(prefetcher)) == 3
    if buffer_bytes:
        with pytest.raises(ModelError, match="end of the prefetcher"):
            next(loop)


@pytest.mark.parametrize("buffer_bytes", [None, SIZE])
def test_our_errors_arrive_as_they_are(buffer_bytes: int | None) -> None:
    with Prefetcher(Fails(3, "ours"), range(6), buffer_bytes=buffer_bytes) as prefetcher:
        loop = iter(prefetcher)
        assert [int(next(loop)["item"]) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(PanelError) as caught:
            next(loop)
        assert (caught.value.what, caught.value.got, caught.value.remedy) == (
            "a segment is damaged",
            "x",
            "build again",
        )
        assert "segment 7" in str(caught.value)
        if buffer_bytes:
            assert "item 3: 3" in str(caught.value)
            assert "makers.py" in str(caught.value.__cause__)
        assert [int(arrays["item"]) for arrays in prefetcher.over([1, 2])] == [1, 2]  # it goes on


@pytest.mark.parametrize(
    ("kind", "error", "said"),
    [
        (
            "other",
            RuntimeError,
            r"item 3: 3[\s\S]*Traceback[\s\S]*makers\.py[\s\S]*ZeroDivisionError: by item three",
        ),
        ("exit", RuntimeError, r"item 3: 3[\s\S]*SystemExit: 3"),
        ("long", RuntimeError, r"item 3: 3"),
        ("objects", ModelError, r"cannot be shared[\s\S]*item 3"),
        ("large", ModelError, r"larger than the buffers[\s\S]*item 3[\s\S]*8,000,000[\s\S]*100,000"),
    ],
)
def test_other_errors_name_the_item_and_carry_the_traceback(
    kind: str, error: type[Exception], said: str
) -> None:
    with Prefetcher(Fails(3, kind), range(6), buffer_bytes=SIZE) as prefetcher:
        loop = iter(prefetcher)
        assert [int(next(loop)["item"]) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(error, match=said) as caught:
            next(loop)
        assert len(str(caught.value)) < 10_000
        assert [int(arrays["item"]) for arrays in prefetcher.over([1, 2])] == [1, 2]


def test_a_worker_that_is_killed() -> None:
    with Prefetcher(Fails(3, "killed"), range(6), buffer_bytes=SIZE) as prefetcher:
        with pytest.raises(ModelError, match=r"has ended[\s\S]*item [1-5][\s\S]*exit code -9"):
            list(prefetcher)
        with pytest.raises(ModelError, match=r"has ended"):
            list(prefetcher)


def test_what_cannot_be_read_by_the_worker() -> None:
    with (
        Prefetcher(Absent(), range(3), buffer_bytes=SIZE) as prefetcher,
        pytest.raises(RuntimeError, match=r"item 0[\s\S]*a_module_that_is_nowhere"),
    ):
        list(prefetcher)


def test_what_cannot_be_sent() -> None:
    with (
        pytest.raises((AttributeError, TypeError), match=r"lambda|pickle"),
        Prefetcher(lambda item: {"a": np.array(item)}, range(3), buffer_bytes=SIZE),
    ):
        pass
    with Prefetcher(process_id, [0, lambda: None], buffer_bytes=SIZE) as prefetcher:  # type: ignore[list-item]
        with pytest.raises((AttributeError, TypeError), match=r"lambda|pickle"):
            list(prefetcher)
        assert len(list(prefetcher.over([1]))) == 1


def test_more_memory_than_there_is() -> None:
    if not MEMORY.is_dir():
        pytest.skip("needs /dev/shm")
    with (
        pytest.raises(ModelError, match=r"not enough shared memory[\s\S]*/dev/shm"),
        Prefetcher(process_id, range(3), buffer_bytes=2**50),
    ):
        pass


def test_an_error_of_the_loop_ends_the_worker() -> None:
    seen: list[int] = []
    with pytest.raises(KeyError, match="in the loop"):
        _broken_loop(seen)
    assert _is_gone(seen[0])


def _broken_loop(seen: list[int]) -> None:
    with Prefetcher(process_id, range(100), buffer_bytes=SIZE) as prefetcher:
        for arrays in prefetcher:
            seen.append(int(arrays["pid"]))
            raise KeyError("in the loop")


def test_a_worker_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gogooku3.training.prefetch_process._GRACE", 0.2)
    with Prefetcher(Slow(600), range(3), buffer_bytes=SIZE) as prefetcher:
        prefetcher._maker._ask(0, 0, 0)  # type: ignore[union-attr]


def _cycles(count: int) -> None:
    for k in range(count):
        with Prefetcher(block, [k, k + 1, k + 2], buffer_bytes=2**22) as prefetcher:
            for j, arrays in enumerate(prefetcher):
                assert (arrays["x"] == k + j).all()
                if k % 3 == 2:
                    break
    assert multiprocessing.active_children() == []
    assert _memory_of(os.getpid()) == []


def _descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def test_twenty_starts_and_stops() -> None:
    _cycles(20)


@pytest.mark.slow
def test_two_hundred_starts_and_stops() -> None:
    descriptors = _descriptors()
    _cycles(200)
    assert _descriptors() <= descriptors + 2  # a tracker of shared memory is begun once


def _script(seconds: float) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.training.prefetching", str(seconds)],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def test_the_worker_ends_when_its_parent_is_killed() -> None:
    if sys.platform == "win32":
        pytest.skip("needs SIGKILL")
    with _script(60) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        assert not _is_gone(worker)
        process.kill()
        process.wait(timeout=60)
        _wait_for(lambda: _is_gone(worker))
        _wait_for(lambda: _memory_of(process.pid) == [])


def test_an_interrupt_ends_both() -> None:
    if sys.platform == "win32":
        pytest.skip("needs groups of processes")
    with _script(60) as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: to the worker too
        _, said = process.communicate(timeout=120)
        assert process.returncode in {-signal.SIGINT, 130}
        assert said.count("Traceback") == 1
        assert said.rstrip().endswith("KeyboardInterrupt")
        assert _is_gone(worker)
        assert _memory_of(process.pid) == []


def test_an_interrupt_while_it_starts() -> None:
    """Nothing is left, at whatever point of the start it comes."""
    if sys.platform == "win32":
        pytest.skip("needs groups of processes")
    with _script(0) as process:
        _wait_for(lambda: _memory_of(process.pid) != [] or process.poll() is not None)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=120)
        assert process.returncode in {-signal.SIGINT, 130}
        assert said.count("Traceback") == 1
        assert _memory_of(process.pid) == []


def test_a_worker_is_light() -> None:
    """Neither torch nor the tables of the panel are loaded by the worker itself."""
    code = "import gogooku3.training.prefetch_worker, sys; print(*[n for n in ('torch', 'polars', 'scipy', 'numba', "
    code += "'pydantic', 'pyarrow') if n in sys.modules])"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "\n"
