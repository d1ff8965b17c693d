from __future__ import annotations

import math

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gogooku3.training.losses.names import Names
from gogooku3.training.losses.standardise import standardise
from tests.training.losses.dense import drawn

NAN = float("nan")


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 50))
def test_agrees_with_numpy_and_its_gradient_with_differences(seed: int, n: int) -> None:
    x, mask = drawn(seed, 4, n)
    mask[:, :3] = True
    z = standardise(x, Names.of(mask, x.dtype))
    for row in range(len(x)):
        kept = x[row][mask[row]].numpy()
        np.testing.assert_allclose(z[row][mask[row]], (kept - kept.mean()) / kept.std(), atol=1e-6)
        assert (z[row][~mask[row]] == 0.0).all()
    names = Names.of(mask[:2, :8], x.dtype)
    assert torch.autograd.gradcheck(
        lambda v: standardise(v, names), x[:2, :8].clone().requires_grad_(), atol=1e-4, rtol=1e-3
    )


def test_other_slots_have_no_effect_and_no_gradient() -> None:
    x, mask = drawn(1, 6, 30)
    mask[0] = False
    mask[1] = torch.arange(30) == 4
    names = Names.of(mask, x.dtype)
    other = torch.where(mask, x, torch.tensor([NAN, math.inf, 1e30])[torch.arange(30) % 3])
    weight = torch.randn(x.shape, dtype=x.dtype)
    found = []
    for values in (x, other):
        leaf = values.clone().requires_grad_()
        z = standardise(leaf, names)
        (z * weight).sum().backward()
        found.append((z.detach(), leaf.grad))
    for a, b in zip(*found, strict=True):
        assert torch.equal(a, b)
        assert (a[~mask] == 0.0).all()
        assert (a[:2] == 0.0).all()  # nobody, and one name alone


def test_a_constant_row_is_zero_with_a_finite_gradient() -> None:
    for dtype in (torch.float32, torch.float64):
        x = torch.full((2, 40), 0.3, dtype=dtype, requires_grad=True)
        z = standardise(x, Names.of(torch.ones(2, 40, dtype=torch.bool), dtype))
        torch.testing.assert_close(z, torch.zeros_like(z), atol=0.1, rtol=0)  # rounding of .3 over 1e-6
        (z * torch.randn(2, 40, dtype=dtype)).sum().backward()
        assert x.grad.isfinite().all()
        assert 0.0 < x.grad.abs().max() < 1e8


def test_a_missing_score_of_a_name_that_counts_is_not_hidden() -> None:
    x, mask = drawn(1, 2, 30, full=True)
    x[0, 3] = NAN
    z = standardise(x, Names.of(mask, x.dtype))
    assert z[0].isnan().all()
    assert z[1].isfinite().all()
