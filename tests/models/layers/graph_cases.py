"""Blocks with neighbours, drawn ragged: absent stocks, empty slots, stocks without any neighbour, doubled slots."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from gogooku3.models.layers.neighbours import Neighbours


def draw(
    *, days: int, stocks: int, slots: int, edges: int, graphs: int = 1, seed: int = 0
) -> tuple[Neighbours, Tensor]:
    """Return neighbours and who is present; every third stock has no neighbour, every fourth the same one twice."""
    rng = np.random.default_rng(seed)
    index = rng.integers(0, stocks, (graphs, stocks, slots))
    index[:, ::4, -1] = index[:, ::4, 0]
    valid = rng.random(index.shape) < 0.7
    valid[:, ::3] = False
    index[~valid] = -1
    neighbours = Neighbours(
        index=torch.from_numpy(index),
        valid=torch.from_numpy(valid),
        edge=torch.from_numpy(rng.normal(size=(*index.shape, edges)).astype(np.float32)),
        graph_of_day=torch.from_numpy(np.sort(rng.integers(0, graphs, days))),
    )
    present = rng.random((days, stocks)) < 0.8
    present[:, 0] |= ~present.any(axis=1)
    return neighbours, torch.from_numpy(present)


def results(
    layer: nn.Module, h: Tensor, neighbours: Neighbours, present: Tensor, upstream: Tensor
) -> list[Tensor]:
    """Return the output, the gradient of ``h`` and those of all parameters."""
    h = h.detach().clone().requires_grad_()
    layer.zero_grad()
    out = layer(h, neighbours, present)
    out.backward(upstream.to(out.dtype))
    grads = [parameter.grad for parameter in layer.parameters()]
    return [out.detach(), h.grad, *(grad.clone() for grad in grads)]
