from __future__ import annotations

import copy
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from gogooku3.errors import ModelError
from gogooku3.models.layers import graph_attention
from gogooku3.models.layers.graph_attention import Drop, GraphAttention, attend, dropout_factors
from gogooku3.models.layers.neighbours import Neighbours
from tests.models.layers.graph_cases import draw, results

# (width, heads, edges): few, since each size is compiled at its first use
SIZES = [(8, 1, 0), (16, 2, 1), (24, 4, 2), (24, 8, 3)]
BLOCKS = [
    {"days": 5, "stocks": 23, "slots": 4, "graphs": 2},
    {"days": 1, "stocks": 30, "slots": 3, "graphs": 1},  # a day in parts
    {"days": 3, "stocks": 6, "slots": 1, "graphs": 3},
    {"days": 2, "stocks": 1, "slots": 2, "graphs": 1},
    {"days": 2, "stocks": 1100, "slots": 2, "graphs": 1},  # several tasks a day
]


def layer_of(width: int, heads: int, edges: int, dropout: float = 0.0) -> GraphAttention:
    torch.manual_seed(7)
    layer = GraphAttention(width, heads, edges, dropout)
    with torch.no_grad():
        layer.project.bias.normal_()
    return layer


def states(present: Tensor, width: int, seed: int = 1) -> Tensor:
    return torch.randn(*present.shape, width, generator=torch.Generator().manual_seed(seed))


def by_hand(layer: GraphAttention, h: Tensor, neighbours: Neighbours, present: Tensor) -> np.ndarray:
    """Equation 7, one stock, head and neighbour after the other, in float64."""
    width, heads = h.shape[-1], layer.heads
    weight, bias = (
        layer.project.weight.detach().double().numpy(),
        layer.project.bias.detach().double().numpy(),
    )
    a = layer.attention.detach().double().numpy()
    w_edge = np.zeros((0, width)) if layer.edge is None else layer.edge.detach().double().numpy()
    out = np.zeros(h.shape)
    for day, graph in enumerate(neighbours.graph_of_day.tolist()):
        x = h[day].double().numpy() @ weight.T + bias
        target, source = x[:, :width], x[:, width:]
        for i in np.flatnonzero(present[day].numpy()):
            met = [(source[i], target[i] + source[i])]
            for slot in np.flatnonzero(neighbours.valid[graph, i].numpy()):
                j = int(neighbours.index[graph, i, slot])
                if present[day, j]:
                    link = neighbours.edge[graph, i, slot].double().numpy() @ w_edge
                    met.append((source[j], target[i] + source[j] + link))
            for head in range(heads):
                own = slice(head, None, heads)
                logits = np.array([a[own] @ np.where(z > 0, z, 0.2 * z)[own] for _, z in met])
                alpha = np.exp(logits - logits.max())
                out[day, i, own] = sum(w * s[own] for w, (s, _) in zip(alpha / alpha.sum(), met, strict=True))
    return out


@pytest.mark.parametrize("block", BLOCKS[:4])
@pytest.mark.parametrize("size", SIZES)
def test_both_paths_are_equation_7(size: tuple[int, int, int], block: dict[str, int]) -> None:
    layer = layer_of(*size)
    neighbours, present = draw(edges=size[2], **block)
    h = states(present, size[0])
    expected = by_hand(layer, h, neighbours, present)
    np.testing.assert_allclose(layer(h, neighbours, present).detach().numpy(), expected, rtol=1e-4, atol=1e-5)
    plain = copy.deepcopy(layer).double()(h.double(), neighbours, present)
    np.testing.assert_allclose(plain.detach().numpy(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("size", SIZES)
def test_kernels_agree_with_the_formula(
    size: tuple[int, int, int], block: dict[str, int], dropout: float
) -> None:
    layer = layer_of(*size, dropout)
    neighbours, present = draw(edges=size[2], **block)
    h, upstream = states(present, size[0]), states(present, size[0], seed=2)
    torch.manual_seed(11)
    fused = results(layer, h, neighbours, present, upstream)
    torch.manual_seed(11)
    plain = results(copy.deepcopy(layer).double(), h.double(), neighbours, present, upstream)
    for found, expected in zip(fused, plain, strict=True):
        assert torch.linalg.vector_norm(found - expected) <= 1e-5 * torch.linalg.vector_norm(expected) + 1e-7


def test_large_logits_stay_finite_and_right() -> None:
    layer = layer_of(16, 2, 1)
    neighbours, present = draw(days=3, stocks=20, slots=4, edges=1)
    h = 300.0 * states(present, 16)
    upstream = torch.ones_like(h)
    found = results(layer, h, neighbours, present, upstream)
    expected = results(copy.deepcopy(layer).double(), h.double(), neighbours, present, upstream)
    torch.testing.assert_close(found[0].double(), expected[0], rtol=1e-3, atol=1e-2)
    assert all(torch.isfinite(x).all() for x in found)


def test_the_gradient_of_the_formula() -> None:
    neighbours, present = draw(days=2, stocks=5, slots=3, edges=2, graphs=2)
    generator = torch.Generator().manual_seed(0)
    shapes = [(2, 5, 16), (8,), (2, 8)]
    inputs = [torch.randn(s, generator=generator, dtype=torch.float64).requires_grad_() for s in shapes]
    for threshold in (0, 1 << 22):
        drop = Drop(torch.tensor([77777, 5]), threshold)
        assert torch.autograd.gradcheck(
            lambda *x, drop=drop: attend(*x, neighbours, present, heads=2, drop=drop), inputs
        )


def test_equal_to_pytorch_geometric() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the import alone
        nn = pytest.importorskip(
            "torch_geometric.nn", reason="torch_geometric (extra `oracles`) is not installed"
        )
    width, heads, edges = 24, 4, 2
    layer = layer_of(width, heads, edges)
    rival = nn.GATv2Conv(width, width // heads, heads=heads, edge_dim=edges, add_self_loops=False)
    order = (
        torch.arange(width).reshape(width // heads, heads).T.reshape(-1)
    )  # theirs: one head behind the other
    with torch.no_grad():
        for linear, rows in ((rival.lin_r, order), (rival.lin_l, width + order)):
            linear.weight.copy_(layer.project.weight[rows])
            linear.bias.copy_(layer.project.bias[rows])
        rival.lin_edge.weight.copy_(layer.edge[:, order].T)
        rival.bias.zero_()
        rival.att.copy_(layer.attention[order].reshape(1, heads, -1))
    neighbours, present = draw(days=1, stocks=40, slots=5, edges=edges)
    seen = neighbours.valid[0] & present[0][neighbours.index[0].long()] & present[0][:, None]
    target, slot = seen.nonzero(as_tuple=True)
    own = present[0].nonzero()[:, 0]
    links = torch.stack(
        [torch.cat([neighbours.index[0].long()[target, slot], own]), torch.cat([target, own])]
    )
    features = torch.cat([neighbours.edge[0, target, slot], torch.zeros(len(own), edges)])
    h, upstream = states(present, width), states(present, width, seed=2) * present[..., None]
    ours = results(layer, h, neighbours, present, upstream)
    theirs_h = h[0].clone().requires_grad_()
    theirs = rival(theirs_h, links, features)
    theirs.backward(upstream[0][:, order])
    torch.testing.assert_close(ours[0][0][own][:, order], theirs[own], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(ours[1][0], theirs_h.grad, rtol=1e-5, atol=1e-5)
    weight = torch.cat([rival.lin_r.weight.grad, rival.lin_l.weight.grad])
    torch.testing.assert_close(
        layer.project.weight.grad[torch.cat([order, width + order])], weight, rtol=1e-5, atol=1e-4
    )
    torch.testing.assert_close(layer.edge.grad[:, order].T, rival.lin_edge.weight.grad, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(layer.attention.grad[order], rival.att.grad.reshape(-1), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("noise", [torch.nan, torch.inf, 1e30])
@pytest.mark.parametrize("exact", [False, True])
def test_noise_in_absent_slots_changes_no_bit(noise: float, exact: bool) -> None:
    layer = layer_of(16, 2, 1, dropout=0.2)
    layer = layer.double() if exact else layer
    neighbours, present = draw(days=4, stocks=20, slots=4, edges=1)
    assert bool(
        (neighbours.valid & ~present[0][neighbours.index.long()]).any()
    )  # absent stocks are neighbours
    h = states(present, 16).double() if exact else states(present, 16)
    upstream = states(present, 16, seed=3)
    absent = ~present[..., None]
    torch.manual_seed(0)
    clean = results(layer, h, neighbours, present, upstream)
    torch.manual_seed(0)
    noisy = results(
        layer, h.masked_fill(absent, noise), neighbours, present, upstream.masked_fill(absent, noise)
    )
    assert all(torch.equal(x, y) for x, y in zip(clean, noisy, strict=True))
    assert not clean[0][~present].any()
    assert not clean[1][~present].any()


def test_a_link_to_an_absent_stock_is_as_no_link() -> None:
    layer = layer_of(16, 2, 1)
    neighbours, present = draw(days=1, stocks=20, slots=4, edges=1)
    seen = neighbours.valid & present[0][neighbours.index.long()]
    without = Neighbours(
        index=neighbours.index.masked_fill(~seen, -1),
        valid=seen,
        edge=neighbours.edge.masked_fill(~seen[..., None], torch.nan),
        graph_of_day=neighbours.graph_of_day,
    )
    h, upstream = states(present, 16), states(present, 16, seed=2)
    pairs = zip(
        results(layer, h, neighbours, present, upstream),
        results(layer, h, without, present, upstream),
        strict=True,
    )
    assert all(torch.equal(x, y) for x, y in pairs)


def test_a_stock_without_neighbours_gets_its_own_value() -> None:
    layer = layer_of(16, 2, 1)
    neighbours, present = draw(days=2, stocks=9, slots=2, edges=1)
    present[:] = True
    h = states(present, 16)
    alone = ~neighbours.valid[0].any(dim=-1)
    assert bool(alone.any())
    value = layer.project(h)[..., 16:]
    torch.testing.assert_close(layer(h, neighbours, present)[:, alone], value[:, alone])


@pytest.mark.parametrize("days", [1, 6])
def test_same_bits_at_any_number_of_threads(days: int) -> None:
    neighbours, present = draw(days=days, stocks=700, slots=6, edges=1)
    layer = layer_of(16, 2, 1, dropout=0.1)
    both, upstream = states(present, 32), states(present, 16, seed=2)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 2, 2):
            torch.set_num_threads(threads)
            x = both.clone().requires_grad_()
            a, edge = (
                layer.attention.detach().clone().requires_grad_(),
                layer.edge.detach().clone().requires_grad_(),
            )
            out = graph_attention._Fused.apply(
                x, a, edge, neighbours, present, 2, Drop(torch.tensor([5, 6]), 1 << 21)
            )
            out.backward(upstream)
            found.append([out.detach(), x.grad, a.grad, edge.grad])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(x, y) for other in found[1:] for x, y in zip(found[0], other, strict=True))


@pytest.mark.parametrize("plain", [False, True])
def test_same_bits_at_every_run_on_two_threads(plain: bool) -> None:
    neighbours, present = draw(days=1, stocks=3000, slots=20, edges=1)
    layer = layer_of(16, 2, 1)
    both, upstream = states(present, 32).requires_grad_(), states(present, 16, seed=2)
    drop = Drop(torch.tensor([1, 0]), 0)

    def once() -> Tensor:
        if plain:
            out = attend(both, layer.attention, layer.edge, neighbours, present, heads=2, drop=drop)
        else:
            out = graph_attention._Fused.apply(
                both, layer.attention, layer.edge, neighbours, present, 2, drop
            )
        return torch.autograd.grad(out, both, upstream)[0]

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        runs = [once() for _ in range(6)]
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(runs[0], other) for other in runs[1:])


_FIRST_USE = """
import os
os.environ["NUMBA_NUM_THREADS"] = "2"
import numba, torch
from tests.models.layers.graph_cases import draw
from gogooku3.models.layers.graph_attention import GraphAttention
torch.set_num_threads(1)
neighbours, present = draw(days=1, stocks=9, slots=2, edges=1)
GraphAttention(16, 2, 1)(torch.randn(1, 9, 16), neighbours, present)
print(torch.get_num_threads(), numba.get_num_threads())
"""


def test_the_first_use_leaves_the_number_of_threads_alone() -> None:
    """Numba, when it starts its threads, sets the number that torch uses too."""
    said = subprocess.run(
        [sys.executable, "-c", _FIRST_USE],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert said.stdout.split() == ["1", "2"]


def test_more_days_than_fit_are_taken_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    neighbours, present = draw(days=5, stocks=8, slots=3, edges=2, graphs=2)
    layer = layer_of(16, 2, 2, dropout=0.3).double()
    h, upstream = states(present, 16).double(), states(present, 16, seed=2)
    found = []
    for at_once in (1 << 27, 2 * 8 * 4 * 16):
        monkeypatch.setattr(graph_attention, "_AT_ONCE", at_once)
        torch.manual_seed(5)
        found.append(results(layer, h, neighbours, present, upstream))
    for whole, parts in zip(*found, strict=True):
        torch.testing.assert_close(whole, parts, rtol=1e-12, atol=1e-12)


def test_dropout_follows_the_generator_and_stops_with_training() -> None:
    layer = layer_of(16, 2, 1, dropout=0.3)
    neighbours, present = draw(days=2, stocks=20, slots=4, edges=1)
    h = states(present, 16)
    torch.manual_seed(0)
    first, second = layer(h, neighbours, present), layer(h, neighbours, present)
    torch.manual_seed(0)
    again = layer(h, neighbours, present)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    plain = layer_of(16, 2, 1)(h, neighbours, present)
    assert torch.equal(layer.eval()(h, neighbours, present), plain)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_dropped_numbers_look_random(share: float) -> None:
    threshold = round(share * 2**24)
    seeds = [torch.tensor(pair) for pair in ((1, 0), (3, 1), (0xDEADBEEF, 12345))]
    draws = [
        dropout_factors(Drop(seed, threshold), torch.Size([100, 1000]), 0, torch.device("cpu"))
        for seed in seeds
    ]
    kept = [(factors > 0).double() for factors in draws]
    for factors, alive in zip(draws, kept, strict=True):
        assert factors.unique().tolist() == pytest.approx([0.0, 1 / (1 - share)], rel=1e-6)
        assert alive.mean().item() == pytest.approx(1 - share, abs=5e-3)
        for lag in (1, 2, 8, 1000):  # neighbours in the block are not dropped together
            series = alive.reshape(-1) - alive.mean()
            assert abs((series[lag:] * series[:-lag]).mean() / series.var()) < 0.015
    for left, right in ((0, 1), (0, 2), (1, 2)):
        both = (kept[left] * kept[right]).mean().item()
        assert both == pytest.approx((1 - share) ** 2, abs=7e-3)


def test_no_gradient_is_not_a_number_where_nobody_has_a_neighbour() -> None:
    neighbours, present = draw(days=2, stocks=6, slots=2, edges=1)
    nobody = Neighbours(
        index=torch.full_like(neighbours.index, -1),
        valid=torch.zeros_like(neighbours.valid),
        edge=neighbours.edge,
        graph_of_day=neighbours.graph_of_day,
    )
    layer = layer_of(16, 2, 1)
    h = states(present, 16)
    for x in results(layer, h, nobody, torch.zeros_like(present), torch.ones_like(h)):
        assert not x.any()
    assert all(torch.isfinite(x).all() for x in results(layer, h, nobody, present, torch.ones_like(h)))


def test_bfloat16_is_widened() -> None:
    layer = layer_of(16, 2, 1)
    neighbours, present = draw(days=2, stocks=9, slots=2, edges=1)
    h = states(present, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer(h, neighbours, present)
    assert out.dtype is torch.float32
    torch.testing.assert_close(out, layer(h, neighbours, present), atol=0.05, rtol=0.05)


def test_sizes_are_refused_by_name() -> None:
    with pytest.raises(ModelError, match="width 20, 2 heads"):
        GraphAttention(20, 2, 0)
    with pytest.raises(ModelError, match="width 24, 3 heads"):
        GraphAttention(24, 3, 0)
    neighbours, present = draw(days=2, stocks=9, slots=2, edges=1)
    with pytest.raises(ModelError, match=r"(?s)do not fit the block.*\(2, 9, 1\).*\(2, 9, 0\)"):
        layer_of(8, 1, 0)(states(present, 8), neighbours, present)
