"""What prefetchers are given in tests; light to import, since every worker imports it."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass

import numpy as np

from gogooku3.errors import PanelError

TYPES = ("f4", "f8", "f2", "i8", "u1", "?", "M8[D]", "c8")


def random_arrays(item: int) -> dict[str, np.ndarray]:
    """Arrays of all types and of shapes that differ by item; empty, 0-d, strided and Fortran ones are among them."""
    rng = np.random.default_rng(item)
    arrays = {}
    for dtype in TYPES:
        shape = tuple(rng.integers(0, 6, size=rng.integers(0, 4)))
        raw = rng.integers(0, 256, size=(*shape, np.dtype(dtype).itemsize), dtype=np.uint8)
        values = raw & 1 if dtype == "?" else raw
        arrays[dtype] = values.reshape(-1).view(dtype).reshape(shape) if raw.size else np.zeros(shape, dtype)
    grid = rng.normal(size=(7, 5))
    return arrays | {"strided": grid[::2, ::-1], "fortran": np.asfortranarray(grid)}


def process_id(item: int) -> dict[str, np.ndarray]:
    """The process that made it."""
    return {"pid": np.array(os.getpid()), "item": np.array(item)}


@dataclass(frozen=True)
class Fails:
    """Raises when it comes to an item."""

    at: int
    kind: str

    def __call__(self, item: int) -> dict[str, np.ndarray]:
        """Make the item, or do not."""
        if item == self.at:
            if self.kind == "ours":
                raise PanelError(
                    "a segment is damaged", where="segment 7", got="x", expected="y", remedy="build again"
                )
            if self.kind == "exit":
                raise SystemExit(3)
            if self.kind == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.kind == "objects":
                return {"a": np.array([object()])}
            if self.kind == "large":
                return {"a": np.zeros(10**6)}
            if self.kind == "long":
                raise KeyError("x" * 10**6)
            raise ZeroDivisionError("by item three")
        return {"item": np.array(item)}


class Absent:
    """Cannot be read where it is sent, as if its module were absent there."""

    def __call__(self, item: int) -> dict[str, np.ndarray]:
        """Never called."""
        raise NotImplementedError

    def __reduce__(self) -> tuple[object, ...]:
        """Import something that is not there."""
        return __import__, ("a_module_that_is_nowhere",)


@dataclass(frozen=True)
class Slow:
    """Takes its time."""

    seconds: float

    def __call__(self, item: int) -> dict[str, np.ndarray]:
        """Sleep, then say when it was done."""
        time.sleep(self.seconds)
        return {"item": np.array(item), "at": np.array(time.monotonic())}


@dataclass(frozen=True)
class Counts:
    """Leaves a file for every item that was made."""

    folder: str

    def __call__(self, item: int) -> dict[str, np.ndarray]:
        """Leave it."""
        with open(f"{self.folder}/{item}", "w"):  # noqa: PTH123 - light
            return {"item": np.array(item)}


def block(item: int) -> dict[str, np.ndarray]:
    """A block of some size."""
    return {"x": np.full((100, 500, 20), item, dtype=np.float32)}
