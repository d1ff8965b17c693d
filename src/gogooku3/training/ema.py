"""An average of a model's weights over its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from gogooku3.errors import ModelError


class Ema:
    """Exponential moving average of a model's trained parameters, to score with.

    Update n, from 0, takes ``1 - min(decay, (1 + n) / (10 + n))`` of its new value from the parameters, so that the
    first weights are soon forgotten. Buffers are left as they are.

    Args:
        model: Its parameters that require a gradient are followed.
        decay: What an update keeps of the average, at least 0 and below 1. With 0 there is no average: nothing is
            kept, and `swap` leaves the model as it is.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay, self._updates = decay, 0
        followed = {name: p for name, p in model.named_parameters() if p.requires_grad} if decay else {}
        self._names = list(followed)
        self._parameters: list[Tensor] = list(followed.values())
        self._averages = _copies(self._parameters)

    @torch.no_grad()
    def update(self) -> None:
        """Take the parameters into the average; call it after each step of the optimizer."""
        kept = min(self._decay, (1 + self._updates) / (10 + self._updates))
        self._updates += 1
        if self._averages:
            torch._foreach_lerp_(self._averages, self._parameters, 1.0 - kept)

    @contextmanager
    def swap(self) -> Iterator[None]:
        """Give the model its averages inside the block, and its own parameters back after it, bit for bit."""
        own = _copies(self._parameters)
        _assign(self._parameters, self._averages)
        try:
            yield
        finally:
            _assign(self._parameters, own)

    def state_dict(self) -> dict[str, Any]:
        """Return ``{"updates": number, "averages": {name of the parameter: tensor}}``, the tensors not copied."""
        return {"updates": self._updates, "averages": dict(zip(self._names, self._averages, strict=True))}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned.

        Raises:
            ModelError: It is of parameters with other names or shapes.
        """
        found = {name: tuple(tensor.shape) for name, tensor in state["averages"].items()}
        own = {name: tuple(tensor.shape) for name, tensor in self.state_dict()["averages"].items()}
        if found != own:
            other = sorted(name for name in {*found, *own} if found.get(name) != own.get(name))
            raise ModelError(
                "averaged weights are of another model",
                got=", ".join(f"{name} {found.get(name, 'absent')}" for name in other[:5]),
                expected=", ".join(f"{name} {own.get(name, 'absent')}" for name in other[:5]),
                remedy="go on with the settings of the checkpoint, or begin a new training",
            )
        self._updates = state["updates"]
        _assign(self._averages, [state["averages"][name] for name in self._names])


def _copies(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in tensors]


@torch.no_grad()
def _assign(targets: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for target, value in zip(targets, values, strict=True):
        target.copy_(value)
