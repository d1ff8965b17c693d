"""Random training states, and whether two are the same bit for bit."""

from __future__ import annotations

import struct

import numpy as np
import torch
from hypothesis import strategies as st

DTYPES = (
    torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.bool, torch.complex64, torch.float8_e4m3fn,
    torch.float8_e5m2,
)  # fmt: skip


def random_tensor(seed: int, dtype: torch.dtype, shape: tuple[int, ...], stepped: bool) -> torch.Tensor:
    """Random bits of any type, NaNs with payload among them; ``stepped`` makes it a view that is not contiguous."""
    width = torch.empty((), dtype=dtype).element_size()
    full = (*shape[:-1], 2 * shape[-1]) if stepped and shape else shape
    raw = np.random.default_rng(seed).integers(0, 256, size=int(np.prod(full)) * width, dtype=np.uint8)
    if dtype is torch.bool:
        raw &= 1
    tensor = torch.frombuffer(raw, dtype=dtype).reshape(full) if raw.size else torch.empty(full, dtype=dtype)
    return tensor[..., ::2] if stepped and shape else tensor


tensors = st.builds(
    random_tensor,
    st.integers(0, 2**32),
    st.sampled_from(DTYPES),
    st.lists(st.integers(0, 4), max_size=3).map(tuple),
    st.booleans(),
)
arrays = st.builds(
    lambda seed, dtype, shape: np.random.default_rng(seed).integers(0, 2**16, size=shape).astype(dtype),
    st.integers(0, 2**32),
    st.sampled_from(["f4", "f8", "i8", "u8", "u4", "?"]),
    st.lists(st.integers(0, 3), max_size=2).map(tuple),
)
texts = st.text(st.characters(codec="utf-8"), max_size=6)
names = texts | st.sampled_from(["a.b", "$tensor", "$int", "", "0", "__metadata__"])
keys = names | st.integers(-(2**70), 2**70)
leaves = st.none() | st.booleans() | st.integers(-(2**130), 2**130) | st.floats() | texts | tensors | arrays
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)
states = st.dictionaries(names, values, max_size=5)


def same(left: object, right: object) -> bool:
    """Whether type, order and every bit agree; strides and devices do not count."""
    if type(left) is not type(right):
        return False
    if isinstance(left, torch.Tensor):
        return left.dtype == right.dtype and left.shape == right.shape and _bytes(left) == _bytes(right)
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
    if isinstance(left, float):
        return struct.pack("d", left) == struct.pack("d", right)
    if isinstance(left, dict):
        pairs = zip(left.items(), right.items(), strict=True)
        return len(left) == len(right) and all(same(a, b) and same(x, y) for (a, x), (b, y) in pairs)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    return left == right


def _bytes(tensor: torch.Tensor) -> bytes:
    return bytes(tensor.clone(memory_format=torch.contiguous_format).untyped_storage())
