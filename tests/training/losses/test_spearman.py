"""Spearman with a gradient, beside scipy's and beside the definition over all pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import rankdata, spearmanr

from gogooku3.errors import ModelError
from gogooku3.training.losses.names import Names
from gogooku3.training.losses.spearman import row_spearman, soft_spearman
from tests.training.losses.blocks import block, day_rows, standard
from tests.training.losses.dense import dense_soft_rank, drawn

NAN = float("nan")


def test_is_the_correlation_of_dense_soft_ranks_session_by_session() -> None:
    scores, targets, mask = block(0)
    rho = soft_spearman(scores, targets, mask, temperature=0.2)
    assert rho.shape == (5, 3)
    for day in range(5):
        for target in range(3):
            x, y = day_rows(scores, targets, mask, day, target)
            every = torch.ones(len(x), dtype=torch.bool)
            soft = dense_soft_rank(torch.from_numpy(standard(x)), every, 0.2).numpy()
            assert float(rho[day, target]) == pytest.approx(np.corrcoef(soft, rankdata(y))[0, 1], abs=1e-6)


def test_approaches_scipy_as_the_temperature_falls() -> None:
    scores, targets, mask = block(1, (4, 80, 2))
    scores = (scores * 50).round() / 50  # ties
    exact = np.array(
        [[spearmanr(*day_rows(scores, targets, mask, d, t)).statistic for t in range(2)] for d in range(4)]
    )
    apart = []
    for temperature in (1.0, 0.1, 0.01, 1e-3, 1e-5):
        rho = soft_spearman(scores, targets, mask, temperature=temperature)
        apart.append(np.abs(rho.numpy() - exact).max())
    assert apart == sorted(apart, reverse=True)
    assert apart[1] < 0.05
    assert apart[-1] < 1e-9


def test_nothing_is_pooled_over_sessions_or_targets() -> None:
    scores, targets, mask = block(2)
    together = soft_spearman(scores, targets, mask)
    for day in range(5):
        for target in range(3):
            alone = soft_spearman(
                scores[day : day + 1, :, target : target + 1],
                targets[day : day + 1, :, target : target + 1],
                mask[day : day + 1],
            )
            assert torch.equal(alone[0, 0], together[day, target])
    # a level that differs between sessions and targets is no signal within any
    level = torch.arange(15, dtype=torch.float64).reshape(5, 1, 3)
    moved = soft_spearman(scores + 0.1 * level, targets + level, mask)
    torch.testing.assert_close(moved, together, rtol=0, atol=1e-6)


def test_orders_of_labels_count_and_not_their_size() -> None:
    scores, targets, mask = block(3)
    a = soft_spearman(scores, targets, mask)
    assert torch.equal(a, soft_spearman(scores, targets * targets.square(), mask))
    torch.testing.assert_close(a, soft_spearman(7.0 * scores - 2.0, targets, mask), rtol=0, atol=1e-6)
    torch.testing.assert_close(a, -soft_spearman(-scores, targets, mask), rtol=0, atol=1e-9)


@pytest.mark.parametrize("ties", [False, True])
def test_gradcheck(ties: bool) -> None:
    scores, targets, mask = block(4, (2, 30, 2))
    mask[:] = True
    scores = standard(scores.numpy())
    x = torch.from_numpy(np.round(scores, 1) if ties else scores).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda v: soft_spearman(v, targets, mask, temperature=0.3), x, eps=1e-7, atol=1e-4
    )


def test_the_composition_is_the_kernel() -> None:
    for dtype, off in ((torch.float64, 1e-9), (torch.float32, 1e-4)):
        x, mask = drawn(1, 6, 400, ties=True)
        y = drawn(2, 6, 400, ties=True)[0].to(dtype)
        mask[5] = False
        found = []
        for compiled in (True, False):
            leaf = x.to(dtype).clone().requires_grad_()
            rho = row_spearman(leaf, y, Names.of(mask, dtype), 0.1, compiled=compiled)
            (rho * torch.arange(6)).sum().backward()
            assert rho.dtype == leaf.grad.dtype == dtype
            found.append((rho.detach(), leaf.grad))
        torch.testing.assert_close(found[0], found[1], rtol=off, atol=off)
        assert found[0][0][5] == 0.0


def test_short_sessions_and_constant_targets_have_no_value() -> None:
    scores, targets, mask = block(5)
    mask[1] = False
    mask[1, :19] = True
    targets[1, :19] = torch.linspace(-1, 1, 19, dtype=torch.float64)[:, None]
    targets[2, :, 1] = 0.125
    targets[3, :, 2] = NAN
    scores.requires_grad_()
    rho = soft_spearman(scores, targets, mask)
    expected = torch.zeros(5, 3, dtype=torch.bool)
    expected[1], expected[2, 1], expected[3, 2] = True, True, True
    assert torch.equal(rho.isnan(), expected)
    rho.nanmean().backward()
    assert scores.grad.isfinite().all()
    assert (scores.grad[1] == 0.0).all()
    assert (scores.grad[3, :, 2] == 0.0).all()
    # one name more and the session counts
    mask[1, 19] = True
    targets[1, 19] = 2.0
    assert soft_spearman(scores, targets, mask)[1].isfinite().all()


def test_no_session_with_a_value_is_an_error() -> None:
    scores, targets, mask = block(6)
    mask[:] = False
    mask[:, :19] = True
    with pytest.raises(ModelError, match=r"at most 1\d names"):
        soft_spearman(scores, targets, mask)
    with pytest.raises(ModelError, match="no session can be ranked"):
        soft_spearman(scores, torch.full_like(targets, 0.1))
    with pytest.raises(ModelError, match="no session can be ranked"):
        soft_spearman(scores[:0], targets[:0])


def test_a_constant_score_has_correlation_0_and_a_finite_gradient_towards_the_target() -> None:
    _, targets, mask = block(7, (2, 50, 1))
    for dtype in (torch.float32, torch.float64):
        scores = torch.zeros(targets.shape, dtype=dtype, requires_grad=True)
        rho = soft_spearman(scores, targets.to(dtype), mask)
        assert (rho == 0.0).all()
        rho.sum().backward()
        assert scores.grad.isfinite().all()
        x, y = day_rows(scores.grad, targets, mask, 0, 0)
        assert spearmanr(x, y).statistic > 0.99


def test_noise_outside_the_mask_changes_no_bit() -> None:
    for dtype in (torch.float32, torch.float64):
        scores, targets, mask = block(8, dtype=dtype)
        noise = torch.tensor([NAN, math.inf, -1e30], dtype=dtype)[torch.arange(60) % 3][None, :, None]
        absent = ~mask[:, :, None]
        found = []
        for x, y in (
            (scores, targets),
            (torch.where(absent, noise, scores), torch.where(absent, noise, targets)),
        ):
            leaf = x.clone().requires_grad_()
            rho = soft_spearman(leaf, y, mask)
            rho.sum().backward()
            found.append((rho.detach(), leaf.grad))
        assert torch.equal(found[0][0], found[1][0])
        assert torch.equal(found[0][1], found[1][1])


def test_following_the_gradient_raises_the_rank_correlation() -> None:
    _, targets, mask = block(9, (3, 60, 2), torch.float32)
    scores = torch.randn(3, 60, 2, generator=torch.Generator().manual_seed(0)).requires_grad_()
    optimizer = torch.optim.Adam([scores], lr=0.1)
    for _ in range(80):
        optimizer.zero_grad()
        (1.0 - soft_spearman(scores, targets, mask)).mean().backward()
        optimizer.step()
    for day in range(3):
        assert spearmanr(*day_rows(scores, targets, mask, day, 0)).statistic > 0.98
