from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gogooku3.panel.open import open_panel
from gogooku3.panel.panel import Panel
from gogooku3.progress import Silent
from gogooku3.training.ranked_rows import RankedRows, ranked_rows
from tests.models.drawn_rows import placed
from tests.panel.panels import random_segments, write_panel


@pytest.fixture
def panel(tmp_path: Path) -> Panel:
    return open_panel(write_panel(tmp_path / "panel", random_segments(1)))


def brute(panel: Panel, stop: int) -> list[list[tuple[int, list[float], list[float]]]]:
    """For each session its members in stock order: stock, ranks, rank targets."""
    sessions = []
    targets = [panel.target_rank(target) for target in panel.targets]
    features = np.full((len(panel.sessions), len(panel.codes), len(panel.feature_names)), np.nan)
    for block in panel.blocks():
        features[block.first : block.first + len(block.sessions), block.stock] = block.features
    for day in range(stop):
        members = [n for n in range(len(panel.codes)) if panel.universe[day, n]]
        ranks = [placed(features[day, members, f]).astype(np.float32) for f in range(features.shape[2])]
        sessions.append(
            [
                (n, [float(column[i]) for column in ranks], [float(y[day, n]) for y in targets])
                for i, n in enumerate(members)
            ]
        )
    return sessions


@pytest.mark.parametrize("stop", [5, 4, 3, 1])
def test_rows_are_those_of_a_loop(panel: Panel, stop: int) -> None:
    data = ranked_rows(panel, stop, Silent())
    expected = brute(panel, stop)
    assert np.diff(data.rows.bounds).tolist() == [len(session) for session in expected]
    flat = [row for session in expected for row in session]
    assert len(flat) > 0
    assert data.stock.tolist() == [row[0] for row in flat]
    np.testing.assert_array_equal(data.rows.x, np.array([row[1] for row in flat], dtype=np.float32))
    np.testing.assert_array_equal(data.rows.y, np.array([row[2] for row in flat], dtype=np.float32))


@pytest.mark.parametrize("picked", [[0, 1, 2, 3, 4], [1, 2], [0, 3], [4], []])
def test_sessions_are_picked_with_their_stocks(panel: Panel, picked: list[int]) -> None:
    data: RankedRows = ranked_rows(panel, 5, Silent())
    rows, stock = data.sessions(np.array(picked, dtype=np.int64))
    parts = [slice(data.rows.bounds[t], data.rows.bounds[t + 1]) for t in picked]
    assert rows.sessions == len(picked)
    assert stock.tolist() == [n for part in parts for n in data.stock[part].tolist()]
    assert np.diff(rows.bounds).tolist() == [part.stop - part.start for part in parts]
    np.testing.assert_array_equal(rows.x, np.concatenate([data.rows.x[:0], *(data.rows.x[p] for p in parts)]))
    np.testing.assert_array_equal(rows.y, np.concatenate([data.rows.y[:0], *(data.rows.y[p] for p in parts)]))


def test_a_run_of_sessions_is_no_copy(panel: Panel) -> None:
    data = ranked_rows(panel, 5, Silent())
    assert np.shares_memory(data.sessions(np.array([1, 2, 3]))[0].x, data.rows.x)
