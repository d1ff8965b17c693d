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
    block = _Block(features, fields, start, stop)
    width = fields.grids["loglink"].shape[1]
    out = np.empty((stop - start, width, len(features.exported)), dtype=np.float32)
    column = {name: i for i, name in enumerate(features.exported)}
    for name in features.order:
        value = block.make(name)
        if name in column:
            out[:, :, column[name]] = value[len(value) - (stop - start) :]
    return out


class _Block:
    """Values of a block with the warm-up that later features need, dropped after their last reader."""

    def __init__(self, features: FeatureSet, fields: Fields, start: int, stop: int) -> None:
        self.features, self.fields = features, fields
        self.start, self.stop = start, stop
        self.warm_up = features.warm_up()
        self.held: dict[str, np.ndarray] = {}
        self.readers = dict.fromkeys((*features.by_name, *features.base), 0)
        for item in features.by_name.values():
            for other in item.inputs:
                self.readers[other] += 1

    def make(self, name: str) -> np.ndarray:
        """Compute a feature from inputs that are there already."""
        item = self.features.by_name[name]
        first = self.start - self.warm_up[name]
        inputs = [self._rows(other, first - item.window + 1) for other in item.inputs]
        with np.errstate(invalid="ignore", divide="ignore"):
            value = item.function(*inputs)
        expected = (self.stop - first, self.fields.grids["loglink"].shape[1])
        if value.shape != expected:
            raise DataError("a feature has the wrong shape", where=name, got=value.shape, expected=expected)
        self.held[name] = value
        for other in (*item.inputs, name):
            self.readers[other] -= other != name
            if self.readers[other] == 0:
                self.held.pop(other, None)
        return value

    def _rows(self, name: str, first: int) -> np.ndarray:
        if name in self.features.base:
            return self.fields.rows(name, first, self.stop)
        return self.held[name][first - (self.start - self.warm_up[name]) :]
