"""Parts of segments become one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gogooku3.panel.labels import Labels
from gogooku3.panel.mapped import MappedSegment
from gogooku3.panel.segment import Segment

_ARRAYS = ("features", "present", "universe", "targets", "target_ranks")


def part_of(mapped: MappedSegment, rows: slice, labels: Labels | None) -> Segment:
    """Return some sessions of a mapped segment, with other labels where they are given."""
    grids = {name: mapped.column(name)[rows] for name in _ARRAYS}
    if labels is not None:
        grids |= {"targets": labels.targets[rows], "target_ranks": labels.target_ranks[rows]}
    fields = {name: mapped.column(name)[rows] for name in mapped.known.axes.field_names}
    held = np.flatnonzero(grids["present"].any(axis=0))
    return Segment(
        sessions=mapped.sessions[rows],
        codes=tuple(mapped.codes[n] for n in held),
        fields={name: np.ascontiguousarray(grid[:, held]) for name, grid in fields.items()},
        **{name: np.ascontiguousarray(grid[:, held]) for name, grid in grids.items()},
    )


def stitch(parts: Sequence[Segment]) -> Segment:
    """Join segments that follow each other, on the axis of all their stocks."""
    if len(parts) == 1:
        return parts[0]
    codes = tuple(sorted({code for part in parts for code in part.codes}))
    place = {code: n for n, code in enumerate(codes)}
    columns = [np.array([place[code] for code in part.codes], dtype=np.int64) for part in parts]
    bounds = np.cumsum([0, *(len(part.sessions) for part in parts)])

    def joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
        first = arrays[0]
        nothing = False if first.dtype == np.bool_ else np.nan
        whole = np.full((int(bounds[-1]), len(codes), *first.shape[2:]), nothing, dtype=first.dtype)
        for array, column, start, stop in zip(arrays, columns, bounds[:-1], bounds[1:], strict=True):
            whole[start:stop, column] = array
        return whole

    return Segment(
        sessions=np.concatenate([part.sessions for part in parts]),
        codes=codes,
        fields={name: joined([part.fields[name] for part in parts]) for name in parts[0].fields},
        **{name: joined([getattr(part, name) for part in parts]) for name in _ARRAYS},
    )
