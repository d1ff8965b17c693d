"""One session's stocks in order, by the models that were trained before it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from gogooku3.errors import DataError
from gogooku3.labels.target import Target
from gogooku3.panel.panel import Panel
from gogooku3.scoring.scorer import Scorer


def rank_session(panel: Panel, session: int, scorer: Scorer, targets: Sequence[Target]) -> pl.DataFrame:
    """Score the universe of one session.

    Features are ranked within the session as in training, members are averaged as in the backtest, so a score
    equals the backtest's for the same session and members.

    Returns:
        Columns ``code``, ``name``, ``sector``, and for every target ``score_<target>`` and ``rank_<target>``
        (1 is best), sorted by the rank of the first target, ties by code.

    Raises:
        DataError: The session has no universe.
    """
    member = np.flatnonzero(panel.universe[session])
    if member.size == 0:
        raise DataError(
            "a session has no stocks to rank",
            where=panel.sessions[session],
            remedy="choose a session with bars, or lower universe.min_history",
        )
    scores = scorer.combine(scorer.members(panel, session))
    frame = panel.stocks.select("code", "name", "sector")[member.tolist()]
    columns = []
    for target in targets:
        score = pl.Series(f"score_{target}", scores[:, panel.targets.index(target)])
        columns += [score, score.rank("ordinal", descending=True).alias(f"rank_{target}")]
    ranked: pl.DataFrame = frame.with_columns(columns).sort(f"rank_{targets[0]}")
    return ranked
