"""Graphs equal plain loops, know nothing of later sessions or absent stocks, and do not depend on what is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gogooku3.errors import PanelError
from gogooku3.graphs.build import build_graphs
from gogooku3.graphs.graphs import EDGE_FEATURES, Graphs
from gogooku3.graphs.settings import GraphSettings
from tests.graphs import oracle
from tests.graphs.panels import panel_of, small

SETTINGS = GraphSettings(window=30, min_common=12, neighbours=4, threshold=0.1, every=7, by="residual")


def same(left: Graphs, right: Graphs, count: int | None = None) -> None:
    for name in ("sessions", "index", "edge"):
        np.testing.assert_array_equal(getattr(left, name)[:count], getattr(right, name)[:count])


@pytest.mark.parametrize("by", ["return", "residual", "sector_residual"])
@pytest.mark.parametrize("threshold", [0.0, 0.3])
def test_equals_plain_loops(tmp_path: Path, by: str, threshold: float) -> None:
    market = small()
    settings = GraphSettings.model_validate({**SETTINGS.model_dump(), "by": by, "threshold": threshold})
    graphs = build_graphs(panel_of(market, tmp_path), settings)
    assert graphs.sessions.tolist() == list(range(0, 60, 7))
    links = 0
    for g, session in enumerate(graphs.sessions):
        expected = oracle.graph(market, settings, int(session))
        for i, near in enumerate(expected):
            row = graphs.index[g, i]
            assert row[row >= 0].tolist() == [j for j, _ in near]
            assert (row[len(near) :] == -1).all()
            got = graphs.edge[g, i]
            np.testing.assert_allclose(got[: len(near)], [f for _, f in near] or np.empty((0, 4)), atol=2e-6)
            assert (got[len(near) :] == 0).all()
            links += len(near)
    assert links > 100
    assert graphs.edge.shape[-1] == len(EDGE_FEATURES)
    assert graphs.index.dtype == np.int32
    assert graphs.edge.dtype == np.float32


def test_nothing_after_a_session_changes_its_graph(tmp_path: Path) -> None:
    market = small(1)
    now = 42  # a session at which a graph is built
    later = np.arange(60) > now
    rng = np.random.default_rng(0)
    changed = replace(
        market,
        returns=np.where(later[:, None], rng.normal(size=market.returns.shape), market.returns),
        turnover=np.where(later[:, None], 1.0, market.turnover),
        universe=market.universe & ~later[:, None],
    )
    before, after = (
        build_graphs(panel_of(m, tmp_path / str(i)), SETTINGS) for i, m in enumerate([market, changed])
    )
    same(before, after, now // 7 + 1)
    assert (before.index[-1] >= 0).any()
    assert (after.index[-1] < 0).all()


def test_what_was_known_then_gave_the_same_graphs(tmp_path: Path) -> None:
    market = small(2)
    whole = build_graphs(panel_of(market, tmp_path / "all"), SETTINGS)
    then = market.until(25)
    early = build_graphs(panel_of(then, tmp_path / "then"), SETTINGS)
    assert len(then.codes) < len(market.codes)  # the axis was another
    held = np.array([market.codes.index(code) for code in then.codes])
    count = len(early.sessions)
    back = np.append(held, -1)[early.index]
    np.testing.assert_array_equal(whole.index[:count, held], back)
    np.testing.assert_array_equal(whole.edge[:count, held], early.edge)
    others = np.setdiff1d(np.arange(len(market.codes)), held)
    assert (whole.index[:count, others] == -1).all()


def test_absent_stocks_are_nobodys_neighbours_and_their_bars_change_nothing(tmp_path: Path) -> None:
    market = small(3)
    graphs = build_graphs(panel_of(market, tmp_path / "a"), SETTINGS)
    for g, session in enumerate(graphs.sessions):
        absent = np.flatnonzero(~market.universe[session])
        assert not np.isin(graphs.index[g], absent).any()
        assert (graphs.index[g, absent] == -1).all()
    rng = np.random.default_rng(0)
    never = ~market.universe.any(axis=0)
    assert never.any()
    noise = np.where(never & market.present, rng.normal(size=market.returns.shape), market.returns)
    noisy = replace(market, returns=noise, turnover=np.where(never, market.turnover * 9, market.turnover))
    same(graphs, build_graphs(panel_of(noisy, tmp_path / "b"), SETTINGS))


def test_any_part_of_the_sessions_gives_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = panel_of(small(4), tmp_path)
    whole = build_graphs(panel, SETTINGS)
    for start, stop in ((0, 1), (20, 23), (41, 60), (59, 60)):
        part = build_graphs(panel, SETTINGS, start=start, stop=stop)
        assert part.sessions[0] == start // 7 * 7
        places = [whole.of(session) for session in range(start, stop)]
        assert [part.of(session) for session in range(start, stop)] == [p - places[0] for p in places]
        np.testing.assert_array_equal(part.index, whole.index[places[0] : places[-1] + 1])
        np.testing.assert_array_equal(part.edge, whole.edge[places[0] : places[-1] + 1])
    monkeypatch.setattr("gogooku3.graphs.build._AT_ONCE", 2)
    same(build_graphs(panel, SETTINGS), whole)


def test_how_the_panel_is_stored_changes_nothing(tmp_path: Path) -> None:
    market = small(5)
    same(
        build_graphs(panel_of(market, tmp_path / "a"), SETTINGS),
        build_graphs(panel_of(market, tmp_path / "b", length=13), SETTINGS),
    )


def test_a_session_reads_the_latest_graph_at_or_before_it(tmp_path: Path) -> None:
    graphs = build_graphs(panel_of(small(), tmp_path), SETTINGS, start=15, stop=30)
    assert graphs.sessions.tolist() == [14, 21, 28]
    assert [graphs.of(s) for s in (14, 15, 20, 21, 27, 28, 34)] == [0, 0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(graphs.neighbours(22), graphs.index[1])
    for session in (13, 35):
        with pytest.raises(PanelError, match="no graph for a session") as caught:
            graphs.of(session)
        assert "14 to 34" in str(caught.value)


def test_graphs_before_enough_sessions_are_empty(tmp_path: Path) -> None:
    graphs = build_graphs(panel_of(small(), tmp_path), SETTINGS)
    assert (graphs.index[graphs.sessions < 11] == -1).all()
    assert (graphs.edge[graphs.sessions < 11] == 0).all()
    assert (graphs.index[graphs.sessions > 20] >= 0).any()


def test_without_returns_there_is_no_graph_and_without_turnover_no_size(tmp_path: Path) -> None:
    market = small()
    with pytest.raises(PanelError, match="needs the returns"):
        build_graphs(panel_of(market, tmp_path / "a", fields=("turnover",)), SETTINGS)
    whole = build_graphs(panel_of(market, tmp_path / "b"), SETTINGS)
    bare = build_graphs(panel_of(market, tmp_path / "c", fields=("link",)), SETTINGS)
    size = EDGE_FEATURES.index("relative_turnover")
    np.testing.assert_array_equal(bare.index, whole.index)
    assert (bare.edge[..., size] == 0).all()
    assert (whole.edge[..., size] != 0).any()
    for e in set(range(len(EDGE_FEATURES))) - {size}:
        np.testing.assert_array_equal(bare.edge[..., e], whole.edge[..., e])


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 5), (0, 61)])
def test_sessions_that_are_not_there_are_refused(tmp_path: Path, start: int, stop: int) -> None:
    panel = panel_of(small(), tmp_path)
    with pytest.raises(PanelError, match="cannot be built"):
        build_graphs(panel, SETTINGS, start=start, stop=stop)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="exceed window"):
        GraphSettings(window=30, min_common=31)


def test_every_setting_changes_the_graphs(tmp_path: Path) -> None:
    panel = panel_of(small(6), tmp_path)
    base = build_graphs(panel, SETTINGS)
    changes: dict[str, object] = {
        "window": 20,
        "min_common": 25,
        "neighbours": 3,
        "threshold": 0.4,
        "every": 6,
        "by": "return",
    }
    assert set(changes) == set(GraphSettings.model_fields)
    for name, value in changes.items():
        other = build_graphs(panel, GraphSettings.model_validate({**SETTINGS.model_dump(), name: value}))
        assert other.index.shape != base.index.shape or (other.index != base.index).any(), name
