"""What is in place before torch is imported, seen from processes of its own."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from gogooku3.config import process
from gogooku3.errors import ModelError

GLIBC = platform.libc_ver()[0] == "glibc"


def python(code: str, **environment: str) -> dict[str, object]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_", "MALLOC_"))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match=r"gogooku3\[deep\]"):
        process.prepare_torch(1)


THREADS = """
import json
import numba
from gogooku3.config.process import prepare_torch
@numba.njit(parallel=True)
def kernel(n):
    total = 0
    for i in numba.prange(n):
        total += i
    return total
first = prepare_torch({first})
import torch
kernel(100)  # would otherwise set torch's threads back
found = [torch.get_num_threads()]
second = prepare_torch({second})
found.append(torch.get_num_threads())
both = (first, second)
said = {{"said": [one.threads for one in both], "by": [one.threads_by for one in both]}}
print(json.dumps({{"threads": found, **said}}))
"""


def test_torch_takes_the_threads_and_keeps_them_when_a_kernel_starts() -> None:
    found = python(THREADS.format(first=1, second=2))
    assert found == {"threads": [1, 2], "said": [1, 2], "by": ["deep.threads", "deep.threads"]}


def test_what_the_user_set_holds_unless_the_setting_says_otherwise() -> None:
    found = python(THREADS.format(first=0, second=2), OMP_NUM_THREADS="1")
    assert found == {"threads": [1, 2], "said": [1, 2], "by": ["OMP_NUM_THREADS", "deep.threads"]}


def test_by_default_all_physical_cores() -> None:
    cores = process.physical_cores()
    found = python(THREADS.format(first=0, second=0), OMP_NUM_THREADS="many")
    assert found == {"threads": [cores] * 2, "said": [cores] * 2, "by": ["physical cores"] * 2}


FAULTS = """
import json, resource
from gogooku3.config.process import keep_memory
kept = {call}
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    x = b"x" * (48 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
first = faults()
print(json.dumps({{"kept": kept, "faults": [faults() for _ in range(3)]}}))
"""


@pytest.mark.skipif(not GLIBC, reason="the C library is not glibc")
def test_freed_memory_is_written_again_without_faults() -> None:
    before, after = python(FAULTS.format(call="None")), python(FAULTS.format(call="keep_memory()"))
    assert after["kept"] is True
    assert max(after["faults"]) < 100  # type: ignore[call-overload]
    assert min(before["faults"]) > max(after["faults"])  # type: ignore[call-overload]


class Library:
    """A C library by its name."""

    def __init__(self, answers: dict[tuple[int, int], int]) -> None:
        self.answers, self.asked = answers, list[tuple[int, int]]()

    def mallopt(self, parameter: int, value: int) -> int:
        self.asked.append((parameter, value))
        return self.answers.get((parameter, value), 1)


def test_old_glibc_takes_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    old = Library({(-3, 1 << 30): 0})
    monkeypatch.setattr(process.ctypes, "CDLL", lambda _: old)
    assert process.keep_memory()
    assert old.asked == [(-3, 1 << 30), (-3, 1 << 25), (-1, -1)]
    monkeypatch.setattr(process.ctypes, "CDLL", lambda _: Library({(-3, 1 << 30): 0, (-3, 1 << 25): 0}))
    assert process.keep_memory() is False


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.ctypes, "CDLL", lambda _: object())
    assert process.keep_memory() is False


def machine(
    monkeypatch: pytest.MonkeyPatch, folder: Path, siblings: dict[int, str], allowed: set[int], quota: str
) -> None:
    for cpu, pair in siblings.items():
        path = folder / f"cpu{cpu}" / "topology" / "thread_siblings_list"
        path.parent.mkdir(parents=True)
        path.write_text(f"{pair}\n", encoding="ascii")
    (folder / "cpu.max").write_text(f"{quota}\n", encoding="ascii")
    monkeypatch.setattr(process, "_CPUS", folder)
    monkeypatch.setattr(process, "_QUOTA", folder / "cpu.max")
    monkeypatch.setattr(process.os, "sched_getaffinity", lambda _: allowed, raising=False)


PAIRS = {0: "0,4", 1: "1,5", 2: "2,6", 3: "3,7", 4: "0,4", 5: "1,5", 6: "2,6", 7: "3,7"}


@pytest.mark.parametrize(
    ("siblings", "allowed", "quota", "cores"),
    [
        (PAIRS, set(range(8)), "max 100000", 4),
        (PAIRS, {0, 1, 4, 5}, "max 100000", 2),
        (PAIRS, {0, 5}, "max 100000", 2),
        (PAIRS, set(range(8)), "250000 100000", 2),
        (PAIRS, set(range(8)), "50000 100000", 1),
        ({}, {0, 1, 2}, "", 3),
    ],
)
def test_physical_cores(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    siblings: dict[int, str],
    allowed: set[int],
    quota: str,
    cores: int,
) -> None:
    machine(monkeypatch, tmp_path, siblings, allowed, quota)
    assert process.physical_cores() == cores


def test_physical_cores_where_nothing_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "_CPUS", tmp_path)
    monkeypatch.setattr(process, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.delattr(process.os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(process.os, "cpu_count", lambda: None)
    assert process.physical_cores() == 1
