"""Arrays laid side by side in memory that two processes share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory

import numpy as np

from gogooku3.errors import ModelError

_ALIGNED = 64  # bytes, a cache line


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Where an array lies.

    Attributes:
        name: Its name.
        dtype: Its type, in numpy's short form.
        shape: Its shape.
        offset: Bytes before it.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int


def place(arrays: Mapping[str, np.ndarray], buffer: SharedMemory) -> tuple[Placed, ...]:
    """Copy arrays into a buffer and return where each of them lies.

    Raises:
        ModelError: They do not fit, or one holds Python objects.
    """
    placed, end = [], 0
    for name, array in arrays.items():
        if array.dtype.hasobject or array.dtype.names is not None:
            raise ModelError("an array cannot be shared between processes", where=name, got=array.dtype)
        offset = -(-end // _ALIGNED) * _ALIGNED if array.size else 0
        end = offset + array.nbytes if array.size else end
        placed.append(Placed(name=name, dtype=array.dtype.str, shape=array.shape, offset=offset))
    if end > buffer.size:
        raise ModelError(
            "an item is larger than the buffers of the prefetcher",
            got=f"{end:,} bytes",
            expected=f"at most {buffer.size:,}",
            remedy="give it larger buffers, or prepare smaller blocks",
        )
    for one, array in zip(placed, arrays.values(), strict=True):
        _view(one, buffer)[...] = array
    return tuple(placed)


def copied(placed: tuple[Placed, ...], buffer: SharedMemory) -> dict[str, np.ndarray]:
    """Return copies of the arrays of a buffer, which may be filled anew afterwards."""
    return {one.name: _view(one, buffer).copy() for one in placed}


def _view(one: Placed, buffer: SharedMemory) -> np.ndarray:
    return np.ndarray(one.shape, dtype=one.dtype, buffer=buffer.buf, offset=one.offset)
