"""What a safetensors file says of itself, checked before a tensor of it is used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from gogooku3.errors import StorageError
from gogooku3.storage.pickles import name_pickle

HEADER_LIMIT = 4 * 2**20
"""Bytes of a header at most: some 30,000 tensors. A header is parsed before anything can be checked."""

_PREFIX = 8
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E5M2FNUZ": 8, "F8_E4M3FNUZ": 8,
    "U16": 16, "I16": 16, "F16": 16, "BF16": 16, "U32": 32, "I32": 32, "F32": 32,
    "U64": 64, "I64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TensorEntry:
    """A tensor of a file.

    Attributes:
        dtype: Type by safetensors' name, such as ``F32``.
        shape: Length of each axis.
    """

    dtype: str
    shape: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the entry as JSON."""
        return {"dtype": self.dtype, "shape": list(self.shape)}


def tensor_entries(data: bytes, where: object) -> dict[str, TensorEntry]:
    """Read the header of a whole safetensors file and check that its tensors fill the file, one after the other.

    Args:
        data: Every byte of the file.
        where: Its name, for errors.

    Returns:
        Type and shape by name; the notes that a header may carry (``__metadata__``) are not among them.

    Raises:
        StorageError: It is a pickle, cut off, has a header above ``HEADER_LIMIT``, or a header that does not
            describe the bytes after it.

    Source: the format's description, https://huggingface.co/docs/safetensors.
    """
    length = int.from_bytes(data[:_PREFIX], "little")
    if len(data) <= _PREFIX or data[_PREFIX : _PREFIX + 1] != b"{":
        raise _refused(where, name_pickle(data) or f"{len(data)} bytes that are none", "a safetensors file")
    if length > HEADER_LIMIT:
        raise _refused(where, f"a header of {length:,} bytes", f"at most {HEADER_LIMIT:,}")
    if _PREFIX + length > len(data):
        raise _refused(
            where, f"{len(data):,} bytes", f"at least {_PREFIX + length:,}, by its header's length"
        )
    header = _parsed(data[_PREFIX : _PREFIX + length], where)
    return _placed(header, len(data) - _PREFIX - length, where)


def _parsed(text: bytes, where: object) -> dict[str, Any]:
    try:
        header: dict[str, Any] = json.loads(text.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _refused(where, f"a header that is no JSON: {error}", "a safetensors header") from error
    notes = header.pop("__metadata__", {})
    if not isinstance(notes, dict) or not all(isinstance(value, str) for value in notes.values()):
        raise _refused(where, "a header of another form", "tensors by name, and notes of text")
    return header


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _placed(header: Mapping[str, Any], size: int, where: object) -> dict[str, TensorEntry]:
    """Check that the tensors lie one after the other, without gaps, up to the end."""
    found, ends = {}, []
    for name, entry in header.items():
        try:
            dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            numbers = [begin, end, *shape]
            good = len(entry) == 3 and all(type(n) is int and n >= 0 for n in numbers)
            good = good and (end - begin) * 8 == prod(shape) * _BITS[dtype]
        except (KeyError, TypeError, ValueError) as error:
            raise _refused(
                where, f"tensor {name!r} with entry {entry}", "dtype, shape and offsets"
            ) from error
        if not good:
            raise _refused(
                where, f"tensor {name!r} with entry {entry}", "offsets that fit its type and shape"
            )
        found[name] = TensorEntry(dtype=dtype, shape=tuple(shape))
        ends.append((begin, end))
    place = 0
    for begin, end in sorted(ends):
        if begin != place:
            raise _refused(
                where, f"a gap or an overlap at byte {place:,} of the tensors", "one after the other"
            )
        place = end
    if place != size:
        raise _refused(where, f"{size:,} bytes of tensors", f"{place:,}, by its header")
    return found


def _refused(where: object, got: str, expected: str) -> StorageError:
    return StorageError(
        "a file of tensors is damaged or something else",
        where=where,
        got=got,
        expected=expected,
        remedy="use the file as it was written",
    )
