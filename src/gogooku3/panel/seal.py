"""A segment file vouches for itself: its header at opening, each column at its first use.

An Arrow IPC file is a magic word, a schema message, a batch message, the batch's body, and a footer. The
metadata of the schema, in the first message and again in the footer, holds a seal: the SHA-256 of all that is
outside the body, with its own digits as zeros. What is sealed includes the SHA-256 of every column, and what
lies between the columns is zero. So every byte is covered, and a damaged header is found before it is
interpreted. In version 1 the seal had a second SHA-256, of the whole body.
"""

from __future__ import annotations

import hashlib
import mmap
import re
from dataclasses import dataclass
from pathlib import Path

from gogooku3.errors import PanelError
from gogooku3.panel.faults import REBUILD, damaged

FORMAT_VERSION = 2
READABLE = (1, 2)
_MAGIC = b"ARROW1"
_ZEROS = b"0" * 64
_SEAL = re.compile(rb"gogooku3-segment-v(\d+):([0-9a-f]{64})([0-9a-f]{64})?")
BLANK_SEAL = f"gogooku3-segment-v{FORMAT_VERSION}:{_ZEROS.decode()}"


@dataclass(frozen=True, kw_only=True)
class Seal:
    """The seal of a segment file and where its body lies.

    Attributes:
        version: Version of the format.
        header: SHA-256 of everything but the body; since that holds the body's digests, it stands for the file.
        body: SHA-256 of the bytes from ``start`` to ``stop``; empty since version 2.
        start, stop: Extent of the body in the file.
    """

    version: int
    header: str
    body: str
    start: int
    stop: int

    def check_body(self, data: memoryview, where: Path) -> None:
        """Raise a PanelError unless the body of a file of version 1 is what was written."""
        got = _digest(data[self.start : self.stop])
        if got != self.body:
            raise damaged(where, f"a body of SHA-256 {got}", self.body)


def seal_file(path: Path) -> Seal:
    """Fill in the seal of a new file that has ``BLANK_SEAL`` in its schema metadata."""
    with path.open("r+b") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        with memoryview(data) as view:
            start, stop = _body_extent(view, path)
        places = [match.start(2) for match in _SEAL.finditer(data[:start])]
        places += [stop + match.start(2) for match in _SEAL.finditer(data[stop:])]
        if len(places) != 2:
            raise PanelError(
                "a name holds the text of a seal", where=path, remedy="rename that feature or code"
            )
        header = _digest(data[:start], data[stop:])
        for place in places:  # not through the map, where a full disk would be a signal instead of an error
            handle.seek(place)
            handle.write(header.encode())
    return Seal(version=FORMAT_VERSION, header=header, body="", start=start, stop=stop)


def read_seal(data: memoryview, where: Path) -> Seal:
    """Return the seal of a mapped file after checking the header against it.

    Raises:
        PanelError: The file is no segment, of another format version, truncated, or its header is damaged.
    """
    start, stop = _body_extent(data, where)
    head, tail = bytes(data[:start]), bytes(data[stop:])
    seals = {*_SEAL.findall(head), *_SEAL.findall(tail)}
    if not seals:
        raise PanelError(
            "a file is no panel segment", where=where, got="Arrow without a seal", remedy=REBUILD
        )
    if len(seals) > 1:
        raise damaged(where, "a header that contradicts its footer")
    version, header, body = seals.pop()
    if int(version) not in READABLE or (version == b"1") != bool(body):
        raise PanelError(
            "a panel segment is of another format version",
            where=where,
            got=int(version),
            expected=" or ".join(map(str, READABLE)),
            remedy=f"read it with the version of gogooku3 that wrote it, or {REBUILD}",
        )
    if _digest(_blank(head), _blank(tail)) != header.decode():
        raise damaged(where, "a header that does not fit its seal")
    return Seal(version=int(version), header=header.decode(), body=body.decode(), start=start, stop=stop)


def _digest(*parts: bytes | memoryview) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _blank(header: bytes) -> bytes:
    return _SEAL.sub(
        lambda match: b"gogooku3-segment-v" + match[1] + b":" + _ZEROS + (match[3] or b""), header
    )


def _body_extent(data: memoryview, where: Path) -> tuple[int, int]:
    """Walk the frames of the file; nothing in them is interpreted but lengths."""
    if bytes(data[:6]) != _MAGIC:
        raise PanelError("a file is no panel segment", where=where, got="no Arrow file", remedy=REBUILD)
    if len(data) < 18 or bytes(data[-6:]) != _MAGIC:
        raise damaged(where, f"{len(data)} bytes without the end of an Arrow file")
    start = _message_end(data, _message_end(data, 8, where), where)
    footer = int.from_bytes(data[-10:-6], "little", signed=True)
    stop = len(data) - 10 - footer - 8
    if footer < 0 or stop < start:
        raise damaged(where, "frames that do not fit the file's length")
    return start, stop


def _message_end(data: memoryview, start: int, where: Path) -> int:
    length = int.from_bytes(data[start + 4 : start + 8], "little", signed=True)
    stop = start + 8 + length
    if bytes(data[start : start + 4]) != b"\xff\xff\xff\xff" or length <= 0 or stop > len(data):
        raise damaged(where, f"no Arrow message at byte {start}")
    return stop
