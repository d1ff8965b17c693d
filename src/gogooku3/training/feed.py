"""How blocks and their labels come to the device that trains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from gogooku3.models.day_block import DayBlock
from gogooku3.scoring.block_reader import Item
from gogooku3.scoring.day_source import DaySource
from gogooku3.scoring.link import link
from gogooku3.training.prefetch import Prefetcher

Fed = tuple[DayBlock, Tensor]
"""A block, and the labels [L, N, T] of its scored sessions, on the device."""

_SHARE = 0.5  # of the device's free memory that a panel may take; the rest is for states and gradients


class Feed(ABC):
    """Gives blocks in the order they are asked for; every kind gives the same numbers."""

    @abstractmethod
    def over(self, items: Sequence[Item]) -> Iterator[Fed]:
        """Yield block and labels of every item."""


@contextmanager
def open_feed(
    source: DaySource,
    labels: Float32[np.ndarray, "D N T"],
    lookback: int,
    device: torch.device,
    *,
    ahead_bytes: int | None = None,
) -> Iterator[Feed]:
    """Open the feed that suits the device.

    A CUDA device holds the whole panel if that takes at most half of its free memory; otherwise one block is read and
    pinned while another is at work. The CPU reads each block when it is its turn.

    Args:
        source: What models read.
        labels: What they predict, on the panel's axes.
        lookback: Sessions that one score reads.
        device: Where blocks are wanted.
        ahead_bytes: Read in a process of its own, with buffers of that size; None to read in this one.
    """
    if device.type == "cuda" and ahead_bytes is None:
        yield _resident_or_staged(source, labels, lookback, device)
        return
    with Prefetcher[Item](source.reader(lookback), [], buffer_bytes=ahead_bytes) as prefetcher:
        yield Read(source, labels, device, prefetcher)


def _resident_or_staged(
    source: DaySource, labels: Float32[np.ndarray, "D N T"], lookback: int, device: torch.device
) -> Feed:
    wanted = source.x.nbytes + source.present.nbytes + source.universe.nbytes + labels.nbytes
    if wanted <= _SHARE * torch.cuda.mem_get_info(device)[0]:
        return Resident(source, labels, lookback, device)
    return Staged(source, labels, lookback, device)


class Read(Feed):
    """Reads blocks through a prefetcher, here or in its process."""

    def __init__(
        self,
        source: DaySource,
        labels: Float32[np.ndarray, "D N T"],
        device: torch.device,
        prefetcher: Prefetcher[Item],
    ) -> None:
        self._source, self._labels, self._device = source, labels, device
        self._prefetcher = prefetcher

    def over(self, items: Sequence[Item]) -> Iterator[Fed]:
        """Yield block and labels of every item."""
        for item, arrays in zip(items, self._prefetcher.over(items), strict=True):
            block = self._source.assemble(item, arrays)
            yield block.to(self._device), _labels(self._labels, item).to(self._device)


class Staged(Feed):
    """Reads the next block into pinned memory while one is at work."""

    def __init__(
        self, source: DaySource, labels: Float32[np.ndarray, "D N T"], lookback: int, device: torch.device
    ) -> None:
        self._source, self._labels, self._lookback, self._device = source, labels, lookback, device

    def over(self, items: Sequence[Item]) -> Iterator[Fed]:
        """Yield block and labels of every item."""
        waiting: deque[Future[Fed]] = deque()
        with ThreadPoolExecutor(1) as reader:
            for item in chain(items, [None]):
                if item is not None:
                    waiting.append(reader.submit(self._read, item))
                if len(waiting) > 1 or (item is None and waiting):
                    block, labels = waiting.popleft().result()
                    yield block.to(self._device), labels.to(self._device, non_blocking=True)

    def _read(self, item: Item) -> Fed:
        start, stop, stocks = item
        block, labels = self._source.block(start, stop, self._lookback, stocks), _labels(self._labels, item)
        if self._device.type != "cuda":
            return block, labels
        return block.pinned(), labels.pin_memory()


class Resident(Feed):
    """Keeps the whole panel on the device."""

    def __init__(
        self, source: DaySource, labels: Float32[np.ndarray, "D N T"], lookback: int, device: torch.device
    ) -> None:
        self._source, self._lookback, self._device = source, lookback, device
        self._x = torch.from_numpy(np.array(source.x)).to(device)
        self._present = torch.from_numpy(np.array(source.present)).to(device)
        self._universe = torch.from_numpy(np.array(source.universe)).to(device)
        self._labels = torch.from_numpy(labels).to(device)

    def over(self, items: Sequence[Item]) -> Iterator[Fed]:
        """Yield block and labels of every item."""
        for item in items:
            yield self._block(item)

    def _block(self, item: Item) -> Fed:
        start, stop, stocks = item
        first, graphs = self._source.first, self._source.graphs
        begin = start - self._lookback + 1
        low = max(begin, first)
        picked = torch.from_numpy(stocks).to(self._device)
        x = self._x[low - first : stop - first].index_select(1, picked).float()
        present = self._present[low:stop].index_select(1, picked)
        missing = low - begin  # sessions before the first encoded one count as sessions without a bar
        block = DayBlock(
            x=torch.nn.functional.pad(x, (0, 0, 0, 0, missing, 0), value=torch.nan),
            present=torch.nn.functional.pad(present, (0, 0, missing, 0)),
            scored=self._universe[start:stop].index_select(1, picked),
            neighbours=None if graphs is None else link(graphs, *item).to(self._device),
        )
        return block, self._labels[start:stop].index_select(1, picked)


def _labels(labels: Float32[np.ndarray, "D N T"], item: Item) -> Tensor:
    start, stop, stocks = item
    return torch.from_numpy(labels[start:stop, stocks])
