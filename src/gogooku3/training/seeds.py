"""Random numbers of a training that follow from its seed and its place alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def mixed_seed(*numbers: int) -> int:
    """Return a seed that differs for every combination of numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let torch draw from a seed inside the block; after it, the CPU draws on as if there had been no block."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
