"""Base losses beside loops over one session, one name, one pair at a time."""

from __future__ import annotations

import math
from itertools import pairwise as neighbours

import numpy as np
import pytest
import torch

from gogooku3.training.losses.names import Names
from gogooku3.training.losses.pairwise import pairwise
from gogooku3.training.losses.rank_preserving import RankPreservingLoss
from tests.training.losses.blocks import NAN, block, day_rows, standard

BASES = ("mse", "huber", "ic", "pairwise", "listnet", "pinball")
LEVELS = (0.1, 0.5, 0.9)


def mse(z: np.ndarray, y: np.ndarray) -> float:
    return sum((a - b) ** 2 for a, b in zip(z, y, strict=True)) / len(z)


def huber(z: np.ndarray, y: np.ndarray, delta: float = 0.7) -> float:
    errors = [abs(a - b) for a, b in zip(z, y, strict=True)]
    return sum(e * e / 2 if e <= delta else delta * (e - delta / 2) for e in errors) / len(errors)


def ic(z: np.ndarray, y: np.ndarray) -> float:
    return 1.0 - np.corrcoef(z, y)[0, 1]


def listnet(z: np.ndarray, y: np.ndarray) -> float:
    wanted, given = np.exp(y) / np.exp(y).sum(), np.exp(z) / np.exp(z).sum()
    return -sum(p * math.log(q) for p, q in zip(wanted, given, strict=True))


@pytest.mark.parametrize("base", ["mse", "huber", "ic", "listnet"])
def test_agrees_with_a_loop(base: str) -> None:
    scores, targets, mask = block(0)
    loss = RankPreservingLoss(base=base, huber_delta=0.7)
    by_day = loss.parts(scores, targets, mask).base_by_day
    oracle = {"mse": mse, "huber": huber, "ic": ic, "listnet": listnet}[base]
    for day in range(5):
        for target in range(3):
            x, y = day_rows(scores, targets, mask, day, target)
            assert float(by_day[day, target]) == pytest.approx(oracle(standard(x), standard(y)), abs=1e-5)


def test_pinball_agrees_with_a_loop_and_its_median_ranks() -> None:
    scores, targets, mask = block(1)
    heads = torch.stack([scores - 1.0, scores, scores + 2.0], dim=-1)
    parts = RankPreservingLoss(base="pinball", quantiles=LEVELS).parts(heads, targets, mask)
    for day in range(5):
        for target in range(3):
            x, y = day_rows(scores, targets, mask, day, target)
            total = 0.0
            for level, move in zip(LEVELS, (-1.0, 0.0, 2.0), strict=True):
                errors = standard(y) - (x + move)
                total += sum(level * e if e >= 0 else (level - 1) * e for e in errors) / len(errors)
            assert float(parts.base_by_day[day, target]) == pytest.approx(total / 3, rel=1e-6)
    alone = RankPreservingLoss().parts(scores, targets, mask)
    assert torch.equal(parts.spearman_by_day, alone.spearman_by_day)


def test_pinball_is_least_at_the_quantiles() -> None:
    y = torch.randn(1, 5000, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = []
    loss = RankPreservingLoss(rank_weight=0.0, base="pinball", quantiles=LEVELS)
    for q in np.linspace(-2, 2, 81):
        found.append(
            [
                float(
                    loss(
                        torch.tensor([0.0, 0.0, 0.0], dtype=torch.float64)
                        .index_fill(0, torch.tensor([k]), q)
                        .expand(*y.shape, 3),
                        y,
                    )
                )
                for k in range(3)
            ]
        )
    best = np.linspace(-2, 2, 81)[np.argmin(found, axis=0)]
    np.testing.assert_allclose(best, [-1.28, 0.0, 1.28], atol=0.08)


def all_pairs(z: np.ndarray, y: np.ndarray) -> tuple[float, int]:
    """Logistic loss over every ordered pair with different labels."""
    terms = [
        math.log1p(math.exp(-(z[i] - z[j])))
        for i in range(len(z))
        for j in range(len(z))
        if i != j and y[i] > y[j]
    ]
    return sum(terms), len(terms)


def test_pairwise_meets_every_pair_equally_often() -> None:
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=23), np.round(rng.normal(size=23), 1)
    total, count = all_pairs(z, y)
    # with each distance once, every pair has met twice
    one = (
        torch.from_numpy(z)[None],
        torch.from_numpy(y)[None],
        Names.of(torch.ones(1, 23, dtype=torch.bool), torch.float64),
    )
    drawn = [float(pairwise(*one, partners=1, seed=0, step=s)) for s in range(400)]
    assert np.mean(drawn) == pytest.approx(total / count, rel=0.02)
    many = float(pairwise(*one, partners=4000, seed=0, step=0))
    assert many == pytest.approx(total / count, rel=0.005)


def test_pairwise_of_a_masked_row_is_that_of_its_names_alone() -> None:
    rng = np.random.default_rng(1)
    z, y, there = rng.normal(size=60) + 5.0, np.round(rng.normal(size=60), 1) + 5.0, rng.random(60) < 0.6
    alone = [torch.from_numpy(x[there])[None] for x in (z, y, np.ones(60, dtype=bool))]
    whole = [torch.from_numpy(np.where(there, x, 0.0))[None] for x in (z, y)]
    for step in range(5):
        one = pairwise(alone[0], alone[1], Names.of(alone[2], torch.float64), partners=4, seed=0, step=step)
        other = Names.of(torch.from_numpy(there)[None], torch.float64)
        got = pairwise(*whole, other, partners=4, seed=0, step=step)
        torch.testing.assert_close(got, one, rtol=1e-12, atol=0)


def test_pairwise_draws_by_seed_and_step_and_nothing_else() -> None:
    scores, targets, mask = block(2)
    loss = RankPreservingLoss(base="pairwise", seed=3)
    torch.manual_seed(0)
    a = [float(loss(scores, targets, mask, step=s)) for s in range(6)]
    state = torch.get_rng_state()
    b = [float(loss(scores, targets, mask, step=s)) for s in reversed(range(6))]
    assert a == b[::-1]
    assert torch.equal(state, torch.get_rng_state())
    assert len(set(a)) == 6
    other = RankPreservingLoss(base="pairwise", seed=4)
    assert float(other(scores, targets, mask, step=0)) not in a
    fewer = RankPreservingLoss(base="pairwise", seed=3, pairs=2)
    assert float(fewer(scores, targets, mask)) != a[0]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("rank_weight", [0.0, 0.5])
def test_noise_changes_no_bit_and_gets_no_gradient(base: str, rank_weight: float) -> None:
    for dtype in (torch.float32, torch.float64):
        scores, targets, mask = block(3, dtype=dtype)
        mask[2] = False  # nobody there
        mask[3] = torch.arange(60) == 7  # one name alone
        loss = RankPreservingLoss(rank_weight, base, quantiles=LEVELS)
        absent = ~mask[:, :, None] | targets.isnan()
        noise = torch.tensor([NAN, math.inf, -math.inf, 1e30], dtype=dtype)[torch.arange(60) % 4][
            None, :, None
        ]
        noisy_targets = torch.where(~mask[:, :, None], noise, targets)
        found = []
        for x, y in ((scores, targets), (torch.where(absent, noise, scores), noisy_targets)):
            heads = torch.stack([x, x, x], dim=-1) if base == "pinball" else x
            leaf = heads.clone().requires_grad_()
            value = loss(leaf, y, mask)
            value.backward()
            found.append((value.detach(), leaf.grad))
        assert found[0][0].isfinite()
        assert torch.equal(found[0][0], found[1][0])
        assert torch.equal(found[0][1], found[1][1])
        assert found[0][1].isfinite().all()
        assert (found[0][1][absent] == 0.0).all()
        assert (found[0][1][:2].abs().sum(dim=1) > 0.0).all()


@pytest.mark.parametrize("base", BASES)
def test_gradcheck(base: str) -> None:
    scores, targets, mask = block(4, (2, 24, 1))
    mask[:] = True
    scores = torch.from_numpy(standard(scores.numpy()))
    heads = torch.stack([scores - 1, scores, scores + 1], dim=-1) if base == "pinball" else scores
    loss = RankPreservingLoss(0.4, base, 0.3, quantiles=LEVELS)
    assert torch.autograd.gradcheck(
        lambda v: loss(v, targets, mask), heads.clone().requires_grad_(), eps=1e-7, atol=1e-4
    )


@pytest.mark.parametrize("base", BASES)
def test_better_scores_lose_less(base: str) -> None:
    _, targets, mask = block(5)
    truth = targets.nan_to_num()
    noise = torch.randn(truth.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 0.02
    lost = []
    for share in (0.0, 0.5, 1.0, 3.0):
        scores = (truth + share * noise) * 50.0
        heads = torch.stack([scores] * 3, dim=-1) if base == "pinball" else scores
        lost.append(float(RankPreservingLoss(0.0, base, quantiles=LEVELS)(heads, targets, mask)))
    assert all(a < b for a, b in neighbours(lost))
