"""From scores, labels and a view of the market to an anatomy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gogooku3.axes import FloatDN
from gogooku3.errors import EvaluationError
from gogooku3.evaluation.anatomy.anatomy import Anatomy, Exposure
from gogooku3.evaluation.anatomy.decay import measure_decay
from gogooku3.evaluation.anatomy.groups import measure_groups
from gogooku3.evaluation.anatomy.market_view import MarketView
from gogooku3.evaluation.anatomy.neutral import measure_neutral
from gogooku3.evaluation.anatomy.ordered_grid import OrderedGrid, ordered
from gogooku3.evaluation.anatomy.persistence import measure_persistence
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.labels.target import Target


def dissect(
    model: str,
    target: Target,
    score: np.ndarray,
    label: np.ndarray,
    *,
    view: MarketView,
    label_of: Callable[[int], FloatDN | OrderedGrid],
    exposures: tuple[Exposure, ...] = (),
    settings: EvaluationSettings | None = None,
) -> Anatomy:
    """Take one model at one target apart: groups, decay, persistence, what is left without sectors and styles.

    Args:
        model: Name of the scores.
        target: Horizon and lag.
        score: Scores, float64 [D, N], NaN where none; those outside the universe are left out.
        label: Labels of the target, float64 [D, N], NaN where none.
        view: Universe, sectors and styles on the same grids.
        label_of: Gives the labels [D, N] of any horizon at the target's lag, none of which may reach into sessions
            that are kept back; asked for every horizon of the decay but the target's own. They can be given
            ``ordered``, so that the scores of many models share the sorting.
        exposures: Of this score, from ``measure_exposures``.
        settings: How to judge, with groups, distances and horizons; the defaults where None.

    Raises:
        EvaluationError: Grids are not aligned, or a value is infinite.
    """
    chosen = settings if settings is not None else EvaluationSettings()
    shapes = {"scores": score.shape, "labels": label.shape}
    if set(shapes.values()) != {view.universe.shape}:
        raise EvaluationError(
            "grids are not aligned",
            where=f"model {model}, target {target}",
            got=shapes,
            expected=view.universe.shape,
        )
    score = np.where(view.universe, score, np.nan)
    in_order, labels = ordered(score), ordered(label)
    groups = measure_groups(
        score,
        label,
        view=view,
        horizon=target.horizon,
        size_buckets=chosen.anatomy.size_buckets,
        settings=chosen,
    )
    return Anatomy(
        model=model,
        target=target,
        groups=groups.results,
        decay=measure_decay(
            in_order,
            lambda horizon: labels if horizon == target.horizon else label_of(horizon),
            horizons=chosen.anatomy.decay_horizons,
            settings=chosen,
        ),
        persistence=measure_persistence(
            in_order, distances=chosen.anatomy.persistence_sessions, min_names=chosen.min_names
        ),
        neutral=measure_neutral(score, labels, view=view, horizon=target.horizon, settings=chosen),
        exposures=exposures,
        groups_too_small=groups.too_small,
        groups_constant=groups.constant,
    )
