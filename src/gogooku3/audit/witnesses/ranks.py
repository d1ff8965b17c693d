"""What models are given: per-day ranks of features and labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gogooku3.audit.witness import Sighting
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.run_folder import Run
from gogooku3.progress import Silent
from gogooku3.training.ranked_rows import RankedRows, ranked_rows

_SESSIONS = 125
_KEPT = 2  # the run on the true bars, and the rebuild at hand


class RankWitness:
    """The rows of training and scoring up to t: which stock-days, their inputs, and labels that are known."""

    name = "ranks"
    needs_models = False

    def __init__(self) -> None:
        self._ranked: dict[str, RankedRows] = {}

    def observe(self, run: Run, until: int) -> Iterator[Sighting]:
        """Yield rows, inputs and labels, some sessions at a time."""
        panel = panel_of(run)
        data = self._rows(panel)
        ended_after = run.settings.market.ended_after
        for start in range(0, until + 1, _SESSIONS):
            yield from _part(panel, data, (start, min(start + _SESSIONS, until + 1)), until, ended_after)

    def _rows(self, panel: Panel) -> RankedRows:
        """Rank all sessions of a panel, once: the run that all rebuilds are held against is asked for each of them."""
        key = panel.content_hash
        data = self._ranked.pop(key, None) or ranked_rows(panel, len(panel.sessions), Silent())
        self._ranked[key] = data
        while len(self._ranked) > _KEPT:
            del self._ranked[next(iter(self._ranked))]
        return data


def _part(
    panel: Panel, data: RankedRows, part: tuple[int, int], until: int, ended_after: int
) -> Iterator[Sighting]:
    start, stop = part
    bounds = data.rows.bounds
    rows = slice(bounds[start], bounds[stop])
    session = np.repeat(np.arange(stop - start), np.diff(bounds[start : stop + 1]))
    label = f"from {panel.sessions[start]}"
    shape = (stop - start, len(panel.codes))

    def spread(values: np.ndarray) -> np.ndarray:
        grid = np.full((*shape, *values.shape[1:]), np.nan, dtype=values.dtype)
        grid[session, data.stock[rows]] = values
        return grid

    seen = np.zeros(shape, dtype=np.bool_)
    seen[session, data.stock[rows]] = True
    days = panel.sessions[start:stop]
    yield Sighting(name=f"rows {label}", values=seen, sessions=days, codes=panel.codes)
    yield Sighting(
        name=f"inputs {label}",
        values=spread(data.rows.x[rows]),
        sessions=days,
        codes=panel.codes,
        columns=panel.feature_names,
    )
    labels = spread(data.rows.y[rows])
    for column, target in enumerate(panel.targets):
        over = int(np.clip(until - target.known_after(ended_after) + 1 - start, 0, stop - start))
        if over:
            yield Sighting(
                name=f"labels {target} {label}",
                values=labels[:over, :, column],
                sessions=days[:over],
                codes=panel.codes,
            )
