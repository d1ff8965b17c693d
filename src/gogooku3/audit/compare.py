"""Whether two runs show the same, bit for bit, and if not where they part first."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from gogooku3.audit.violation import Violation
from gogooku3.audit.witness import Sighting


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What one witness showed in two runs.

    Attributes:
        stage: Name of the witness.
        digest: SHA-256 over all names, labels and values that the run on the true bars showed.
        values: Numbers compared.
        violation: The first difference in time; None where there is none.
    """

    stage: str
    digest: str
    values: int
    violation: Violation | None


def compare(
    stage: str, before: Iterable[Sighting], after: Iterable[Sighting], folds: Collection[str]
) -> Comparison:
    """Compare what a witness saw in the run on the true bars with what it saw in the rebuild.

    Values are equal if their bits are, or if both are NaN. Sightings are matched by their order and names, stocks by
    code: one that a rebuild never saw has no value.

    Args:
        stage: Name of the witness.
        before: Seen in the run on the true bars.
        after: Seen in the rebuild.
        folds: Folds that the rebuild trains; sightings of other folds are not expected of it.
    """
    digest, values = hashlib.sha256(), 0
    found: list[Violation] = []
    rest = iter(after)
    for left in before:
        if left.fold and left.fold not in folds:
            continue
        _take(digest, left)
        values += left.values.size
        right = next(rest, None)
        if right is None or right.name != left.name:
            got = "nothing" if right is None else right.name
            found.append(Violation(stage=stage, name=left.name, detail=f"the rebuild shows {got} instead"))
            break
        difference = first_difference(stage, left, right)
        if difference is not None:
            found.append(difference)
    extra = next(rest, None) if not found else None
    if extra is not None:
        found.append(Violation(stage=stage, name=extra.name, detail="only the rebuild shows it"))
    first = min(found, key=lambda v: (v.session is None, v.session or "")) if found else None
    return Comparison(stage=stage, digest=digest.hexdigest(), values=values, violation=first)


def first_difference(stage: str, left: Sighting, right: Sighting) -> Violation | None:
    """Return where two sightings of the same thing differ first, in time, then by stock; None if nowhere."""
    where = {"stage": stage, "name": left.name}
    if (left.sessions is None) != (right.sessions is None) or (
        left.sessions is not None
        and right.sessions is not None
        and not np.array_equal(left.sessions, right.sessions)
    ):
        return Violation(
            **where, detail="the rebuild has other sessions", session=_first_session(left, right)
        )
    if left.columns != right.columns:
        return Violation(**where, detail="the rebuild has other columns")
    a, b, codes = _aligned(left, right)
    if a.shape != b.shape or a.dtype != b.dtype:
        return Violation(**where, detail=f"{a.dtype}{list(a.shape)} became {b.dtype}{list(b.shape)}")
    differs = ~_same(a, b)
    if not differs.any():
        return None
    place = tuple(int(i) for i in np.argwhere(differs)[0])
    column = left.columns[place[-1]] if left.columns else ""
    return Violation(
        stage=stage,
        name=f"{left.name}, {column}" if column else left.name,
        detail=f"{a[place]} became {b[place]}; {int(differs.sum()):,} of {differs.size:,} values differ",
        session=None if left.sessions is None else str(left.sessions[place[0]]),
        stock=None if codes is None else codes[place[1]],
    )


def _same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind != "f":
        same: np.ndarray = a == b
        return same
    kind = np.dtype(f"i{a.dtype.itemsize}")
    left, right = np.ascontiguousarray(a), np.ascontiguousarray(b)
    bits: np.ndarray = left.view(kind) == right.view(kind)
    if bits.all():
        return bits
    bits |= np.isnan(left) & np.isnan(right)
    return bits


def _aligned(left: Sighting, right: Sighting) -> tuple[np.ndarray, np.ndarray, tuple[str, ...] | None]:
    if left.codes == right.codes or left.codes is None or right.codes is None:
        return left.values, right.values, left.codes
    codes = tuple(sorted({*left.codes, *right.codes}))
    return _on(left, left.codes, codes), _on(right, right.codes, codes), codes


def _on(sighting: Sighting, own: tuple[str, ...], codes: tuple[str, ...]) -> np.ndarray:
    values = sighting.values
    place = {code: n for n, code in enumerate(codes)}
    blank = np.nan if values.dtype.kind == "f" else 0
    grid = np.full((values.shape[0], len(codes), *values.shape[2:]), blank, dtype=values.dtype)
    grid[:, [place[code] for code in own]] = values
    return grid


def _take(digest: hashlib._Hash, sighting: Sighting) -> None:
    days = None if sighting.sessions is None else sighting.sessions.astype(str).tolist()
    labels = (sighting.name, days, sighting.codes, sighting.columns)
    digest.update(repr((labels, sighting.values.shape, sighting.values.dtype.str)).encode())
    digest.update(sighting.values.tobytes())


def _first_session(left: Sighting, right: Sighting) -> str | None:
    if left.sessions is None or right.sessions is None:
        return None
    odd = np.setxor1d(left.sessions, right.sessions)
    return str(odd[0]) if odd.size else None
