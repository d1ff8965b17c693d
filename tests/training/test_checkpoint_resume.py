"""A training stopped after any step goes on in a new process as if it had never stopped, to the last bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.training.resumed import OPTIMIZERS, STEPS, Training, save_below

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    threads, numbers = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.set_rng_state(numbers)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, dict[str, str]]]:
    """For each optimizer the digest of the uninterrupted training, and those of the resumed ones by step."""
    folder = tmp_path_factory.mktemp("trainings")
    wanted = {}
    for optimizer in OPTIMIZERS:
        begun = Training(optimizer, seed=5)
        save = save_below(folder / optimizer)
        save(begun)
        wanted[optimizer] = begun.train(save)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    child = [sys.executable, "-m", "tests.training.resumed", str(folder)]
    done = subprocess.run(
        child, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        name: (wanted[name], {step: digest for n, step, digest in lines if n == name}) for name in OPTIMIZERS
    }


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_resumed_in_a_new_process(optimizer: str, ended: dict[str, tuple[str, dict[str, str]]]) -> None:
    wanted, resumed = ended[optimizer]
    assert resumed == {str(step): wanted for step in range(STEPS + 1)}


def test_the_digest_tells_trainings_apart() -> None:
    assert Training("adamw", seed=5).train() == Training("adamw", seed=5).train()
    assert Training("adamw", seed=5).train() != Training("adamw", seed=6).train()


@pytest.mark.parametrize("part", ["average", "optimizer", "schedule", "rng"])
def test_every_part_of_the_state_is_needed(part: str) -> None:
    """Without any one of them the training goes on otherwise: the test above would notice."""
    saved: list[dict[str, object]] = []
    whole = Training("adamw", seed=5)
    wanted = whole.train(
        lambda training: saved.append(_copied(training.state())) if training.step == 4 else None
    )
    again = Training("adamw", seed=99)
    other = again.state()[part]
    again.go_on_from(saved[0] | {part: other})
    assert again.train() != wanted


def _copied(state: dict[str, object]) -> dict[str, object]:
    from gogooku3.training.checkpoint_tree import decode_state, encode_state

    return decode_state(*encode_state(state), "memory")
