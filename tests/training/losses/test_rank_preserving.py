from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from gogooku3.errors import ModelError, SettingsError
from gogooku3.training.losses import MultiHorizonRankPreservingLoss, RankPreservingLoss
from gogooku3.training.losses.settings import LossSettings
from gogooku3.training.losses.spearman import soft_spearman
from tests.training.losses.blocks import block

NAN = float("nan")


def test_the_documented_lines() -> None:
    torch.manual_seed(0)
    predictions = torch.randn(300, requires_grad=True)
    targets = torch.randn(300)
    names = ["horizon_1d", "horizon_5d", "horizon_10d", "horizon_20d"]
    predictions_dict = {name: torch.randn(8, 50, requires_grad=True) for name in names}
    targets_dict = {name: torch.randn(8, 50) for name in names}

    loss_fn = RankPreservingLoss(rank_weight=0.1)
    loss = loss_fn(predictions, targets)
    loss.backward()
    loss_fn = MultiHorizonRankPreservingLoss(
        horizons=["horizon_1d", "horizon_5d", "horizon_10d", "horizon_20d"], rank_weight=0.1
    )
    loss = loss_fn(predictions_dict, targets_dict)
    loss.backward()
    for leaf in (predictions, *predictions_dict.values()):
        assert leaf.grad.abs().sum() > 0


def test_is_base_plus_weighted_rank_term() -> None:
    scores, targets, mask = block(0)
    scores.requires_grad_()
    parts = RankPreservingLoss(0.3, temperature=0.2).parts(scores, targets, mask)
    rho = soft_spearman(scores, targets, mask, temperature=0.2)
    torch.testing.assert_close(parts.rank, (1.0 - rho).mean(), rtol=1e-12, atol=0)
    torch.testing.assert_close(parts.total, parts.base + 0.3 * parts.rank, rtol=1e-15, atol=0)
    assert torch.equal(parts.spearman_by_day, rho.detach())
    assert torch.equal(RankPreservingLoss(0.3, temperature=0.2)(scores, targets, mask), parts.total)


def test_the_rank_term_has_a_gradient_of_its_own() -> None:
    scores, targets, mask = block(1)
    scores.requires_grad_()
    parts = RankPreservingLoss(0.1).parts(scores, targets, mask)
    (of_rank,) = torch.autograd.grad(parts.rank, scores, retain_graph=True)
    (of_base,) = torch.autograd.grad(parts.base, scores, retain_graph=True)
    (of_all,) = torch.autograd.grad(parts.total, scores)
    torch.testing.assert_close(of_all, of_base + 0.1 * of_rank)
    for day in range(5):  # of a size with the base, on every session, and in another direction
        ratio = of_rank[day].norm() / of_base[day].norm()
        assert 0.05 < ratio < 20.0
        assert torch.cosine_similarity(of_rank[day].flatten(), of_base[day].flatten(), dim=0) < 0.99


def test_what_is_shown_has_no_graph() -> None:
    scores, targets, mask = block(2)
    parts = RankPreservingLoss().parts(scores.requires_grad_(), targets, mask)
    shown = parts.detached()
    assert list(shown) == ["loss", "base", "rank"]
    assert not any(value.requires_grad for value in shown.values())
    assert not parts.base_by_day.requires_grad
    assert not parts.spearman_by_day.requires_grad
    assert float(shown["loss"]) == float(parts.total.detach())


def test_one_session_and_one_target_may_leave_their_axes_away() -> None:
    scores, targets, mask = block(3)
    loss = RankPreservingLoss()
    one_day = loss(scores[0, :, 0], targets[0, :, 0], mask[0])
    assert torch.equal(one_day, loss(scores[:1, :, :1], targets[:1, :, :1], mask[:1]))
    one_target = loss(scores[:, :, 0], targets[:, :, 0], mask)
    assert torch.equal(one_target, loss(scores[:, :, :1], targets[:, :, :1], mask))
    with_mask = loss(scores, targets, mask)
    assert torch.equal(with_mask, loss(scores, targets, mask[:, :, None].expand(scores.shape)))
    assert torch.equal(with_mask, loss(scores, targets.where(mask[:, :, None], NAN)))
    heads = torch.stack([scores - 1, scores, scores + 1], dim=-1)
    quantile = RankPreservingLoss(base="pinball")
    assert torch.equal(
        quantile(heads[0, :, 0], targets[0, :, 0], mask[0]),
        quantile(heads[:1, :, :1], targets[:1, :, :1], mask[:1]),
    )


def test_sessions_count_equally_then_targets_by_their_weight() -> None:
    scores, targets, mask = block(4)
    targets[1, :, 0] = NAN  # a session without this target
    weights = [3.0, 1.0, 0.0]
    parts = RankPreservingLoss(0.2, "huber", horizon_weights=weights).parts(scores, targets, mask)
    base, rank = parts.base_by_day.numpy(), 1.0 - parts.spearman_by_day.numpy()
    assert np.isnan(base[1, 0])
    assert np.isnan(rank[1, 0])
    expected = sum(
        w * (np.nanmean(base[:, t]) + 0.2 * np.nanmean(rank[:, t])) for t, w in enumerate(weights)
    ) / sum(weights)
    assert float(parts.total) == pytest.approx(expected, rel=1e-12)


def test_a_target_without_labels_is_left_out_and_not_counted_as_zero() -> None:
    scores, targets, mask = block(5)
    targets[:, :, 1] = NAN
    scores.requires_grad_()
    both = RankPreservingLoss(horizon_weights=[1.0, 5.0, 2.0])(scores, targets, mask)
    rest = RankPreservingLoss(horizon_weights=[1.0, 2.0])(scores[:, :, [0, 2]], targets[:, :, [0, 2]], mask)
    torch.testing.assert_close(both, rest, rtol=1e-14, atol=0)
    both.backward()
    assert (scores.grad[:, :, 1] == 0.0).all()


def test_the_scale_and_level_of_scores_do_not_matter() -> None:
    scores, targets, mask = block(6)
    a = RankPreservingLoss()(scores, targets, mask)
    b = RankPreservingLoss()(40.0 * scores - 3.0, 1e-2 * targets + 5.0, mask)
    torch.testing.assert_close(a, b, rtol=0, atol=1e-4)


def test_half_precision_is_computed_in_single() -> None:
    scores, targets, mask = block(7, dtype=torch.float32)
    half = scores.bfloat16().requires_grad_()
    loss = RankPreservingLoss()(half, targets, mask)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, RankPreservingLoss()(half.detach().float(), targets, mask))
    loss.backward()
    assert half.grad.dtype == torch.bfloat16
    assert half.grad.isfinite().all()


def test_a_score_that_is_not_finite_is_seen_on_its_session_alone() -> None:
    for bad in (NAN, math.inf):
        scores, targets, mask = block(8)
        at = int((mask[2] & ~targets[2, :, 1].isnan()).nonzero()[0])
        scores[2, at, 1] = bad
        parts = RankPreservingLoss().parts(scores, targets, mask)
        assert parts.total.isnan()
        for by_day in (parts.base_by_day, parts.spearman_by_day):
            assert by_day.isnan().nonzero().tolist() == [[2, 1]]


def test_no_session_to_rank_is_an_error() -> None:
    scores, targets, mask = block(9)
    with pytest.raises(ModelError, match="no session can be ranked"):
        RankPreservingLoss()(scores, torch.full_like(targets, NAN), mask)
    with pytest.raises(ModelError, match="no session can be ranked"):
        RankPreservingLoss()(torch.randn(19), torch.randn(19))
    targets[:, :, 0] = NAN
    with pytest.raises(ModelError, match="no session can be ranked"):
        RankPreservingLoss(horizon_weights=[1.0, 0.0, 0.0])(scores, targets, mask)


def test_shapes_that_do_not_fit_are_refused() -> None:
    loss = RankPreservingLoss()
    x = torch.randn(4, 30, 2)
    for predictions, targets, mask in (
        (x[:, :, 0], x, None),
        (x[..., None], x[..., None], None),
        (x, x, torch.ones(30, dtype=torch.bool)),
        (torch.tensor(1.0), torch.tensor(1.0), None),
    ):
        with pytest.raises(ModelError, match="fit the targets"):
            loss(predictions, targets, mask)
    with pytest.raises(ModelError, match=r"quantiles last"):
        RankPreservingLoss(base="pinball")(x, x)
    with pytest.raises(ModelError, match="3 weights"):
        RankPreservingLoss(horizon_weights=[1.0, 2.0, 3.0])(x, x)


@pytest.mark.parametrize(
    ("where", "given"),
    [
        ("rank_weight", {"rank_weight": -0.1}),
        ("temperature", {"temperature": 0.0}),
        ("horizon_weights", {"horizon_weights": [0.0, 0.0]}),
        ("horizon_weights", {"horizon_weights": [1.0, NAN]}),
        ("huber_delta", {"huber_delta": 0.0}),
        ("pairs", {"pairs": 0}),
        ("quantiles", {"quantiles": [0.1, 0.9]}),
        ("quantiles", {"quantiles": [0.9, 0.5, 0.1]}),
    ],
)
def test_impossible_arguments_are_refused_by_name(where: str, given: dict) -> None:
    with pytest.raises(SettingsError, match=where):
        RankPreservingLoss(**given)


def test_every_setting_reaches_the_loss() -> None:
    scores, targets, mask = block(10)

    def value(**given: object) -> float:
        loss = RankPreservingLoss.from_settings(LossSettings(**given), seed=1)
        heads = torch.stack([scores, scores + 1, scores + 2], dim=-1)
        return float(loss(heads if given.get("base") == "pinball" else scores, targets, mask))

    for base in ("mse", "huber", "ic", "listnet", "pairwise", "pinball"):
        plain = value(base=base)
        for change in ({"rank_weight": 0.2}, {"temperature": 0.5}, {"horizon_weights": (1.0, 2.0, 3.0)}):
            assert value(base=base, **change) != plain
    assert value(base="huber", huber_delta=0.5) != value(base="huber")
    assert value(base="pairwise", pairs=3) != value(base="pairwise")
    assert value(base="pinball", quantiles=(0.25, 0.5, 0.75)) != value(base="pinball")


def test_without_a_rank_weight_the_base_stands_alone() -> None:
    scores, targets, mask = block(11)
    parts = RankPreservingLoss(0.0).parts(scores, targets, mask)
    assert torch.equal(parts.total, parts.base)
    assert float(parts.rank) == 0.0
    assert parts.spearman_by_day.isnan().all()
