from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gogooku3.errors import ModelError
from gogooku3.training.checkpoint import load_checkpoint, save_checkpoint
from gogooku3.training.checkpoint_rng import capture_rng, restore_rng

KINDS = (np.random.PCG64, np.random.Philox, np.random.SFC64, np.random.MT19937)


def _generators(seed: int) -> dict[str, np.random.Generator | torch.Generator]:
    kinds = {kind.__name__: np.random.Generator(kind(seed)) for kind in KINDS}
    return {**kinds, "own": torch.Generator().manual_seed(seed)}


def _draw(generators: dict[str, np.random.Generator | torch.Generator]) -> list[float]:
    drawn = [torch.rand(3).tolist(), torch.randn(1).tolist()]
    for generator in generators.values():
        if isinstance(generator, torch.Generator):
            drawn.append(torch.rand(3, generator=generator).tolist())
        else:
            drawn.append(generator.standard_normal(3).tolist())
            drawn.append(
                [int(generator.integers(2**32, dtype=np.uint32))]
            )  # half a word is kept for the next
    return [value for values in drawn for value in values]


@pytest.fixture
def _own_numbers():
    before = torch.get_rng_state()
    yield
    torch.set_rng_state(before)


@pytest.mark.usefixtures("_own_numbers")
def test_numbers_go_on_where_they_stood(tmp_path: Path) -> None:
    torch.manual_seed(3)
    generators = _generators(3)
    _draw(generators)
    save_checkpoint(tmp_path, {"rng": capture_rng(generators)}, step=1)
    wanted = [_draw(generators), _draw(generators)]
    torch.manual_seed(4)
    others = _generators(4)
    assert _draw(others) != wanted[0]
    restore_rng(load_checkpoint(tmp_path)["rng"], others)
    assert [_draw(others), _draw(others)] == wanted


@pytest.mark.usefixtures("_own_numbers")
def test_a_captured_state_does_not_move(tmp_path: Path) -> None:
    generators = _generators(3)
    state = capture_rng(generators)
    first = _draw(generators)
    restore_rng(state, generators)
    assert _draw(generators) == first
    restore_rng(state, generators)
    assert _draw(generators) == first


def test_other_generators_are_refused() -> None:
    state = capture_rng({"sampler": np.random.default_rng(1)})
    before = torch.get_rng_state()
    torch.rand(1)
    moved = torch.get_rng_state()
    for others in (
        {},
        {"other": np.random.default_rng(1)},
        {"sampler": np.random.Generator(np.random.Philox(1))},
        {"sampler": torch.Generator()},
        {"sampler": np.random.default_rng(1), "more": np.random.default_rng(1)},
    ):
        with pytest.raises(ModelError, match=r"(?s)cannot go on.*PCG64"):
            restore_rng(state, others)
    with pytest.raises(ModelError, match="GPUs"):
        restore_rng(state | {"cuda": [*state["cuda"], before]}, {"sampler": np.random.default_rng(1)})
    assert torch.equal(torch.get_rng_state(), moved)
