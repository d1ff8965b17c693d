"""Scores that do not tell stocks apart are an error of the model, never a result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from gogooku3.axes import BoolDN
from gogooku3.errors import ModelError
from gogooku3.evaluation.rank_ic import daily_rank_ic

ScoresSNT = Float32[np.ndarray, "S N T"]

_SPREAD = 1e-5  # of the largest absolute score: float32 rounds at 6e-8
_AGREEMENT = (
    0.1  # RankIC of two draws of the dropout; a model that has learnt anything agrees with itself far more
)
_REMEDY = "lower the learning rate, the dropout or the weight decay; look at the losses in training.jsonl"
_FEWEST = 5  # stocks of a day on which two draws can be compared


def refuse_constant_scores(
    scores: ScoresSNT, universe: BoolDN, days: np.ndarray, targets: Sequence[object], where: str
) -> None:
    """Stop at the first session whose scores are not finite, or all but equal across stocks.

    Args:
        scores: Of the session's universe; what stands elsewhere is not looked at.
        universe: Membership in the S sessions [S, N]; a session of fewer than two stocks ranks nothing.
        days: The S sessions, to name.
        targets: The T targets, to name.
        where: The model.

    Raises:
        ModelError: With day and target.
    """
    for s, day in enumerate(days):
        if universe[s].sum() < 2:
            continue
        values = scores[s, universe[s]]
        for t, target in enumerate(targets):
            column = values[:, t]
            fault = (
                "not finite"
                if not np.isfinite(column).all()
                else "constant across stocks"
                if np.ptp(column) <= _SPREAD * max(float(np.abs(column).max()), 1e-30)
                else ""
            )
            if fault:
                raise ModelError(
                    f"a model's scores are {fault}",
                    where=f"{where}, {day}, {target}",
                    got=f"{len(column)} stocks, {np.isfinite(column).sum()} scores finite, "
                    f"from {np.fmin.reduce(column)} to {np.fmax.reduce(column)}",
                    remedy=_REMEDY,
                )


def refuse_jitter(
    first: ScoresSNT, second: ScoresSNT, days: np.ndarray, targets: Sequence[object], where: str
) -> None:
    """Stop if two draws of the dropout rank the stocks as two strangers would: then the order is the draw.

    Args:
        first: Scores under one draw.
        second: Scores of the same sessions under another.
        days: The S sessions, to name.
        targets: The T targets, to name.
        where: The model.

    Raises:
        ModelError: With target and the day of least agreement.
    """
    for t, target in enumerate(targets):
        daily = daily_rank_ic(
            first[:, :, t].astype(np.float64), second[:, :, t].astype(np.float64), min_names=_FEWEST
        ).values
        if np.isfinite(daily).any() and np.nanmean(daily) < _AGREEMENT:
            raise ModelError(
                "a model's order of stocks is chance: two draws of its dropout do not agree",
                where=f"{where}, {days[int(np.nanargmin(daily))]}, {target}",
                got=f"mean RankIC of two draws {np.nanmean(daily):.3f}",
                expected=f"at least {_AGREEMENT}",
                remedy=_REMEDY,
            )
