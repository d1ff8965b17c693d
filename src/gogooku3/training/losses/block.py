"""Predictions and targets of some sessions, laid out so that each session and target is one row."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gogooku3.errors import ModelError
from gogooku3.training.losses.names import Names
from gogooku3.training.losses.settings import MEDIAN
from gogooku3.training.losses.standardise import standardise

MIN_NAMES = 20


@dataclass(frozen=True, eq=False, kw_only=True)
class Block:
    """Sessions x targets x names, standardised; slots of names that do not count hold 0, whatever came in.

    Attributes:
        scores: Standardised scores, [L, T, N].
        heads: Quantiles as predicted, [L, T, Q, N], or None.
        targets: Standardised labels, [L, T, N].
        labels: Labels as they came, [L, T, N].
        names: Who is there and has a label, [L, T, N].
        counted: Sessions of at least 20 names whose labels vary, by a standard deviation of 1e-6 or more, [L, T].
    """

    scores: Float[Tensor, "L T N"]
    heads: Float[Tensor, "L T Q N"] | None
    targets: Float[Tensor, "L T N"]
    labels: Float[Tensor, "L T N"]
    names: Names
    counted: Bool[Tensor, "L T"]


def as_block(
    predictions: Float[Tensor, "..."],
    targets: Float[Tensor, "..."],
    mask: Bool[Tensor, "..."] | None = None,
    *,
    quantiles: tuple[float, ...] = (),
) -> Block:
    """Lay out predictions and targets of [N], [L, N] or [L, N, T].

    Args:
        predictions: Scores, of the shape of ``targets``; with quantiles one more axis [..., Q] in their order.
        targets: Labels; NaN where there is none.
        mask: Which names are there, of the shape of ``targets`` or without its last axis T; None for all.
        quantiles: What the last axis of predictions holds; the median ranks.

    Raises:
        ModelError: Shapes do not fit.
    """
    _check_shapes(predictions, targets, mask, quantiles)
    dtype = torch.float64 if predictions.dtype == torch.float64 else torch.float32
    labels = _rows(targets, targets.ndim).to(dtype)
    valid = ~torch.isnan(labels)
    if mask is not None:
        valid &= _rows(mask, targets.ndim)
    names = Names.of(valid, dtype)
    labels = torch.nan_to_num(labels).mul_(names.weight)
    grid = _rows(predictions, targets.ndim).to(dtype)
    heads = torch.where(valid[:, :, None], grid.movedim(-1, 2), 0.0) if quantiles else None
    scores = grid if heads is None else heads[:, :, quantiles.index(MEDIAN)]
    standard = standardise(labels, names)
    varies = names.mean(standard.square()) >= 0.5
    return Block(
        scores=standardise(scores, names),
        heads=heads,
        targets=standard,
        labels=labels,
        names=names,
        counted=(names.count[..., 0] >= MIN_NAMES) & varies,
    )


def refuse_uncounted(block: Block, weights: Float[Tensor, " T"] | None = None) -> None:
    """Refuse a block without a session that counts for a target with weight: there is no loss to speak of.

    Raises:
        ModelError: As said.
    """
    counted = block.counted if weights is None else block.counted & (weights > 0)
    if not bool(counted.any()):
        names = block.names.valid.sum(dim=-1)
        most = int(names.max()) if names.numel() else 0
        raise ModelError(
            "no session can be ranked",
            got=f"at most {most} names a session in {tuple(names.shape)} sessions x targets",
            expected=f"{MIN_NAMES} names with labels that vary; axes are [L, N, T]: sessions, names, targets",
            remedy="leave such blocks out, or look at the mask and at missing labels",
        )


def _check_shapes(
    predictions: Tensor, targets: Tensor, mask: Tensor | None, quantiles: tuple[float, ...]
) -> None:
    shape = tuple(targets.shape)
    expected = (*shape, len(quantiles)) if quantiles else shape
    if tuple(predictions.shape) != expected or not 1 <= len(shape) <= 3:
        raise ModelError(
            "predictions do not fit the targets",
            got=f"predictions {tuple(predictions.shape)}, targets {shape}",
            expected="one shape, [N], [L, N] or [L, N, T]" + (", and quantiles last" if quantiles else ""),
        )
    if mask is not None and tuple(mask.shape) not in (shape, shape[:2]):
        raise ModelError(
            "the mask does not fit the targets", got=tuple(mask.shape), expected=f"{shape} or {shape[:2]}"
        )


def _rows(x: Tensor, axes: int) -> Tensor:
    """Lay out [N], [L, N] or [L, N, T] as contiguous [L, T, N]; T is 1 where it is absent, other axes stay last.

    Args:
        x: Predictions, targets or mask.
        axes: Of the targets.
    """
    if axes == 1:
        x = x[None]
    if axes < 3 or x.ndim == 2:
        x = x.unsqueeze(2)
    return x.movedim(1, 2).contiguous() if x.ndim == 3 else x.permute(0, 2, 1, 3)
