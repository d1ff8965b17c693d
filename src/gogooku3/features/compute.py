"""Features of a block of sessions, from nothing but the sessions each declares."""

from __future__ import annotations

import numpy as np

from gogooku3.axes import FeatureLNF
from gogooku3.errors import DataError
from gogooku3.features.fields import Fields
from gogooku3.features.registry import FeatureSet


def compute(features: FeatureSet, fields: Fields, start: int, stop: int) -> FeatureLNF:
    """Return the exported features of sessions [start, stop) as float32 [L, N, F].

    Each function is handed exactly the rows its window covers, so a value cannot depend on sessions outside its
    lookback, and a block's values do not depend on which blocks are computed beside it. Values on sessions
    where the stock has no bar are whatever the window gives; the panel masks them.

    Raises:
        DataError: A feature returned another shape than its inputs imply.
    """
    warm_up = features.warm_up()
    width = fields.grids["loglink"].shape[1]
    out = np.empty((stop - start, width, len(features.exported)), dtype=np.float32)
    column = {name: i for i, name in enumerate(features.exported)}
    held: dict[str, np.ndarray] = {}
    readers = _readers(features)
    for name in features.order:
        item = features.by_name[name]
        first = start - warm_up[name]
        inputs = [
            _input(features, fields, held, warm_up, other, first - item.window + 1, start, stop)
            for other in item.inputs
        ]
        with np.errstate(invalid="ignore", divide="ignore"):
            value = item.function(*inputs)
        if value.shape != (stop - first, width):
            raise DataError(
                "a feature has the wrong shape", where=name, got=value.shape, expected=(stop - first, width)
            )
        if name in column:
            out[:, :, column[name]] = value[warm_up[name] :]
        held[name] = value
        for other in item.inputs:
            readers[other] -= 1
            if readers[other] == 0:
                held.pop(other, None)
        if readers[name] == 0:
            del held[name]
    return out


def _readers(features: FeatureSet) -> dict[str, int]:
    count = dict.fromkeys((*features.by_name, *features.base), 0)
    for item in features.by_name.values():
        for other in item.inputs:
            count[other] += 1
    return count


def _input(
    features: FeatureSet,
    fields: Fields,
    held: dict[str, np.ndarray],
    warm_up: dict[str, int],
    name: str,
    first: int,
    start: int,
    stop: int,
) -> np.ndarray:
    if name in features.base:
        return fields.rows(name, first, stop)
    return held[name][first - (start - warm_up[name]) :]
