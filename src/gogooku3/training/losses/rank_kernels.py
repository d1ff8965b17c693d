"""Compiled for the CPU: ranks of rows by a radix sort and linear recurrences, in float64 whatever the scores are.

All kernels are in one file, since numba's cache does not see a change in a function that lies in another.
"""

from __future__ import annotations

import math

import numba
import numpy as np

_BITS = 11  # of a digit: its 2,048 counts stay in the first-level cache
_BUCKETS = 1 << _BITS


@numba.njit(cache=True, error_model="numpy")
def _radix_sort(keys: np.ndarray, order: np.ndarray) -> None:
    """Sort ``order`` by unsigned ``keys``, equal ones as they stand; both are overwritten, [n]."""
    size = keys.shape[0]
    width = np.uint64(_BITS)
    last = np.uint64(_BUCKETS - 1)
    digits = (8 * keys.itemsize + _BITS - 1) // _BITS
    counts = np.zeros((digits, _BUCKETS), dtype=np.int32)
    for i in range(size):
        key = np.uint64(keys[i])
        for digit in range(digits):
            counts[digit, key & last] += 1
            key >>= width
    from_keys, to_keys = keys, np.empty_like(keys)
    from_order, to_order = order, np.empty_like(order)
    for digit in range(digits):
        place = counts[digit]
        shift = np.uint64(digit * _BITS)
        if size == 0 or place[(np.uint64(from_keys[0]) >> shift) & last] == size:
            continue  # one digit for all
        start = 0
        for bucket in range(_BUCKETS):
            start, place[bucket] = start + place[bucket], start
        for i in range(size):
            key = from_keys[i]
            found = (np.uint64(key) >> shift) & last
            to_keys[place[found]] = key
            to_order[place[found]] = from_order[i]
            place[found] += 1
        from_keys, to_keys = to_keys, from_keys
        from_order, to_order = to_order, from_order
    order[:] = from_order


@numba.njit(cache=True, error_model="numpy")
def _valid_order(bits: np.ndarray, mask: np.ndarray, order: np.ndarray) -> int:
    """Write the columns of the valid values by rising value into ``order`` and return how many there are.

    Args:
        bits: The values' bits as unsigned integers, [N].
        mask: Which values are valid, [N].
        order: Overwritten, [N].
    """
    sign = np.uint64(1) << np.uint64(8 * bits.itemsize - 1)
    keys = np.empty(bits.shape[0], dtype=bits.dtype)
    size = 0
    for n in range(bits.shape[0]):
        if mask[n]:
            value = np.uint64(bits[n])
            keys[size] = ~value if value & sign else value | sign  # unsigned order is the order of the floats
            order[size] = n
            size += 1
    _radix_sort(keys[:size], order[:size])
    return size


@numba.njit(cache=True, error_model="numpy")
def _ordered(row: np.ndarray, order: np.ndarray, size: int) -> tuple[np.ndarray, float]:
    """Return the valid values by rising value, and 0, or NaN if one of them is not finite."""
    values = np.empty(size)
    finite = 0.0
    for k in range(size):
        values[k] = row[order[k]]
        finite += 0.0 * values[k]
    return values, finite


@numba.njit(cache=True, error_model="numpy")
def _soft_ranks(values: np.ndarray, finite: float, temperature: float, decay: np.ndarray) -> np.ndarray:
    """Return the soft ranks of rising values, [n], and write ``decay`` [n], see ``soft_rank_rows``.

    With sums over strictly lower and strictly higher values, tied ones get the same rank to the last bit.
    """
    size = values.shape[0]
    ranks = np.empty(size)
    below = finite
    lower = 0.0
    for k in range(size):
        decay[k] = math.exp((values[k - 1] - values[k]) / temperature) if k else finite
        below *= decay[k]
        if k == 0 or values[k] != values[k - 1]:
            lower = k - below
        ranks[k] = lower
        below += 1.0
    above = 0.0
    higher = 0.0
    for k in range(size - 1, -1, -1):
        if k == size - 1 or values[k] != values[k + 1]:
            higher = k + above
        ranks[k] = 1.0 + 0.5 * (ranks[k] + higher)
        above = (above + 1.0) * decay[k]
    return ranks


@numba.njit(cache=True, error_model="numpy")
def _soft_gradient(arriving: np.ndarray, decay: np.ndarray, temperature: float) -> np.ndarray:
    """Return the gradient in rising values from that in their soft ranks, [n]."""
    size = arriving.shape[0]
    result = np.empty(size)
    mass = 0.0
    weighted = 0.0
    for k in range(size):
        mass *= decay[k]
        weighted *= decay[k]
        result[k] = arriving[k] * mass - weighted
        mass += 1.0
        weighted += arriving[k]
    mass = 0.0
    weighted = 0.0
    for k in range(size - 1, -1, -1):
        result[k] = (result[k] + arriving[k] * mass - weighted) * (0.5 / temperature)
        mass = (mass + 1.0) * decay[k]
        weighted = (weighted + arriving[k]) * decay[k]
    return result


@numba.njit(cache=True, error_model="numpy")
def _average_ranks(row: np.ndarray, bits: np.ndarray, mask: np.ndarray, ranks: np.ndarray) -> None:
    """Write 1-based average ranks of the valid values into ``ranks``, [N]; other slots are left as they are."""
    order = np.empty(row.shape[0], dtype=np.int32)
    size = _valid_order(bits, mask, order)
    values, finite = _ordered(row, order, size)
    start = 0
    while start < size:
        stop = start + 1
        while stop < size and values[stop] == values[start]:
            stop += 1
        for k in range(start, stop):
            ranks[order[k]] = 0.5 * (start + stop + 1) + finite
        start = stop


@numba.njit(parallel=True, cache=True, error_model="numpy")
def soft_rank_rows(
    x: np.ndarray, bits: np.ndarray, mask: np.ndarray, temperature: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return soft ranks [R, N], and what their gradient needs: order [R, N], decay [R, N], valid values [R].

    ``decay[k]`` is exp(-gap / temperature) between the k-th valid value and the one before. ``decay[0]`` is 0, or
    NaN in a row with a value that is not finite, from where it reaches every rank.

    Args:
        x: Values, float32 or float64, [R, N].
        bits: The same memory as unsigned integers, [R, N].
        mask: Which values are valid, [R, N].
        temperature: In units of ``x``.
    """
    ranks = np.zeros(x.shape, dtype=x.dtype)
    order = np.zeros(x.shape, dtype=np.int32)
    decay = np.zeros(x.shape)
    count = np.zeros(x.shape[0], dtype=np.int64)
    for r in numba.prange(x.shape[0]):
        size = _valid_order(bits[r], mask[r], order[r])
        values, finite = _ordered(x[r], order[r], size)
        found = _soft_ranks(values, finite, temperature, decay[r])
        for k in range(size):
            ranks[r, order[r, k]] = found[k]
        count[r] = size
    return ranks, order, decay, count


@numba.njit(parallel=True, cache=True, error_model="numpy")
def soft_rank_gradient_rows(
    gradient: np.ndarray, order: np.ndarray, decay: np.ndarray, count: np.ndarray, temperature: float
) -> np.ndarray:
    """Return the gradient in the values, [R, N], from that in the ranks, [R, N], and what the ranks left."""
    result = np.zeros(gradient.shape, dtype=gradient.dtype)
    for r in numba.prange(gradient.shape[0]):
        arriving = np.empty(count[r])
        for k in range(count[r]):
            arriving[k] = gradient[r, order[r, k]]
        found = _soft_gradient(arriving, decay[r], temperature)
        for k in range(count[r]):
            result[r, order[r, k]] = found[k]
    return result


@numba.njit(parallel=True, cache=True, error_model="numpy")
def average_rank_rows(x: np.ndarray, bits: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return 1-based average ranks among the valid values of each row, 0 elsewhere, [R, N]."""
    ranks = np.zeros(x.shape, dtype=x.dtype)
    for r in numba.prange(x.shape[0]):
        _average_ranks(x[r], bits[r], mask[r], ranks[r])
    return ranks


_Bits = tuple[np.ndarray, np.ndarray]


@numba.njit(parallel=True, cache=True, error_model="numpy")
def spearman_rows(
    left: _Bits, right: _Bits, mask: np.ndarray, temperature: float, smallest: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return Pearson's correlation of soft and average ranks [R], and its gradient in the soft-ranked values [R, N].

    Both kinds of ranks of n values have the mean (n + 1) / 2, so that centring them adds nothing to the gradient.

    Args:
        left: Values for soft ranks and their bits, [R, N].
        right: Values for average ranks and their bits, [R, N].
        mask: Which values are valid, [R, N].
        temperature: In units of the left values.
        smallest: Standard deviation of ranks that is added, squared, to their variance.
    """
    (x, x_bits), (y, y_bits) = left, right
    rho = np.zeros(x.shape[0], dtype=x.dtype)
    gradient = np.zeros(x.shape, dtype=x.dtype)
    for r in numba.prange(x.shape[0]):
        order = np.empty(x.shape[1], dtype=np.int32)
        size = _valid_order(x_bits[r], mask[r], order)
        values, finite = _ordered(x[r], order, size)
        decay = np.empty(size)
        soft = _soft_ranks(values, finite, temperature, decay)
        hard = np.empty(x.shape[1])
        _average_ranks(y[r], y_bits[r], mask[r], hard)
        aligned = np.empty(size)
        xx = yy = size * smallest * smallest
        xy = 0.0
        for k in range(size):
            soft[k] -= 0.5 * (size + 1)
            aligned[k] = hard[order[k]] - 0.5 * (size + 1)
            xx += soft[k] * soft[k]
            yy += aligned[k] * aligned[k]
            xy += soft[k] * aligned[k]
        for k in range(size):
            aligned[k] = (aligned[k] - soft[k] * (xy / xx)) / math.sqrt(xx * yy)
        found = _soft_gradient(aligned, decay, temperature)
        for k in range(size):
            gradient[r, order[k]] = found[k]
        if size:
            rho[r] = xy / math.sqrt(xx * yy)
    return rho, gradient
