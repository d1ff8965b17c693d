"""What runs where the compiled kernels do not: the same figures, and no tensor on another device."""

from __future__ import annotations

import pytest
import torch

from gogooku3.training.losses import rank_preserving, soft_rank, spearman
from gogooku3.training.losses.rank_preserving import RankPreservingLoss
from tests.training.losses.blocks import block

BASES = ("mse", "huber", "ic", "pairwise", "listnet", "pinball")


@pytest.mark.parametrize("base", BASES)
def test_the_whole_loss_is_the_same_without_kernels(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scores, targets, mask = block(0)
    loss = RankPreservingLoss(1.0, base)
    found = []
    for kernels in (True, False):
        monkeypatch.setattr(spearman, "on_cpu", lambda _, kernels=kernels: kernels)
        heads = torch.stack([scores] * 3, dim=-1) if base == "pinball" else scores
        leaf = heads.clone().requires_grad_()
        value = loss(leaf, targets, mask)
        value.backward()
        found.append((value.detach(), leaf.grad))
    torch.testing.assert_close(found[0], found[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("base", BASES)
def test_no_operation_leaves_the_device(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # the meta device computes shapes alone; an operation that mixes devices fails there as on a GPU
    monkeypatch.setattr(rank_preserving, "refuse_uncounted", lambda *_: None)
    shape = (2, 50, 3, 3) if base == "pinball" else (2, 50, 3)
    scores = torch.empty(shape, device="meta", requires_grad=True)
    mask = torch.empty(2, 50, device="meta", dtype=torch.bool)
    loss = RankPreservingLoss(1.0, base, horizon_weights=[1.0, 2.0, 3.0])
    value = loss(scores, torch.empty(2, 50, 3, device="meta"), mask)
    value.backward()
    assert value.device.type == scores.grad.device.type == "meta"
    assert soft_rank.average_rank(scores).device.type == "meta"
