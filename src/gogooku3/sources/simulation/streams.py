"""One independent random stream for each purpose, so that switching one thing leaves the rest unchanged."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Return the generator of a purpose: the same seed and purpose always give the same numbers.

    The purpose keys a child of numpy's SeedSequence, so streams of different purposes are independent.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(zlib.crc32(purpose.encode()),)))
