"""Features of a block of sessions, from nothing but the sessions each declares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gogooku3.axes import FeatureLNF, FloatLN
from gogooku3.errors import DataError
from gogooku3.features.columns import Columns
from gogooku3.features.fields import Fields
from gogooku3.features.registry import Feature, FeatureSet


def compute(features: FeatureSet, fields: Fields, start: int, stop: int) -> FeatureLNF:
    """Return the exported features of sessions [start, stop) as float32 [L, N, F].

    Each function is handed exactly the rows its window covers, so a value cannot depend on sessions outside its
    lookback, and a block's values do not depend on which blocks are computed beside it. Values on sessions
    where the stock has no bar are whatever the window gives; the panel masks them.

    Raises:
        DataError: A feature returned another shape than its inputs imply.
    """
    return FeatureStream(features, fields).block(start, stop)


class FeatureStream:
    """Features of consecutive blocks: rows that the next block reads again are kept, not computed again.

    Args:
        features: What to compute.
        fields: What from.
    """

    def __init__(self, features: FeatureSet, fields: Fields) -> None:
        self._features, self._fields = features, fields
        self._warm_up = features.warm_up()
        self._kept: dict[str, FloatLN] = {}
        self._stop = -1

    def block(self, start: int, stop: int) -> FeatureLNF:
        """Return the features of sessions [start, stop), the same bits whatever was asked for before.

        Raises:
            DataError: A feature returned another shape than its inputs imply.
        """
        kept = self._kept if self._stop == start else {}
        block = _Block(self._features, self._fields, self._warm_up, kept, (start, stop))
        width = self._fields.grids["loglink"].shape[1]
        out = np.empty((stop - start, width, len(self._features.exported)), dtype=np.float32)
        column = {name: i for i, name in enumerate(self._features.exported)}
        columns = Columns(out)
        for name in self._features.order:
            value = block.make(name)
            if name in column:
                columns.add(value[len(value) - (stop - start) :], column[name])
        columns.flush()
        self._kept, self._stop = block.tails, stop
        return out


class _Block:
    """Values of a block with the warm-up that later features need, dropped after their last reader."""

    def __init__(
        self,
        features: FeatureSet,
        fields: Fields,
        warm_up: dict[str, int],
        kept: dict[str, FloatLN],
        span: tuple[int, int],
    ) -> None:
        self.features, self.fields, self.warm_up, self.kept = features, fields, warm_up, kept
        self.start, self.stop = span
        self.held: dict[str, FloatLN] = {}
        self.tails: dict[str, FloatLN] = {}
        self.shared: dict[str, Sequence[FloatLN]] = {}
        self.readers = dict.fromkeys((*features.by_name, *features.base), 0)
        for item in features.by_name.values():
            for other in item.inputs:
                self.readers[other] += 1
        self.waiting = {call: len(names) for call, names in features.groups.items()}

    def make(self, name: str) -> FloatLN:
        """Compute a feature from inputs that are there already; rows kept from the block before come first."""
        item = self.features.by_name[name]
        before = self.kept.get(name)
        first = self.start if before is not None else self.start - self.warm_up[name]
        value = self._call(item, first)
        expected = (self.stop - first, self.fields.grids["loglink"].shape[1])
        if value.shape != expected:
            raise DataError("a feature has the wrong shape", where=name, got=value.shape, expected=expected)
        if before is not None:
            value = np.concatenate([before, value])
        if self.warm_up[name]:
            self.tails[name] = value[len(value) - self.warm_up[name] :].copy()
        self.held[name] = value
        self._release(item)
        return value

    def _call(self, item: Feature, first: int) -> FloatLN:
        made = self.shared.get(item.shared)
        if made is None:
            inputs = [self._rows(other, first - item.window + 1) for other in item.inputs]
            with np.errstate(invalid="ignore", divide="ignore"):
                made = item.function(*inputs)
        if not item.shared:
            alone: FloatLN = np.asarray(made)
            return alone
        self.shared[item.shared] = made
        self.waiting[item.shared] -= 1
        if self.waiting[item.shared] == 0:
            del self.shared[item.shared]
        return made[item.output]

    def _release(self, item: Feature) -> None:
        for other in (*item.inputs, item.name):
            self.readers[other] -= other != item.name
            if self.readers[other] == 0:
                self.held.pop(other, None)

    def _rows(self, name: str, first: int) -> np.ndarray:
        if name in self.features.base:
            return self.fields.rows(name, first, self.stop)
        return self.held[name][first - (self.start - self.warm_up[name]) :]
