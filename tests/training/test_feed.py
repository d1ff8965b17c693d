"""Every kind of feed gives the blocks that the source itself gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from gogooku3.errors import ModelError
from gogooku3.graphs.graphs import Graphs
from gogooku3.models.day_block import DayBlock
from gogooku3.scoring.day_source import DaySource
from gogooku3.training import feed as feeds
from gogooku3.training.feed import Feed, Resident, Staged, open_feed
from tests.training.deep_market import source

LOOKBACK = 8
CPU = torch.device("cpu")
ITEMS = [
    (3, 9, np.array([1, 4, 5, 90])),  # its warm-up begins before the first session
    (40, 44, np.arange(0, 120, 7)),
    (150, 160, np.array([119])),
]


def linked() -> tuple[DaySource, np.ndarray]:
    days, labels = source()
    rng = np.random.default_rng(1)
    index = rng.integers(-1, 120, size=(32, 120, 3)).astype(np.int32)
    edge = rng.normal(size=(32, 120, 3, 4)).astype(np.float32)
    graphs = Graphs(sessions=np.arange(0, 160, 5), every=5, index=index, edge=edge)
    return DaySource(
        first=days.first, x=days.x, present=days.present, universe=days.universe, graphs=graphs
    ), labels


def same(found: DayBlock, expected: DayBlock) -> None:
    for name in ("x", "present", "scored"):
        torch.testing.assert_close(
            getattr(found, name), getattr(expected, name), rtol=0, atol=0, equal_nan=True
        )
    assert found.neighbours is not None
    assert expected.neighbours is not None
    for name in ("index", "valid", "edge", "graph_of_day"):
        assert torch.equal(getattr(found.neighbours, name), getattr(expected.neighbours, name))


@pytest.mark.parametrize("kind", [Resident, Staged])
def test_blocks_are_those_of_the_source(kind: Callable[..., Feed]) -> None:
    days, labels = linked()
    fed = list(kind(days, labels, LOOKBACK, CPU).over(ITEMS))
    assert len(fed) == len(ITEMS)
    for (start, stop, stocks), (block, found) in zip(ITEMS, fed, strict=True):
        same(block, days.block(start, stop, LOOKBACK, stocks))
        np.testing.assert_array_equal(found.numpy(), labels[start:stop, stocks])


def test_the_processor_reads_in_turn() -> None:
    days, labels = linked()
    with open_feed(days, labels, LOOKBACK, CPU) as feed:
        for (start, stop, stocks), (block, _) in zip(ITEMS, feed.over(ITEMS), strict=True):
            same(block, days.block(start, stop, LOOKBACK, stocks))


@pytest.mark.parametrize(("free", "kind"), [(10**9, Resident), (10**5, Staged)])
def test_a_panel_stays_on_a_device_that_has_room(
    monkeypatch: pytest.MonkeyPatch, free: int, kind: type[Feed]
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, free))
    days, labels = linked()
    assert type(feeds._resident_or_staged(days, labels, LOOKBACK, CPU)) is kind


def test_a_fault_of_reading_ahead_comes_out() -> None:
    days, labels = linked()
    feed = Staged(days, labels, LOOKBACK, CPU).over([ITEMS[0], (40, 44, np.array([500])), ITEMS[2]])
    next(feed)
    with pytest.raises((IndexError, ModelError)):
        next(feed)
