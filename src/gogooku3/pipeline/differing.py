"""In which settings two descriptions of the same work differ."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

_LONG = 8


def differing(
    before: Mapping[str, Any], now: Mapping[str, Any], *, then: str, free: Collection[str] = ()
) -> list[str]:
    """Name every field of ``now`` that differs, nested ones by dotted name, with both values.

    Args:
        before: What held then; fields that ``now`` does not have do not count.
        now: What holds now.
        then: When that was, such as "at the build".
        free: Dotted names that may differ.
    """
    left, right = dict(_flat({key: before.get(key) for key in now})), dict(_flat(now))
    return [
        f"{key}: {_shown(left.get(key))} {then}, {_shown(right.get(key))} now"
        for key in sorted({*left, *right})
        if key not in free and left.get(key) != right.get(key)
    ]


def _flat(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{before}{key}.")
        else:
            yield f"{before}{key}", item


def _shown(value: object) -> str:
    """Shorten digests, and long lists to their ends."""
    if isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value):
        return value[:12]
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) > _LONG:
        return f"{len(value)} from {value[0]} to {value[-1]}"
    return str(value)
