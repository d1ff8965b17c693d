"""A base loss and a soft Spearman, weighted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pydantic
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gogooku3.errors import ModelError, SettingsError
from gogooku3.training.losses.block import Block, as_block, refuse_uncounted
from gogooku3.training.losses.listwise import ic, listnet
from gogooku3.training.losses.pairwise import pairwise
from gogooku3.training.losses.pointwise import huber, mse, pinball
from gogooku3.training.losses.settings import BaseName, LossSettings
from gogooku3.training.losses.spearman import row_spearman


@dataclass(frozen=True, eq=False, kw_only=True)
class LossParts:
    """The loss of a block and what it is made of.

    Attributes:
        total: ``base + rank_weight * rank``, a scalar with gradient.
        base: Base loss, mean over sessions and weighted mean over targets, a scalar with gradient.
        rank: 1 - Spearman, likewise; 0 if the rank weight is 0.
        base_by_day: Base loss of each session and target, detached, NaN where the session does not count, [L, T].
        spearman_by_day: Soft Spearman correlation, likewise; all NaN if the rank weight is 0, [L, T].
    """

    total: Float[Tensor, ""]
    base: Float[Tensor, ""]
    rank: Float[Tensor, ""]
    base_by_day: Float[Tensor, "L T"]
    spearman_by_day: Float[Tensor, "L T"]

    def detached(self) -> dict[str, Float[Tensor, ""]]:
        """Return loss, base and rank for showing, without their graph."""
        return {"loss": self.total.detach(), "base": self.base.detach(), "rank": self.rank.detach()}


class RankPreservingLoss(torch.nn.Module):
    """loss = base + rank_weight x (1 - Spearman), per session and target, never pooled.

    Scores and targets are standardised among the valid names of their session, so that base and rank term have the
    same scale and only the order and the relative distances of scores matter. (Pinball's quantiles are not: they
    predict in standard deviations of the session's target, and their median ranks.) A value of a session is the
    mean over names; the loss is the mean over sessions, then the weighted mean over targets. Sessions with fewer
    than 20 valid names or a constant target are left out, as is a target without any session that counts.

    Args:
        rank_weight: Of 1 - Spearman; 0 leaves it out.
        base: ``mse``, ``huber``, ``ic``, ``pairwise``, ``listnet`` or ``pinball``.
        temperature: Softness of the ranks, in standard deviations of a session's scores.
        horizon_weights: Of each target on the last axis; None or empty for equal ones.
        huber_delta: Where Huber's loss turns from a square to a line.
        pairs: Partners drawn for each name by ``pairwise``.
        quantiles: What the last axis of ``pinball``'s predictions holds.
        seed: Of ``pairwise``.

    Raises:
        SettingsError: A value is impossible.
    """

    def __init__(
        self,
        rank_weight: float = 0.1,
        base: BaseName = "mse",
        temperature: float = 0.1,
        horizon_weights: Sequence[float] | None = None,
        *,
        huber_delta: float = 1.0,
        pairs: int = 8,
        quantiles: Sequence[float] = (0.1, 0.5, 0.9),
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.settings = _settings(
            rank_weight=rank_weight,
            base=base,
            temperature=temperature,
            horizon_weights=tuple(horizon_weights or ()),
            huber_delta=huber_delta,
            pairs=pairs,
            quantiles=tuple(quantiles),
        )
        self.seed = seed

    @classmethod
    def from_settings(cls, settings: LossSettings, *, seed: int = 0) -> RankPreservingLoss:
        """Return the loss that settings describe; what the targets are is for the one who makes them."""
        return cls(**settings.model_dump(exclude={"target", "factors", "neutral_share"}), seed=seed)

    def forward(
        self,
        predictions: Float[Tensor, "..."],
        targets: Float[Tensor, "..."],
        mask: Bool[Tensor, "..."] | None = None,
        *,
        step: int = 0,
    ) -> Float[Tensor, ""]:
        """Return the loss, a scalar; arguments as in ``parts``."""
        return self.parts(predictions, targets, mask, step=step).total

    def parts(
        self,
        predictions: Float[Tensor, "..."],
        targets: Float[Tensor, "..."],
        mask: Bool[Tensor, "..."] | None = None,
        *,
        step: int = 0,
    ) -> LossParts:
        """Return the loss and its parts.

        Args:
            predictions: Scores, [N], [L, N] or [L, N, T]; for ``pinball`` with a last axis of quantiles more.
            targets: Labels of the shape [N], [L, N] or [L, N, T]. NaN is no label: it is masked, never filled.
            mask: Which names are there, of the shape of targets or [L, N]; None for all.
            step: Of the training: ``pairwise`` draws other pairs at every step, and the same again at the same one.

        Raises:
            ModelError: Shapes do not fit, or no session has 20 valid names with targets that differ.
        """
        settings = self.settings
        block = as_block(
            predictions, targets, mask, quantiles=settings.quantiles if settings.base == "pinball" else ()
        )
        weights = self._weights(block)
        refuse_uncounted(block, weights)
        base_by_day = self._base(block, step)
        base = _mean(base_by_day, block.counted, weights)
        spearman = torch.full_like(base_by_day, torch.nan)
        rank = torch.zeros_like(base)
        total = base
        if settings.rank_weight > 0.0:
            spearman = row_spearman(block.scores, block.labels, block.names, settings.temperature)
            rank = _mean(1.0 - spearman, block.counted, weights)
            total = base + settings.rank_weight * rank
        return LossParts(
            total=total,
            base=base,
            rank=rank,
            base_by_day=torch.where(block.counted, base_by_day, torch.nan).detach(),
            spearman_by_day=torch.where(block.counted, spearman, torch.nan).detach(),
        )

    def _weights(self, block: Block) -> Float[Tensor, " T"]:
        given, count = self.settings.horizon_weights, block.counted.shape[1]
        if given and len(given) != count:
            raise ModelError(
                "horizon weights do not fit the targets", got=f"{len(given)} weights", expected=f"{count}"
            )
        return torch.tensor(given or (1.0,) * count, dtype=block.scores.dtype, device=block.scores.device)

    def _base(self, block: Block, step: int) -> Float[Tensor, "L T"]:
        settings, scores, targets, names = self.settings, block.scores, block.targets, block.names
        match settings.base:
            case "mse":
                return mse(scores, targets, names)
            case "huber":
                return huber(scores, targets, names, settings.huber_delta)
            case "ic":
                return ic(scores, targets, names)
            case "listnet":
                return listnet(scores, targets, names)
            case "pairwise":
                return pairwise(scores, targets, names, partners=settings.pairs, seed=self.seed, step=step)
            case "pinball":
                assert block.heads is not None
                return pinball(block.heads, targets, names, settings.quantiles)


def _settings(**given: Any) -> LossSettings:
    try:
        return LossSettings(**given)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(
            "a loss cannot be made so",
            where=".".join(map(str, first["loc"])),
            got=first["input"],
            expected=first["msg"],
        ) from error


def _mean(
    by_day: Float[Tensor, "L T"], counted: Bool[Tensor, "L T"], weights: Float[Tensor, " T"]
) -> Float[Tensor, ""]:
    """Return the mean over sessions that count, then the weighted mean over targets that have one."""
    sessions = counted.sum(dim=0)
    of_target = torch.where(counted, by_day, 0.0).sum(dim=0) / sessions.clamp(min=1)
    used = torch.where(sessions > 0, weights, 0.0)
    return (of_target * used).sum() / used.sum()
