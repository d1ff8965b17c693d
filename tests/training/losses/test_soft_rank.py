"""The soft rank: its definition over all pairs, its gradient, what it tends to, what it does not become."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression
from scipy.stats import rankdata

from gogooku3.errors import ModelError
from gogooku3.training.losses.soft_rank import average_rank, soft_rank
from tests.training.losses.dense import dense_soft_rank, drawn

NAN = float("nan")
both_paths = pytest.mark.parametrize("compiled", [True, False], ids=["kernel", "scan"])


@both_paths
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 70),
    temperature=st.sampled_from([1e-3, 0.03, 0.1, 1.0, 20.0]),
    ties=st.booleans(),
)
def test_value_and_gradient_are_those_of_the_definition(
    compiled: bool, seed: int, n: int, temperature: float, ties: bool
) -> None:
    x, mask = drawn(seed, 3, n, ties=ties)
    weight = torch.from_numpy(np.random.default_rng(seed).normal(size=(3, n)))
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    ranks, dense = soft_rank(a, mask, temperature, compiled=compiled), dense_soft_rank(b, mask, temperature)
    torch.testing.assert_close(ranks, dense, rtol=0, atol=1e-9)
    (ranks * weight).sum().backward()
    (dense * weight).sum().backward()
    torch.testing.assert_close(a.grad, b.grad, rtol=1e-9, atol=1e-9 / temperature)


@both_paths
def test_a_long_row_agrees_with_the_definition(compiled: bool) -> None:
    x, mask = drawn(1, 2, 1500)
    weight = torch.from_numpy(np.random.default_rng(0).normal(size=x.shape))
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    ranks, dense = soft_rank(a, mask, compiled=compiled), dense_soft_rank(b, mask, 0.1)
    assert (ranks - dense).abs().max() < 1e-9
    (ranks * weight).sum().backward()
    (dense * weight).sum().backward()
    assert (a.grad - b.grad).abs().max() < 1e-9 * b.grad.abs().max()


@both_paths
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("temperature", [0.05, 0.1, 1.0])
def test_gradcheck(compiled: bool, ties: bool, temperature: float) -> None:
    x, mask = drawn(7, 2, 25, ties=ties)
    # the second derivative jumps at ties, where a central difference is off by about eps / temperature^2
    assert torch.autograd.gradcheck(
        lambda v: soft_rank(v, mask, temperature, compiled=compiled),
        x.requires_grad_(),
        eps=1e-7,
        atol=1e-3 if ties else 1e-4,
    )


@both_paths
def test_tied_values_have_equal_ranks_to_the_last_bit(compiled: bool) -> None:
    for dtype in (torch.float32, torch.float64):
        x, mask = drawn(3, 4, 200, ties=True)
        x = x.to(dtype)
        for temperature in (1e-3, 0.1, 10.0):
            ranks = soft_rank(x, mask, temperature, compiled=compiled)
            for row in range(len(x)):
                for value in x[row][mask[row]].unique():
                    assert ranks[row][mask[row] & (x[row] == value)].unique().numel() == 1


@both_paths
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tends_to_average_ranks_as_the_temperature_falls(compiled: bool, dtype: torch.dtype) -> None:
    x, _ = drawn(5, 3, 400, ties=True)
    x = x.to(dtype)
    expected = torch.from_numpy(rankdata(x.numpy(), axis=1)).to(dtype)
    assert torch.equal(average_rank(x, compiled=compiled), expected)
    apart = [
        float((soft_rank(x, None, t, compiled=compiled) - expected).abs().max()) for t in (0.1, 0.03, 0.01)
    ]
    assert apart == sorted(apart, reverse=True)
    # gaps are .1 at least: below a hundredth of that nothing is left of the kernel
    assert torch.equal(soft_rank(x, None, 1e-4, compiled=compiled), expected)
    assert torch.equal(soft_rank(x, None, 1e-40, compiled=compiled), expected)


@both_paths
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("temperature", [1e-300, 1e-20, 1e-3, 1e3, 1e20, 1e300])
def test_is_stable_at_any_temperature(compiled: bool, scale: float, temperature: float) -> None:
    x = (scale * drawn(2, 2, 300, full=True)[0]).requires_grad_()
    ranks = soft_rank(x, None, temperature, compiled=compiled)
    assert ranks.isfinite().all()
    assert ranks.min() >= 1.0
    assert ranks.max() <= 300.0
    torch.testing.assert_close(
        ranks.mean(dim=1), torch.full((2,), 150.5, dtype=torch.float64), rtol=1e-9, atol=0
    )
    if temperature > 1e-290:  # below, the density at a tie, 1 / (2 temperature), leaves float64
        ranks.square().sum().backward()
        assert x.grad.isfinite().all()


@both_paths
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), dtype=st.sampled_from([torch.float32, torch.float64]))
def test_masked_slots_change_no_bit(compiled: bool, seed: int, dtype: torch.dtype) -> None:
    x, mask = drawn(seed, 3, 40, ties=seed % 2 == 0)
    mask[2] = False
    x = x.to(dtype)
    noise = torch.tensor([NAN, math.inf, -math.inf, 1e30, 0.0, -0.0], dtype=dtype)
    other = torch.where(
        mask, x, noise[torch.randint(6, x.shape, generator=torch.Generator().manual_seed(seed))]
    )
    weight = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    found = []
    for values in (x, other):
        leaf = values.clone().requires_grad_()
        ranks = soft_rank(leaf, mask, 0.1, compiled=compiled)
        (ranks * weight).sum().backward()
        found.append((ranks.detach(), leaf.grad, average_rank(values, mask, compiled=compiled)))
    for a, b in zip(*found, strict=True):
        assert torch.equal(a, b)
        assert (a[~mask] == 0.0).all()
    # the valid names alone, without slots between them, are the same row
    alone = soft_rank(x[0][mask[0]], None, 0.1, compiled=compiled)
    torch.testing.assert_close(found[0][0][0][mask[0]], alone, rtol=0, atol=0 if compiled else 1e-5)


def test_the_scan_is_the_kernel() -> None:
    for dtype, off in ((torch.float64, 1e-9), (torch.float32, 1e-3)):
        x, mask = drawn(9, 5, 1500, ties=True)
        weight = torch.from_numpy(np.random.default_rng(0).normal(size=x.shape)).to(dtype)
        found = []
        for compiled in (True, False):
            leaf = x.to(dtype).clone().requires_grad_()
            ranks = soft_rank(leaf, mask, compiled=compiled)
            (ranks * weight).sum().backward()
            found.append((ranks.detach(), leaf.grad, average_rank(leaf, mask, compiled=compiled)))
        torch.testing.assert_close(found[0], found[1], rtol=1e-6, atol=off)
        assert torch.equal(found[0][2], found[1][2])


@both_paths
def test_a_value_that_is_not_finite_makes_its_row_nan_and_no_other(compiled: bool) -> None:
    x, mask = drawn(4, 5, 30)
    for row, bad in enumerate((NAN, -NAN, math.inf, -math.inf)):
        x[row, int(mask[row].nonzero()[3])] = bad
    ranks = soft_rank(x.requires_grad_(), mask, compiled=compiled)
    ranks.square().sum().backward()
    for values in (ranks, x.grad, average_rank(x, mask, compiled=compiled)):
        assert values[:4][mask[:4]].isnan().all()
        assert (values[:4][~mask[:4]] == 0.0).all()
        assert values[4].isfinite().all()


@both_paths
def test_shapes_and_types(compiled: bool) -> None:
    x = torch.randn(2, 3, 4, 9)
    ranks = soft_rank(x, compiled=compiled)
    assert ranks.shape == x.shape
    assert torch.equal(ranks[1, 2, 3], soft_rank(x[1, 2, 3], compiled=compiled))
    assert soft_rank(x.bfloat16(), compiled=compiled).dtype == torch.float32
    strided = x.transpose(1, 3)
    assert torch.equal(
        soft_rank(strided, compiled=compiled), soft_rank(strided.contiguous(), compiled=compiled)
    )
    for shape in ((0, 5), (3, 0), (0,), (2, 0, 4)):
        assert soft_rank(torch.zeros(shape), compiled=compiled).shape == shape
        assert average_rank(torch.zeros(shape), compiled=compiled).shape == shape
    assert soft_rank(torch.zeros(1), compiled=compiled).item() == 1.0


@both_paths
def test_gradient_that_arrives_expanded_or_strided(compiled: bool) -> None:
    x = torch.randn(3, 8, requires_grad=True)
    soft_rank(x, compiled=compiled).sum().backward()
    torch.testing.assert_close(x.grad, torch.zeros_like(x), rtol=0, atol=1e-5)  # the sum of ranks is fixed
    weight = torch.randn(8, 3)
    found = []
    for arriving in (weight.T, weight.T.contiguous()):
        (gradient,) = torch.autograd.grad(soft_rank(x, compiled=compiled), x, arriving)
        found.append(gradient)
    assert torch.equal(*found)


def test_a_second_derivative_is_refused_and_not_wrong() -> None:
    x = torch.randn(10, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(soft_rank(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_the_number_of_threads_changes_no_bit() -> None:
    x, mask = drawn(0, 7, 500)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            leaf = x.clone().requires_grad_()
            soft_rank(leaf, mask).square().sum().backward()
            found.append(leaf.grad)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_the_first_kernel_leaves_the_threads_of_torch_alone() -> None:
    code = """
import torch
from gogooku3.training.losses.soft_rank import soft_rank
for threads in (1, 2, 1):
    torch.set_num_threads(threads)
    soft_rank(torch.zeros(3))
    assert torch.get_num_threads() == threads
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@both_paths
def test_memory_is_linear(compiled: bool) -> None:
    x = torch.randn(1 << 18, requires_grad=True)  # over all pairs this would be 256 GiB
    soft_rank(x, compiled=compiled).square().sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("temperature", [0.0, -1.0, NAN, math.inf])
def test_an_impossible_temperature_is_refused(temperature: float) -> None:
    with pytest.raises(ModelError, match="positive temperature"):
        soft_rank(torch.zeros(3), None, temperature)


def isotonic_rank(x: np.ndarray, regularisation: float) -> np.ndarray:
    """The soft rank by projection onto the permutahedron (Blondel et al. 2020)."""
    n = len(x)
    order = np.argsort(-x)
    shifted = (x / regularisation)[order] - np.arange(n, 0, -1)
    ranks = np.empty(n)
    ranks[order] = (x / regularisation)[order] - isotonic_regression(shifted, increasing=False).x
    return ranks


def test_does_not_collapse_to_the_score_at_its_default() -> None:
    scores = np.random.default_rng(0).standard_t(2.5, 1500)
    scores /= scores.std()
    hard = rankdata(scores)
    # the oracle does what it should where it is hard
    np.testing.assert_allclose(isotonic_rank(scores, 1e-9), hard, atol=1e-5)
    ours = soft_rank(torch.from_numpy(scores)).numpy()
    collapsed = np.corrcoef(isotonic_rank(scores, 0.1), scores)[0, 1]
    assert collapsed > 0.9999
    with_score, with_rank = np.corrcoef([ours, scores, hard])[0, 1:]
    assert with_rank > 0.98
    assert with_score < np.corrcoef(hard, scores)[0, 1] + 0.05
    assert with_score < 0.9
    # an outlier ten times as far out moves a score, not a rank
    far = scores.copy()
    far[scores.argmax()] *= 10
    assert np.abs(soft_rank(torch.from_numpy(far)).numpy() - ours).max() < 1.0


def test_gradient_points_where_that_of_the_smoothed_rank_correlation_does() -> None:
    rng = np.random.default_rng(1)
    score = rng.normal(size=800)
    target = torch.from_numpy(rankdata(0.1 * score + rng.normal(size=800)) / 800)
    x = torch.from_numpy(score / score.std()).requires_grad_()
    # E of rank(x + .1 normal noise), which is 1/2 + sum of Phi: noise that differs between two names by about
    # what the kernel, of the same variance, smooths their comparison with
    gap = (x[:, None] - x[None, :]) / (0.1 * math.sqrt(2.0))
    expected = 0.5 + torch.special.ndtr(gap).sum(dim=1)
    (truth,) = torch.autograd.grad((expected * (target - target.mean())).sum(), x)
    (ours,) = torch.autograd.grad((soft_rank(x, None, 0.1) * (target - target.mean())).sum(), x)
    assert torch.cosine_similarity(ours, truth, dim=0) > 0.95
    # the oracle is what noise really does
    noisy = rankdata(x.detach().numpy() + 0.1 * rng.normal(size=(4000, 800)), axis=1).mean(axis=0)
    np.testing.assert_allclose(noisy, expected.detach().numpy(), atol=2.5)
