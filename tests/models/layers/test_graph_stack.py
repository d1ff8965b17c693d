from __future__ import annotations

import pytest
import torch

from gogooku3.errors import ModelError
from gogooku3.models.layers.graph_stack import GraphStack, heads_of
from tests.models.layers.graph_cases import draw, results

WIDTH, EDGES = 16, 1


def stack_of(layers: int, dropout: float = 0.0) -> GraphStack:
    torch.manual_seed(3)
    return GraphStack(WIDTH, layers, EDGES, dropout)


def test_no_layer_is_the_identity() -> None:
    neighbours, present = draw(days=2, stocks=9, slots=2, edges=EDGES)
    stack, x = stack_of(0), torch.randn(2, 9, WIDTH)
    assert not list(stack.parameters())
    assert torch.equal(stack(x, neighbours, present), x)


@pytest.mark.parametrize("layers", range(1, 11))
def test_every_parameter_gets_gradient(layers: int) -> None:
    neighbours, present = draw(days=3, stocks=20, slots=4, edges=EDGES)
    stack, x = stack_of(layers), torch.randn(3, 20, WIDTH)
    stack(x, neighbours, present).square().sum().backward()
    for name, parameter in stack.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert (parameter.grad.abs() > 0).float().mean() > 0.9, name


@pytest.mark.parametrize("layers", [1, 10])
def test_a_stack_begins_near_the_identity(layers: int) -> None:
    neighbours, present = draw(days=3, stocks=50, slots=4, edges=EDGES)
    x = torch.randn(3, 50, WIDTH).masked_fill(~present[..., None], 0.0)
    out = stack_of(layers)(x, neighbours, present)
    assert 0.001 < ((out - x).norm() / x.norm()).item() < 0.15 * layers**0.5


def test_ten_layers_learn_what_two_links_away_is() -> None:
    """The target is the mean over neighbours of the mean over theirs: out of reach without the graph."""
    neighbours, present = draw(days=4, stocks=40, slots=3, edges=EDGES)
    present[:] = True
    x = torch.randn(4, 40, WIDTH, generator=torch.Generator().manual_seed(0))
    link = torch.zeros(40, 40)
    for i, slot in neighbours.valid[0].nonzero().tolist():
        link[i, neighbours.index[0, i, slot]] += 1.0
    link += torch.eye(40)
    link /= link.sum(dim=1, keepdim=True)
    wanted = (link @ link @ x)[..., 0]
    stack = stack_of(10)
    optimizer = torch.optim.Adam(stack.parameters(), lr=1e-2)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = (stack(x, neighbours, present)[..., 0] - wanted).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("noise", [torch.nan, torch.inf, 1e30])
def test_noise_in_absent_slots_changes_no_bit(noise: float) -> None:
    neighbours, present = draw(days=4, stocks=20, slots=4, edges=EDGES)
    stack, x, upstream = stack_of(3, dropout=0.1), torch.randn(4, 20, WIDTH), torch.randn(4, 20, WIDTH)
    absent = ~present[..., None]
    upstream = upstream.masked_fill(absent, 0.0)
    torch.manual_seed(0)
    clean = results(stack, x, neighbours, present, upstream)
    torch.manual_seed(0)
    noisy = results(stack, x.masked_fill(absent, noise), neighbours, present, upstream)
    assert all(torch.equal(a, b) for a, b in zip(clean, noisy, strict=True))
    assert not clean[0][~present].any()


def test_a_stock_changes_those_that_it_reaches_and_nobody_else() -> None:
    """Three stocks in a row, 0 <- 1 <- 2: after two layers stock 0 reads stock 2, after one it does not."""
    neighbours, present = draw(days=1, stocks=4, slots=1, edges=EDGES)
    neighbours.valid[:] = torch.tensor([[[True], [True], [False], [False]]])
    neighbours.index[:] = torch.tensor([[[1], [2], [0], [0]]], dtype=torch.int32)
    present[:] = True
    x = torch.randn(1, 4, WIDTH)
    other = x.clone()
    other[0, 2] += 1.0
    for layers, reached in ((1, [False, True, True, False]), (2, [True, True, True, False])):
        stack = stack_of(layers)
        changed = (stack(x, neighbours, present) != stack(other, neighbours, present)).any(dim=-1)[0]
        assert changed.tolist() == reached


def test_heads_follow_from_the_width() -> None:
    assert [heads_of(width) for width in (8, 16, 24, 32, 40, 48, 64, 128, 256)] == [1, 2, 2, 4, 4, 4, 8, 8, 8]
    for width in range(8, 513, 8):
        heads = heads_of(width)
        assert width % heads == 0
        assert width // heads >= 8


@pytest.mark.parametrize("layers", [-1, 11])
def test_depths_are_refused_by_name(layers: int) -> None:
    with pytest.raises(ModelError, match=f"(?s)no such depth.*got: {layers}"):
        GraphStack(WIDTH, layers, EDGES)
