from __future__ import annotations

import pytest
import torch

from gogooku3.errors import ModelError
from gogooku3.models.layers.neighbours import Neighbours


def neighbours(**changes: torch.Tensor) -> Neighbours:
    fields = {
        "index": torch.tensor([[[1, 2], [0, -1], [7, 1]]]),
        "valid": torch.tensor([[[True, True], [True, False], [False, True]]]),
        "edge": torch.zeros(1, 3, 2, 4),
        "graph_of_day": torch.tensor([0, 0]),
    }
    return Neighbours(**{**fields, **changes})


def test_positions_count_only_where_the_slot_is_valid() -> None:
    made = neighbours()
    assert made.index.dtype is torch.int32
    assert made.edges == 4
    assert neighbours(edge=torch.zeros(1, 3, 2, 0)).edges == 0


@pytest.mark.parametrize("position", [-1, 3])
def test_a_valid_slot_points_into_the_block(position: int) -> None:
    with pytest.raises(ModelError, match=r"(?s)a neighbour is not in the block.*expected: 0 to 2"):
        neighbours(index=torch.tensor([[[1, position], [0, 0], [0, 1]]]))


def test_a_session_reads_a_graph_that_exists() -> None:
    with pytest.raises(ModelError, match=r"the graph of a session is not in the block"):
        neighbours(graph_of_day=torch.tensor([0, 1]))


def test_shapes_fit_together() -> None:
    unchecked = object.__new__(Neighbours)  # past the annotations, which only tests execute
    for name in ("index", "valid", "graph_of_day"):
        object.__setattr__(unchecked, name, getattr(neighbours(), name))
    object.__setattr__(unchecked, "edge", torch.zeros(1, 3, 3, 4))
    with pytest.raises(ModelError, match=r"(?s)differ in shape.*\(1, 3, 3\)"):
        unchecked.__post_init__()


def test_moved_neighbours_are_the_same() -> None:
    made = neighbours()
    moved = made.to(torch.device("cpu"))
    assert torch.equal(moved.index, made.index)
    assert torch.equal(moved.graph_of_day, made.graph_of_day)
    assert neighbours(valid=made.valid).to(torch.device("meta")).edge.device.type == "meta"
