"""A segment that contradicts itself cannot be made."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from gogooku3.errors import PanelError
from gogooku3.panel import segment as module
from gogooku3.panel.segment import Segment
from tests.panel.panels import random_segments


def changed(**values: Any) -> Segment:
    segment = random_segments()[0]
    copies = {field.name: getattr(segment, field.name) for field in dataclasses.fields(segment)}
    return Segment(**copies | values)


def with_value(name: str, index: tuple[int, ...], value: float) -> np.ndarray:
    array = getattr(random_segments()[0], name).copy()
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"codes": ("2222", "1301")}, "not sorted"),
        ({"codes": ("1301", "1301")}, "doubled"),
        ({"codes": ("", "1301")}, "empty"),
        ({"sessions": np.array(["2020-01-06", "2020-01-06", "2020-01-07"], "M8[D]")}, "strictly increasing"),
        ({"sessions": np.array(["2020-01-06", "NaT", "2020-01-07"], "M8[D]")}, "strictly increasing"),
        ({"sessions": np.array(["2020-01-06", "2020-01-07", "2020-01-08"], "M8[ns]")}, "needs sessions"),
        ({"sessions": np.array(["2020-01-06", "2020-01-07"], "M8[D]")}, "another shape"),
        ({"codes": ("1301", "2222", "7203")}, "another shape"),
        ({"features": with_value("features", (0, 0, 0), np.inf)}, "infinite"),
        ({"targets": with_value("targets", (0, 0, 0), -np.inf)}, "infinite"),
        ({"fields": {"link": np.full((3, 2), np.inf)}}, "field link: a value is infinite"),
        ({"present": np.array([[True, False]] * 3)}, r"no bar[\s\S]*2222"),
        (
            {
                "present": np.array([[True, True], [False, False], [False, False]]),
                "universe": np.ones((3, 2), bool),
            },
            "without a bar",
        ),
        ({"target_ranks": np.zeros((3, 2, 2), np.float32)}, "outside the universe"),
    ],
)
def test_contradictions(values: dict[str, Any], match: str) -> None:
    with pytest.raises(PanelError, match=match):
        changed(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"features": np.zeros((3, 2, 3))},
        {"features": np.zeros((3, 3, 2), np.float32)},
        {"present": np.ones((3, 2), np.uint8)},
        {"target_ranks": np.full((3, 2, 1), np.nan, np.float32)},
        {"fields": {"link": np.zeros((2, 3))}},
    ],
)
def test_shapes_and_types(values: dict[str, Any]) -> None:
    with pytest.raises((PanelError, TypeError)):  # a TypeError where annotations are executed
        changed(**values)


def test_size_is_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "VALUE_LIMIT", 18)
    with pytest.raises(PanelError, match=r"too large[\s\S]*3 x 2 x 3 = 18[\s\S]*split"):
        changed()
    monkeypatch.setattr(module, "VALUE_LIMIT", 19)
    changed()
