from __future__ import annotations

import numpy as np

from gogooku3.graphs.graphs import Graphs
from gogooku3.scoring.link import link


def test_neighbours_on_the_axis_of_a_block() -> None:
    rng = np.random.default_rng(0)
    index = rng.integers(-1, 9, size=(4, 9, 3)).astype(np.int32)
    edge = rng.normal(size=(4, 9, 3, 4)).astype(np.float32)
    graphs = Graphs(sessions=np.array([10, 15, 20, 25]), every=5, index=index, edge=edge)
    stocks = np.array([1, 4, 5, 8])
    found = link(graphs, 13, 22, stocks)
    assert found.graph_of_day.tolist() == [0, 0, 1, 1, 1, 1, 1, 2, 2]
    for graph in range(3):
        for row, stock in enumerate(stocks):
            for slot in range(3):
                neighbour = index[graph, stock, slot]
                valid = bool(found.valid[graph, row, slot])
                assert valid == (neighbour in stocks)
                if valid:
                    assert stocks[found.index[graph, row, slot]] == neighbour
                    ratio = found.edge[graph, row, slot].numpy() / edge[graph, stock, slot]
                    np.testing.assert_allclose(ratio, [20.0, 3.0, 0.5, 15.0], rtol=1e-6)
                else:
                    assert not found.edge[graph, row, slot].any()
