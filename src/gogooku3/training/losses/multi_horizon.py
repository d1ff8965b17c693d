"""The rank-preserving loss on predictions by name of their horizon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gogooku3.errors import ModelError
from gogooku3.training.losses.rank_preserving import LossParts, RankPreservingLoss


class MultiHorizonRankPreservingLoss(torch.nn.Module):
    """``RankPreservingLoss`` of a dict of horizons: the same figures as of the tensors stacked on the last axis.

    Args:
        horizons: Names, in the order of ``horizon_weights``.
        rank_weight: As in ``RankPreservingLoss``.
        options: Further arguments of ``RankPreservingLoss``, by name.

    Raises:
        ModelError: There is no horizon, or one twice.
        SettingsError: An argument is impossible.
    """

    def __init__(self, horizons: Sequence[str], rank_weight: float = 0.1, **options: Any) -> None:
        super().__init__()
        if not horizons or len(set(horizons)) != len(horizons):
            raise ModelError("horizons have to be named once each", got=list(horizons))
        self.horizons = tuple(horizons)
        self.loss = RankPreservingLoss(rank_weight, **options)

    def forward(
        self,
        predictions: Mapping[str, Float[Tensor, "..."]],
        targets: Mapping[str, Float[Tensor, "..."]],
        mask: Bool[Tensor, "..."] | None = None,
        *,
        step: int = 0,
    ) -> Float[Tensor, ""]:
        """Return the loss, a scalar; arguments as in ``parts``."""
        return self.parts(predictions, targets, mask, step=step).total

    def parts(
        self,
        predictions: Mapping[str, Float[Tensor, "..."]],
        targets: Mapping[str, Float[Tensor, "..."]],
        mask: Bool[Tensor, "..."] | None = None,
        *,
        step: int = 0,
    ) -> LossParts:
        """Return the loss and its parts.

        Args:
            predictions: Scores of each horizon, [N] or [L, N]; for ``pinball`` with a last axis of quantiles.
            targets: Labels of each horizon, [N] or [L, N]; NaN where there is none.
            mask: Which names are there, [N] or [L, N].
            step: As in ``RankPreservingLoss``.

        Raises:
            ModelError: A horizon is missing or unknown, shapes do not fit, or no session can be ranked.
        """
        labels = self._stacked("targets", targets)
        after = labels.ndim - 1
        scores = self._stacked("predictions", predictions, after)
        if after == 1:  # one session
            labels, scores, mask = labels[None], scores[None], None if mask is None else mask[None]
        return self.loss.parts(scores, labels, mask, step=step)

    def _stacked(self, what: str, given: Mapping[str, Tensor], axis: int = -1) -> Tensor:
        """Stack the horizons on a new axis, in their order."""
        missing = [name for name in self.horizons if name not in given]
        unknown = [name for name in given if name not in self.horizons]
        if missing or unknown:
            raise ModelError(
                f"the {what} do not have the horizons of the loss",
                got=f"missing {missing}, unknown {unknown}",
                expected=list(self.horizons),
            )
        shapes = {name: tuple(given[name].shape) for name in self.horizons}
        if len(set(shapes.values())) > 1:
            raise ModelError(f"the {what} of the horizons differ in shape", got=shapes)
        return torch.stack([given[name] for name in self.horizons], dim=axis)
