"""What the process of a prefetcher does: it makes the items it is asked for, and ends when nobody can ask any more."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Any, TypeVar

import numpy as np

from gogooku3.errors import Gogooku3Error
from gogooku3.training.prefetch_buffer import Placed, place

Result = TypeVar("Result")

_LONGEST = 8_000  # characters of a traceback: an answer always fits the pipe, so that it is never waited for


@dataclass(frozen=True, kw_only=True)
class Failed:
    """Why an item could not be made.

    Attributes:
        error: The error, if it is one of ours.
        text: Where in the worker it came from.
    """

    error: Gogooku3Error | None
    text: str


Answer = tuple[Placed, ...] | Failed
"""Where the arrays of an item lie in the buffer that was named, or why there are none."""


def work(connection: Connection, names: tuple[str, ...]) -> None:
    """Receive what makes items, then buffers and items, until the other end is closed, by whatever cause.

    Args:
        connection: To the process that asks.
        names: Names of the shared buffers.
    """
    buffers = [SharedMemory(name) for name in names]
    try:
        pickled = connection.recv_bytes()  # from the process that started this one
        make = _or_failed(partial(pickle.loads, pickled))  # that it cannot be read is answered to every item
        while True:
            buffer, item = connection.recv()
            connection.send(
                make if isinstance(make, Failed) else _or_failed(partial(_made, make, item, buffers[buffer]))
            )
    except (EOFError, OSError):  # nobody is left who would ask
        return
    finally:
        for shared in buffers:
            shared.close()


def _made(
    make: Callable[[Any], Mapping[str, np.ndarray]], item: Any, buffer: SharedMemory
) -> tuple[Placed, ...]:
    return place(make(item), buffer)


def _or_failed(call: Callable[[], Result]) -> Result | Failed:
    """Return what a call of others' code returns, or why it does not: it may raise anything, ``sys.exit`` included.

    Uncaught, that would end this process, and the one that asks would not learn the cause.
    """
    try:
        return call()
    except BaseException as error:  # noqa: BLE001 - whatever it is, the process that asks is told
        own = error if isinstance(error, Gogooku3Error) else None
        return Failed(error=own, text="".join(traceback.format_exception(error))[-_LONGEST:])
