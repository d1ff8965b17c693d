from __future__ import annotations

import numpy as np
import pytest

from gogooku3.training.clusters import clusters
from gogooku3.training.day_sampler import Batch, DaySampler

SESSIONS = np.concatenate([np.arange(30, 111), np.arange(140, 172)])
RNG = np.random.default_rng(0)
UNIVERSE = RNG.random((200, 300)) < 0.9
UNIVERSE[:, 280:] = False


def sampler(**changes: object) -> DaySampler:
    usual: dict[str, object] = {"block": 20, "parts": 4, "seed": 5}
    return DaySampler(SESSIONS, UNIVERSE, **{**usual, **changes})  # type: ignore[arg-type]


def counted(batches: list[Batch]) -> np.ndarray:
    seen = np.zeros(UNIVERSE.shape, dtype=int)
    for batch in batches:
        assert (np.diff(batch.stocks) > 0).all()
        seen[batch.start : batch.stop, batch.stocks] += 1
    return seen


@pytest.mark.parametrize("parts", [1, 4, 100])
@pytest.mark.parametrize("block", [1, 20, 500])
def test_an_epoch_holds_every_stock_day_once(parts: int, block: int) -> None:
    seen = counted(sampler(parts=parts, block=block).epoch(3))
    learnt = np.zeros(200, dtype=bool)
    learnt[SESSIONS] = True
    assert seen.max() == 1
    assert (seen[learnt] == 1)[UNIVERSE[learnt]].all()
    assert not seen[~learnt].any()


def test_an_epoch_is_a_function_of_seed_and_number() -> None:
    def told(batches: list[Batch]) -> list[tuple[int, int, bytes]]:
        return [(b.start, b.stop, b.stocks.tobytes()) for b in batches]

    first = told(sampler().epoch(0))
    assert told(sampler().epoch(0)) == first
    assert told(sampler().epoch(1)) != first
    assert told(sampler(seed=6).epoch(0)) != first


def test_blocks_are_about_as_long_as_asked_and_begin_elsewhere_each_epoch() -> None:
    lengths, starts = set(), set()
    for epoch in range(20):
        for batch in sampler().epoch(epoch):
            lengths.add(batch.stop - batch.start)
            starts.add(batch.start)
    assert min(lengths) >= 10
    assert max(lengths) < 40
    assert len(starts) > 40


def test_linked_stocks_are_mostly_in_one_part() -> None:
    group = np.arange(300) // 6
    links = np.array([[j for j in np.flatnonzero(group == group[i]) if j != i] for i in range(300)])
    parts = sampler(neighbours=lambda _: links).epoch(0)
    together, random = (
        np.mean([np.isin(links[b.stocks], b.stocks).mean() for b in batches])
        for batches in (parts, sampler().epoch(0))
    )
    assert together > 0.85
    assert random < 0.4


def test_clusters_hold_every_stock_once_and_are_small() -> None:
    rng = np.random.default_rng(2)
    links = rng.integers(-1, 300, size=(300, 8))
    stocks = np.flatnonzero(rng.random(300) < 0.7)
    groups = clusters(stocks, links, rng)
    assert sorted(np.concatenate(groups).tolist()) == stocks.tolist()
    assert max(map(len, groups)) <= 54
    assert 3 <= len(groups) <= 5


def test_the_nearest_stay_together_among_links_to_anybody() -> None:
    """Five true neighbours and fifteen random ones, as trailing correlation gives them."""
    rng = np.random.default_rng(3)
    group = np.arange(1200) // 6
    links = np.array(
        [
            [*(j for j in np.flatnonzero(group == group[i]) if j != i), *rng.choice(1200, 15)]
            for i in range(1200)
        ]
    )
    found = clusters(np.arange(1200), links.astype(np.int32), rng)
    together = np.mean([np.isin(links[stocks, :5], stocks).mean() for stocks in found])
    assert together > 0.85


def test_stocks_without_links_are_dealt_evenly() -> None:
    groups = clusters(np.arange(200), np.full((200, 3), -1), np.random.default_rng(0))
    assert sorted(map(len, groups)) == [50, 50, 50, 50]
