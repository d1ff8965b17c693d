"""How tensors reach the compiled kernels: as rows, with their bits, on as many threads as torch uses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numba
import numpy as np
import torch
from torch import Tensor

_UNSIGNED = {torch.float32: np.uint32, torch.float64: np.uint64}


def as_rows(x: Tensor) -> Tensor:
    """Return values or a mask [*rows, n] as contiguous [R, n]; half precision becomes float32."""
    x = x if x.dtype in _UNSIGNED or x.dtype == torch.bool else x.float()
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1]).contiguous()


def with_bits(x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return an array on the memory of a tensor, and the same as unsigned integers."""
    array = x.detach().numpy()
    return array, array.view(_UNSIGNED[x.dtype])


@contextmanager
def threads_of_torch() -> Iterator[None]:
    """Let the kernels use as many threads as torch does.

    When numba starts its threads, with the first call of ``get_num_threads``, it sets the number for all OpenMP code
    of the process, which is torch's too: that is put back.
    """
    threads = torch.get_num_threads()
    before = numba.get_num_threads()
    most: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined] # numba fills it in when imported
    numba.set_num_threads(min(threads, most))
    try:
        yield
    finally:
        numba.set_num_threads(before)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
