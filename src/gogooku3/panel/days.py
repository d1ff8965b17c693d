"""Digests of single sessions, which do not depend on how sessions are laid out in files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from gogooku3.axes import BoolLN


def day_digests(
    sessions: np.ndarray, codes: Sequence[str], present: BoolLN, columns: Mapping[str, np.ndarray]
) -> list[str]:
    """Return a SHA-256 per session of the date and of the codes and values of the stocks that have a bar.

    Args:
        sessions: datetime64[D] array of shape [L].
        codes: Sorted stock codes, length Ns.
        present: Who has a bar, [L, Ns].
        columns: Arrays [L, Ns, ...] by name; their order counts.
    """
    names = np.array(codes, dtype=object)
    days = []
    for row, session in enumerate(sessions):
        held = np.flatnonzero(present[row])
        everyone = held.size == len(codes)
        digest = hashlib.sha256(f"{session}\n{chr(10).join(names[held])}\n".encode())
        for name, column in columns.items():
            values = column[row] if everyone else column[row][held]
            digest.update(f"{name} {values.dtype}\n".encode())
            digest.update(np.ascontiguousarray(values).data)
        days.append(digest.hexdigest())
    return days
