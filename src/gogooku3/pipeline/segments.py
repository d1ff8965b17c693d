"""Market to segments: features and labels of runs of sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from gogooku3.axes import BoolDN
from gogooku3.errors import PanelError
from gogooku3.features.alpha158 import alpha158
from gogooku3.features.compute import FeatureStream
from gogooku3.features.core import core
from gogooku3.features.fields import base_fields
from gogooku3.features.published import with_published
from gogooku3.features.registry import FeatureSet
from gogooku3.labels.forward import forward_returns
from gogooku3.labels.ranks import rank_targets
from gogooku3.labels.target import Target
from gogooku3.market.market import Market
from gogooku3.panel.panel_axes import PanelAxes
from gogooku3.panel.segment import Segment
from gogooku3.panel.settings import FeatureSetName, PanelSettings
from gogooku3.pipeline.published import NOTHING, Published

GRIDS = ("open", "high", "low", "close", "volume", "turnover", "factor")
"""The market's own grids, kept in the panel so that sessions can be added without the bars before them."""
FIELDS = (*GRIDS, "link")
_SETS: dict[FeatureSetName, Callable[[], FeatureSet]] = {"core": core, "alpha158": alpha158}


class SegmentMaker:
    """Computes segments of a market, in order or not; in order it computes no session twice.

    Args:
        market: The grids.
        member: The universe, [D, N].
        targets: Horizons and lags of the labels.
        settings: Feature set, type and length of segments.
        features: What to compute instead of the set that the settings name, such as a part of it.
        published: What was published of the stocks.

    Attributes:
        axes: Names along the axes of the panel.
        length: Sessions of a segment.
    """

    def __init__(
        self,
        market: Market,
        member: BoolDN,
        targets: Sequence[Target],
        settings: PanelSettings,
        features: FeatureSet | None = None,
        *,
        published: Published = NOTHING,
    ) -> None:
        features = feature_set(settings, published) if features is None else features
        self.market, self.member = market, member
        self.axes = PanelAxes(features.exported, tuple(targets), FIELDS, market.calendar, settings.dtype)
        self._stream = FeatureStream(features, base_fields(market, member, published.known))
        session = len(market.codes) * len(features.exported) * 4
        self.length = max(1, min(settings.segment_sessions, settings.segment_megabytes * 2**20 // session))

    def segment(self, start: int, stop: int) -> Segment:
        """Return sessions [start, stop) on the axis of the stocks that have a bar in them.

        Raises:
            PanelError: A feature does not fit the type it is stored in.
        """
        market, rows = self.market, slice(start, stop)
        present = market.present[rows]
        held = np.flatnonzero(present.any(axis=0))
        values = self._stream.block(start, stop)
        values[~present] = np.nan
        returns = forward_returns(market, self.axes.targets, start, stop)
        return Segment(
            sessions=market.sessions[rows],
            codes=tuple(market.codes[n] for n in held),
            features=self._stored(values if held.size == present.shape[1] else values[:, held]),
            present=present[:, held],
            universe=self.member[rows][:, held],
            targets=returns[:, held].astype(np.float32),
            target_ranks=rank_targets(returns, self.member[rows])[:, held],
            fields={name: getattr(market, name)[rows][:, held] for name in FIELDS},
        )

    def _stored(self, values: np.ndarray) -> np.ndarray:
        if self.axes.dtype == "float32":
            return values
        with np.errstate(over="ignore"):
            small = values.astype(np.float16)
        beyond = np.isinf(small).any(axis=(0, 1))
        if beyond.any():
            raise PanelError(
                "a feature does not fit float16",
                got=", ".join(np.array(self.axes.feature_names)[beyond]),
                expected="values up to 65,504",
                remedy="store the panel as float32 (panel.dtype)",
            )
        return small


def feature_set(settings: PanelSettings, published: Published = NOTHING) -> FeatureSet:
    """Return the features that the settings name, and those of what is published."""
    named = _SETS[settings.features]()
    if not published.known:
        return named
    return with_published(named, published.known, unadjusted=published.unadjusted)


def stock_table(market: Market) -> pl.DataFrame:
    """Return what the panel keeps of each stock."""
    sectors = (*market.sector_names, "")
    ended = np.isfinite(market.terminal_return)
    return pl.DataFrame(
        {
            "code": market.codes,
            "name": market.names,
            "sector": [sectors[index] for index in market.sector],
            "last_session": market.sessions[market.last_bar],
            "terminal_return": [
                float(x) if e else None for x, e in zip(market.terminal_return, ended, strict=True)
            ],
            "bars": market.present.sum(axis=0, dtype=np.int64),
        },
        schema_overrides={"last_session": pl.Date, "terminal_return": pl.Float64},
    )
