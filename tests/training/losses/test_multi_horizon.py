from __future__ import annotations

import pytest
import torch

from gogooku3.errors import ModelError
from gogooku3.training.losses import MultiHorizonRankPreservingLoss, RankPreservingLoss
from tests.training.losses.blocks import block

NAMES = ("horizon_1d", "horizon_5d", "horizon_10d")


def by_name(x: torch.Tensor) -> dict[str, torch.Tensor]:
    return {name: x[:, :, t] for t, name in enumerate(NAMES)}


@pytest.mark.parametrize("base", ["mse", "huber", "ic", "pairwise", "listnet"])
def test_is_the_block_form_of_the_stacked_tensors(base: str) -> None:
    scores, targets, mask = block(0, dtype=torch.float32)
    options = {"base": base, "temperature": 0.2, "horizon_weights": [1.0, 2.0, 0.5], "seed": 5}
    stacked, named = scores.clone().requires_grad_(), scores.clone().requires_grad_()
    whole = RankPreservingLoss(0.3, **options)(stacked, targets, mask, step=7)
    parted = MultiHorizonRankPreservingLoss(NAMES, 0.3, **options)
    value = parted(by_name(named), by_name(targets), mask, step=7)
    assert torch.equal(value, whole)
    whole.backward()
    value.backward()
    assert torch.equal(named.grad, stacked.grad)
    assert torch.equal(parted.parts(by_name(scores), by_name(targets), mask, step=7).total, value)


def test_the_order_of_the_dict_does_not_matter_but_that_of_the_horizons_does() -> None:
    scores, targets, mask = block(1)
    loss = MultiHorizonRankPreservingLoss(NAMES, horizon_weights=[1.0, 2.0, 3.0])
    turned = dict(reversed(by_name(scores).items()))
    expected = loss(by_name(scores), by_name(targets), mask)
    assert torch.equal(loss(turned, by_name(targets), mask), expected)
    other = MultiHorizonRankPreservingLoss(NAMES[::-1], horizon_weights=[1.0, 2.0, 3.0])
    assert not torch.equal(other(by_name(scores), by_name(targets), mask), expected)


def test_one_session() -> None:
    scores, targets, mask = block(2)
    one = {name: x[0] for name, x in by_name(scores).items()}
    labels = {name: y[0] for name, y in by_name(targets).items()}
    got = MultiHorizonRankPreservingLoss(NAMES)(one, labels, mask[0])
    assert torch.equal(got, RankPreservingLoss()(scores[:1], targets[:1], mask[:1]))


def test_quantiles() -> None:
    scores, targets, mask = block(3)
    heads = torch.stack([scores - 1, scores, scores + 1], dim=-1)
    loss = MultiHorizonRankPreservingLoss(NAMES, base="pinball")
    expected = RankPreservingLoss(base="pinball")
    assert torch.equal(loss(by_name(heads), by_name(targets), mask), expected(heads, targets, mask))
    one = {name: x[0] for name, x in by_name(heads).items()}
    labels = {name: y[0] for name, y in by_name(targets).items()}
    assert torch.equal(loss(one, labels, mask[0]), expected(heads[:1], targets[:1], mask[:1]))


def test_missing_and_unknown_horizons_are_refused_by_name() -> None:
    scores, targets, mask = block(4)
    loss = MultiHorizonRankPreservingLoss(NAMES)
    fewer, more = by_name(scores), by_name(targets)
    del fewer["horizon_5d"]
    more["horizon_60d"] = targets[:, :, 0]
    with pytest.raises(ModelError, match=r"predictions.*\n.*missing \['horizon_5d'\]"):
        loss(fewer, by_name(targets), mask)
    with pytest.raises(ModelError, match=r"targets.*\n.*unknown \['horizon_60d'\]"):
        loss(by_name(scores), more, mask)


def test_horizons_of_different_shape_are_refused() -> None:
    scores, targets, mask = block(5)
    uneven = by_name(scores) | {"horizon_5d": scores[:, 1:, 1]}
    with pytest.raises(ModelError, match="differ in shape"):
        MultiHorizonRankPreservingLoss(NAMES)(uneven, by_name(targets), mask)


@pytest.mark.parametrize("horizons", [[], ["a", "a"]])
def test_horizons_are_named_once_each(horizons: list[str]) -> None:
    with pytest.raises(ModelError, match="once each"):
        MultiHorizonRankPreservingLoss(horizons)
