"""SIGKILL in the middle: what is there is the old or the new, whole; the next write sweeps up and needs no unlocking.

Some thirty kills here; `benchmarks/faults.py` kills after every single system call.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.cases import SMALL, AppendCase, BuildCase, Case, TrainCase, Tries
from tests.faults.killer import Killer


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.title)
def test_killed_after_a_system_call(case: Case, tmp_path: Path, traced: Killer) -> None:
    tries = Tries(case, tmp_path / "tries", traced)
    calls = tries.calls()
    named = [
        k for k, name in enumerate(calls, 1) if name.startswith(("rename", "unlink"))
    ]  # what readers can see
    drawn = random.Random(case.title).sample(range(1, len(calls)), 2)
    found = [tries.kill(calls=k) for k in sorted({*named[-8:], *drawn} - {len(calls)})]
    assert all(ended.killed for _, ended in found)
    assert {state for state, _ in found} == {"old", "new"}


def test_a_tracer_that_sees_the_point_of_no_return(tmp_path: Path, traced: Killer) -> None:
    """Just before the rename it is the old one, just after it the new one."""
    tries = Tries(SMALL[-1], tmp_path / "tries", traced)
    found = [tries.kill(calls=calls) for calls in range(1, len(tries.calls()))]
    states = [state for state, _ in found]
    turn = states.index("new")
    assert found[turn][1].calls[-1].startswith("rename")
    assert states == ["old"] * turn + ["new"] * (len(states) - turn)


@pytest.mark.parametrize("case", [SMALL[0], SMALL[2], SMALL[4]], ids=lambda case: case.title)
def test_killed_at_a_random_moment(case: Case, tmp_path: Path, killer: Killer) -> None:
    tries = Tries(case, tmp_path / "tries", killer)
    assert tries.kill(seconds=tries.seconds * random.Random(case.title).random())


def test_a_killed_build_leaves_the_old_panel_or_the_new(made: Path, tmp_path: Path, killer: Killer) -> None:
    tries = Tries(BuildCase(made), tmp_path / "tries", killer)
    for share in (
        0.7,
        0.5,
        0.3,
        0.15,
    ):  # a later try finds its files in memory and may end earlier than the first
        _, ended = tries.kill(seconds=tries.seconds * share)
        if ended.killed:
            break
    assert ended.killed


def test_a_killed_training_ends_with_the_same_bytes(made: Path, tmp_path: Path, killer: Killer) -> None:
    tries = Tries(TrainCase(made), tmp_path / "tries", killer)
    assert tries.kill(seconds=tries.seconds * 0.6)


def test_a_killed_append_is_finished_by_the_next(tmp_path: Path, killer: Killer) -> None:
    tries = Tries(AppendCase(tmp_path / "base"), tmp_path / "tries", killer)
    assert tries.kill(seconds=tries.seconds * 0.6)
