"""Target weights of one session's scores, with a preference for what is held."""

from __future__ import annotations

import math

import numpy as np

from gogooku3.axes import FloatN
from gogooku3.errors import DataError
from gogooku3.evaluation.backtest.construction import construct
from gogooku3.evaluation.backtest.construction_settings import ConstructionSettings


def target_weights(
    score: FloatN, held: np.ndarray, settings: ConstructionSettings, *, buffer: float
) -> FloatN:
    """Return the weights that a backtest of the same construction would hold, a leg's sum being 1 or -1 [N].

    With a buffer, a name that is held long stays among the ``k`` of its leg as long as it is among the best
    ``k (1 + buffer)``, and the best others fill what is left; likewise short, from the other end. Ties then go to
    the earlier name.

    Args:
        score: NaN where none [N].
        held: Shares held, negative if short, int64 [N].
        settings: Extreme buckets, or the best and worst ``k``.
        buffer: Share by which a leg is widened for what is held.

    Raises:
        DataError: The scores give no ranking.
    """
    weights = _weights(score, settings)
    if not buffer:
        return weights
    places = (int((weights > 0).sum()), int((weights < 0).sum()))
    return _weights(_with_held_first(score, held, places, buffer), settings)


def _weights(score: FloatN, settings: ConstructionSettings) -> FloatN:
    found = construct(score[None], settings)
    if not found.ranked[0]:
        raise DataError(
            "the scores of the session give no ranking to trade on",
            got=f"{int(np.isfinite(score).sum())} scores, {np.unique(score[np.isfinite(score)]).size} distinct",
            expected=f"at least {settings.min_names}, with a best and a worst bucket that differ",
        )
    weights: FloatN = found.weights[0]
    return weights


def _with_held_first(score: FloatN, held: np.ndarray, places: tuple[int, int], buffer: float) -> FloatN:
    """Return scores in whose order held names that are near enough to an end come to that end."""
    scored = np.flatnonzero(np.isfinite(score))
    order = scored[np.argsort(-score[scored], kind="stable")]
    group = np.ones(order.size, dtype=np.int64)
    for k, here, end, owned in (
        (places[0], order, 0, held > 0),
        (places[1], order[::-1], 2, held < 0),
    ):
        zone = here[: math.ceil(k * (1 + buffer))]
        kept = zone[owned[zone]][:k]
        group[np.isin(order, kept)] = end
    ordered = order[np.argsort(group, kind="stable")]
    lifted = np.full(score.shape, np.nan)
    lifted[ordered] = -np.arange(ordered.size, dtype=np.float64)
    return lifted
