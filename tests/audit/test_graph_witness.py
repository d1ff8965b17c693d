"""What the audit sees of the graph."""

from __future__ import annotations

import numpy as np
import pytest

from gogooku3.audit.base import Base
from gogooku3.audit.compare import compare
from gogooku3.audit.stages import witnesses
from gogooku3.audit.witnesses.graph import GraphWitness, code_number
from gogooku3.graphs import build
from gogooku3.graphs.build import build_graphs
from gogooku3.graphs.graphs import EDGE_FEATURES
from gogooku3.graphs.inputs import GraphInputs


def test_it_is_among_the_witnesses() -> None:
    assert any(isinstance(witness, GraphWitness) for witness in witnesses())


def test_codes_have_numbers_of_their_own() -> None:
    codes = [f"{n:04}" for n in range(9999)] + [f"{n}A" for n in range(999)]
    assert len({code_number(code) for code in codes}) == len(codes)
    assert code_number("7203") == float(int(code_number("7203"))) < 2**53


def test_it_shows_every_link_of_every_graph_up_to_the_session(base: Base) -> None:
    panel, until = base.panel, 301
    graphs = build_graphs(panel, base.run.settings.graph, stop=until + 1)
    number = np.array([*map(code_number, panel.codes), np.nan])
    sightings = list(GraphWitness().observe(base.whole, until))
    shown = {"neighbours": [], "edges": []}
    for s in sightings:
        shown[s.name.split(" ")[0]].append(s)
    for parts in shown.values():
        days = np.concatenate([s.sessions for s in parts])
        np.testing.assert_array_equal(days, panel.sessions[graphs.sessions])
    np.testing.assert_array_equal(
        np.concatenate([s.values for s in shown["neighbours"]]), number[graphs.index]
    )
    edges = np.concatenate([s.values for s in shown["edges"]]).reshape(graphs.edge.shape)
    linked = graphs.index >= 0
    assert linked.sum() > 1000
    np.testing.assert_array_equal(edges[linked], graphs.edge[linked])
    assert np.isnan(edges[~linked]).all()
    assert shown["edges"][0].columns[: len(EDGE_FEATURES)] == tuple(f"{name} 0" for name in EDGE_FEATURES)


def test_a_graph_that_reads_the_next_session_is_found(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same graphs but for one return of the session after, which a rebuild without it cannot have."""
    until = 300
    clean = list(GraphWitness().observe(base.whole, until))
    true = build.graph_of

    def leaking(inputs: GraphInputs, settings: object, session: int) -> tuple[np.ndarray, np.ndarray]:
        returns = inputs.returns.copy()
        now = session - inputs.first
        if now + 1 < len(returns):
            returns[now] = np.where(np.isfinite(returns[now + 1]), returns[now + 1], returns[now])
        return true(
            GraphInputs(**{**vars(inputs), "returns": returns}),
            settings,  # type: ignore[arg-type]
            session,
        )

    monkeypatch.setattr(build, "graph_of", leaking)
    leaked = list(GraphWitness().observe(base.whole, until))
    found = compare("graph", clean, leaked, ()).violation
    assert found is not None
    assert found.stage == "graph"
    assert compare("graph", clean, clean, ()).violation is None
