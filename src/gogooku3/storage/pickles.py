"""Pickles are called by their name where something else was expected; none is ever read."""

from __future__ import annotations

import pickletools
import warnings
from itertools import islice

_HEAD = 65_536
_LOOKED_AT = 4096
_ZIP = b"PK\x03\x04"
_PROTOCOL = 0x80
_NEWEST = 5


def name_pickle(data: bytes) -> str | None:
    """Say which kind of pickle the bytes look like, None if they do not; nothing of them is run.

    A safetensors file may begin with the two bytes of a pickle's protocol (its header's length does), so this names
    what was already refused and refuses nothing by itself.
    """
    if data[:4] == _ZIP and b".pkl" in data[:_HEAD]:
        return "an archive of torch.save, which holds a pickle"
    if len(data) > 1 and data[0] == _PROTOCOL and data[1] <= _NEWEST and not _is_header(data):
        return f"a pickle of protocol {data[1]}"
    return "a pickle" if _stops(data[:_HEAD]) else None


def _is_header(data: bytes) -> bool:
    """Tell whether a length of eight bytes and an opening brace come first, as in a safetensors file."""
    return data[8:9] == b"{"


def _stops(head: bytes) -> bool:
    """Tell whether the bytes are opcodes up to a STOP, after at least one other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of strange escapes in what is no pickle
        try:
            opcodes = [opcode.name for opcode, _, _ in islice(pickletools.genops(head), _LOOKED_AT)]
        except (ValueError, LookupError, EOFError, OverflowError):
            return False
    return len(opcodes) > 1 and opcodes[-1] == "STOP"
