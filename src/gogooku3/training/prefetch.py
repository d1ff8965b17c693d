"""Items that are made while others are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, TypeVar

import numpy as np

from gogooku3.errors import ModelError
from gogooku3.training.prefetch_process import PrefetchProcess

Item = TypeVar("Item")


class Prefetcher(Generic[Item]):
    """Makes the arrays of items one after the other, in this process or ahead of time in one of its own.

    ```python
    with Prefetcher(ReadBlock(path), blocks, buffer_bytes=2**27) as prefetcher:
        for epoch in range(epochs):
            for arrays in prefetcher.over(shuffled(blocks, epoch)):
                ...
    ```

    Both ways give the same arrays in the same order. The process is spawned once, when the ``with`` statement begins,
    and lasts until it ends; it makes at most two items ahead. It ends with the statement, with an error, with Ctrl-C,
    and by itself when this process is gone.

    Args:
        make_item: Returns an item's arrays by name. For a process of its own it has to be picklable, so it is a
            function of a module or an object that opens its files when it is first called.
        items: The items; any that can be sent to another process.
        buffer_bytes: Size of each of the two shared buffers, at least that of an item; None to make items here.
    """

    def __init__(
        self,
        make_item: Callable[[Item], Mapping[str, np.ndarray]],
        items: Sequence[Item],
        *,
        buffer_bytes: int | None = None,
    ) -> None:
        self._make_item, self._items, self._buffer_bytes = make_item, items, buffer_bytes
        self._maker: PrefetchProcess | _Here | None = None

    def __enter__(self) -> Prefetcher[Item]:
        """Start the process, if there is to be one.

        Raises:
            ModelError: The machine has not as much shared memory.
        """
        if self._buffer_bytes is None:
            self._maker = _Here(self._make_item)
        else:
            self._maker = PrefetchProcess(self._make_item, self._buffer_bytes)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process and release its memory."""
        if self._maker is not None:
            self._maker.stop()
            self._maker = None

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        """Yield the arrays of every item, in order."""
        return self.over(self._items)

    def over(self, items: Sequence[Item]) -> Iterator[dict[str, np.ndarray]]:
        """Yield the arrays of other items, or of the same in another order.

        Raises:
            Gogooku3Error: One that ``make_item`` raised; from a process of its own it names the item too.
            RuntimeError: ``make_item`` raised another error there; the item and the traceback are named.
            ModelError: The process has ended, an item does not fit its buffers, or the ``with`` statement is not
                begun or over.
        """
        if self._maker is None:
            raise ModelError(
                "a prefetcher has not begun, or is over", remedy="use it inside a with statement"
            )
        return self._maker.items(items)


class _Here:
    """Makes items in this process, when they are asked for."""

    def __init__(self, make_item: Callable[[Any], Mapping[str, np.ndarray]]) -> None:
        self._make_item = make_item

    def items(self, items: Sequence[Any]) -> Iterator[dict[str, np.ndarray]]:
        for item in items:
            yield dict(self._make_item(item))

    def stop(self) -> None:
        """There is nothing to end."""
