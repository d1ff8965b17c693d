"""Where the random numbers of a training stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from gogooku3.errors import ModelError

Generators = Mapping[str, np.random.Generator | torch.Generator]


def capture_rng(generators: Generators | None = None) -> dict[str, Any]:
    """Return the state of torch's own generators, of the CPU and of every GPU, and of the given ones by name.

    The result is what `save_checkpoint` can hold. numpy's and Python's global generators are not among it: nothing
    here draws from them.
    """
    return {
        "cpu": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "generators": {name: _state_of(generator) for name, generator in (generators or {}).items()},
    }


def restore_rng(state: Mapping[str, Any], generators: Generators | None = None) -> None:
    """Set torch's own generators and the given ones to where `capture_rng` found them.

    Raises:
        ModelError: The state is of other generators, or of another number of GPUs.
    """
    generators = generators or {}
    kept, devices = state["generators"], torch.cuda.device_count() if torch.cuda.is_available() else 0
    then = {name: _kind(held) for name, held in kept.items()}
    now = {name: _kind(_state_of(generator)) for name, generator in generators.items()}
    if then != now or len(state["cuda"]) != devices:
        raise ModelError(
            "random numbers cannot go on where they stood",
            got=f"generators {now}, {devices} GPUs",
            expected=f"generators {then}, {len(state['cuda'])} GPUs",
            remedy="go on with the same generators and devices, or begin a new training from the weights",
        )
    torch.set_rng_state(state["cpu"])
    if devices:
        torch.cuda.set_rng_state_all(state["cuda"])
    for name, generator in generators.items():
        if isinstance(generator, torch.Generator):
            generator.set_state(kept[name])
        else:
            generator.bit_generator.state = kept[name]


def _state_of(generator: np.random.Generator | torch.Generator) -> Any:
    return generator.get_state() if isinstance(generator, torch.Generator) else generator.bit_generator.state


def _kind(state: Any) -> str:
    return "torch" if isinstance(state, torch.Tensor) else str(state["bit_generator"])
