"""Small panels drawn at random: ragged stock axes, NaN of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from gogooku3.labels.ranks import rank_targets
from gogooku3.labels.target import Target
from gogooku3.panel.panel_axes import PanelAxes
from gogooku3.panel.segment import Segment
from gogooku3.panel.stocks import bare_stocks
from gogooku3.panel.writer import PanelWriter

AXES = PanelAxes(("f0", "f1", "f2"), (Target(1, 0), Target(5, 1)), ("link", "turnover"), "XTKS")
STOCKS = bare_stocks(["1301", "130A", "2222", "7203"]).with_columns(
    pl.Series("name", ["極洋", None, "b", "c"], dtype=pl.String),
    pl.Series("terminal_return", [None, -0.5, float("nan"), None], dtype=pl.Float64),
    pl.Series("last_session", ["2020-01-08", None, None, None]).str.to_date(),
)
LAYOUT = (("2020-01-06", 3, ("1301", "2222")), ("2020-01-14", 2, ("130A", "2222", "7203")))


def random_segment(
    rng: np.random.Generator, first: str, sessions: int, codes: Sequence[str], axes: PanelAxes = AXES
) -> Segment:
    """A segment in which every stock has a bar and many values are NaN."""
    grid = (sessions, len(codes))
    present = rng.random(grid) < 0.7
    present[0] = True
    universe = present & (rng.random(grid) < 0.8)
    features = rng.normal(size=(*grid, len(axes.feature_names))).astype(np.float32)
    features[rng.random(features.shape) < 0.2] = np.nan
    targets = rng.normal(size=(*grid, len(axes.targets))).astype(np.float32)
    targets[~present] = np.nan
    return Segment(
        sessions=np.datetime64(first, "D") + np.arange(sessions),
        codes=tuple(codes),
        features=features,
        present=present,
        universe=universe,
        targets=targets,
        target_ranks=rank_targets(targets, universe),
        fields={name: np.where(present, rng.normal(size=grid), np.nan) for name in axes.field_names},
    )


def random_segments(seed: int = 0) -> list[Segment]:
    """Two segments with different stocks."""
    rng = np.random.default_rng(seed)
    return [random_segment(rng, *place) for place in LAYOUT]


def write_panel(folder: Path, segments: Sequence[Segment]) -> Path:
    """Write the segments as a panel."""
    with PanelWriter(folder, AXES, STOCKS, {"source": "test"}) as writer:
        for segment in segments:
            writer.add(segment)
    return folder


def same_bits(left: np.ndarray, right: np.ndarray) -> bool:
    """Whether two arrays hold the same bytes, NaN payloads included."""
    return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
