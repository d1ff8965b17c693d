"""The one measure by which baselines choose their settings and stop."""

from __future__ import annotations

import numpy as np

from gogooku3.errors import ModelError
from gogooku3.evaluation.rank_ic import daily_rank_ic
from gogooku3.models.baselines.rows import Rows


def validation_rank_ic(rows: Rows, target: int, scores: np.ndarray) -> float:
    """Return the mean daily RankIC of ``scores`` [R] with target number ``target``.

    Raises:
        ModelError: No session has enough labels.
        EvaluationError: The scores are constant across stocks on every session.
    """
    label = rows.by_session(rows.y[:, target].astype(np.float64))
    daily = daily_rank_ic(rows.by_session(scores.astype(np.float64)), label)
    if daily.days == 0:
        raise ModelError(
            "no validation session can be measured",
            got=f"{rows.sessions} sessions, none with 20 labelled names and varied scores",
            remedy="use a larger universe or more history",
        )
    return float(np.nanmean(daily.values))
