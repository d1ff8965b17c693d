"""One file of many parts: a zip archive in a form so plain that its parts determine every byte of it."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Mapping

from gogooku3.bundle.refused import refused
from gogooku3.storage.pickles import name_pickle

LARGEST = 2**30
"""Bytes of an archive at most; its parts are not compressed, so they cannot be more."""

MOST = 1000
"""Parts of an archive at most."""

_PLAIN_NAME = re.compile(r"[a-z0-9][\w-]*(\.\w+)?(/[\w-]+(\.[\w-]+)*)?", re.ASCII)
_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3I2H"), struct.Struct("<4s6H3I5H2I"), struct.Struct("<4s4H2IH")
_LOCAL_SIGN, _CENTRAL_SIGN, _END_SIGN = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION, _UNIX, _STORED, _FLAGS, _TIME, _DATE = (
    20,
    3 << 8,
    0,
    0,
    0,
    0x21,
)  # 1 January 1980, the first day there is
_RIGHTS = 0o100644 << 16


def zip_chunks(parts: Mapping[str, bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """Yield the bytes of the archive of some parts, in their order: stored, without times, owners or comments.

    Source: PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.
    """
    directory, at = [], 0
    for name, data in parts.items():
        text, check, size = name.encode("ascii"), zlib.crc32(data), len(data)
        common = (_VERSION, _FLAGS, _STORED, _TIME, _DATE, check, size, size, len(text), 0)
        yield _LOCAL.pack(_LOCAL_SIGN, *common) + text
        yield data
        directory.append(_CENTRAL.pack(_CENTRAL_SIGN, _UNIX | _VERSION, *common, 0, 0, 0, _RIGHTS, at) + text)
        at += _LOCAL.size + len(text) + size
    listed = b"".join(directory)
    yield listed
    yield _END.pack(_END_SIGN, 0, 0, len(parts), len(parts), len(listed), at, 0)


def unzip(data: bytes, where: object) -> dict[str, memoryview]:
    """Return the parts of an archive that `zip_chunks` wrote, in order, as views of its bytes.

    Raises:
        StorageError: It is something else, such as a pickle; an entry is compressed, is there twice, has a name that
            is not plain or says it is longer than the file; or any byte is not what `zip_chunks` writes.
    """
    if data[:4] != _LOCAL_SIGN:
        raise refused(where, name_pickle(data) or f"{len(data):,} bytes that are none", "a bundle")
    view, at = memoryview(data), 0
    parts: dict[str, memoryview] = {}
    while data[at : at + 4] == _LOCAL_SIGN:
        name, part = _entry(view, at, where)
        if name in parts:
            raise refused(where, f"part {name} twice", "each part once")
        parts[name] = part
        at += _LOCAL.size + len(name) + len(part)
        if len(parts) > MOST:
            raise refused(where, f"more than {MOST} parts", f"at most {MOST}")
    _refuse_other_bytes(view, parts, where)
    return parts


def check_name(name: str, where: object) -> None:
    """Refuse a name of a part that is not plain.

    Raises:
        StorageError: It is that of a pickle, absolute, climbs out of its folder or has unusual characters.
    """
    if name.endswith(".pkl"):
        raise refused(where, f"a pickle, {name}", "weights in .safetensors or .json")
    if not _PLAIN_NAME.fullmatch(name):
        raise refused(where, f"a part named {name!r}", "plain names, at most one folder deep, without ..")


def _entry(view: memoryview, at: int, where: object) -> tuple[str, memoryview]:
    head = view[at : at + _LOCAL.size]
    if len(head) < _LOCAL.size:
        raise refused(where, f"an end in the middle of an entry, at byte {len(view):,}", "a whole file")
    _, _, flags, method, _, _, _, packed, size, named, more = _LOCAL.unpack(head)
    begin = at + _LOCAL.size + named
    if begin > len(view):
        raise refused(where, f"an end in the middle of a name, at byte {len(view):,}", "a whole file")
    name = bytes(view[at + _LOCAL.size : begin]).decode("ascii", "backslashreplace")
    check_name(name, where)
    if method != _STORED or flags != _FLAGS or packed != size or more:
        raise refused(where, f"part {name} compressed, encrypted or with more fields", "stored parts")
    if begin + size > len(view):
        raise refused(where, f"part {name} of {size:,} bytes, {len(view) - begin:,} are left", "a whole file")
    return name, view[begin : begin + size]


def _refuse_other_bytes(view: memoryview, parts: Mapping[str, memoryview], where: object) -> None:
    at = 0
    for chunk in zip_chunks(parts):
        if view[at : at + len(chunk)] != chunk:
            raise refused(where, f"other bytes than its parts give, after byte {at:,}", "the file as written")
        at += len(chunk)
    if at != len(view):
        raise refused(where, f"{len(view) - at:,} bytes after its end", "the file as it was written")
