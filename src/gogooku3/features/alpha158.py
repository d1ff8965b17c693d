"""The ``alpha158`` feature set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gogooku3.axes import BoolLN, FloatLN, FloatWN
from gogooku3.features import kernels
from gogooku3.features.alpha.bar import BAR, bar_shape
from gogooku3.features.alpha.closes import CLOSES, TIE, rolling_closes
from gogooku3.features.alpha.correlation import FLAT, rolling_correlation
from gogooku3.features.alpha.formulas import FORMULAS, WINDOWS
from gogooku3.features.alpha.quantiles import rolling_quantiles
from gogooku3.features.alpha.ranges import RANGES, rolling_ranges
from gogooku3.features.alpha.volumes import CHANGES, LEVELS, rolling_changes, rolling_volumes
from gogooku3.features.fields import BASE_FIELDS
from gogooku3.features.helpers import combined, enough, field
from gogooku3.features.registry import Feature, FeatureSet


def alpha158() -> FeatureSet:
    """Qlib's published Alpha158 but for VWAP0: 157 features of the published names, order and formulas.

    Where a stock has a bar, with a known return since the bar before and some volume, on every session that a formula
    reads, the value is the formula's on adjusted prices. What Qlib leaves to the scale of its data is settled thus:

    - Prices enter as shares of the window's last close (within the bar, of the open); those within 1e-11 are equal.
      RSQR and CORR are missing where closes do not move at all (Qlib: where their standard deviation is at most
      2e-5 in whatever unit the prices have).
    - The 1e-12 in denominators, and the 1 in ``Log($volume+1)``, are taken as negligible: a ratio without range,
      moves or changes is 0. A session without volume is missing in CORR, and VMA and VSTD are missing on it.

    Windows with gaps take what is there, if that is ``COVERAGE`` of the sessions; Qlib takes a single observation.
    Moves and changes are between neighbouring bars (CORD: neighbouring sessions), ROC reaches to the last bar at or
    before its session, IMAX and IMIN count sessions, and prices before an unknown return are out of reach.
    """
    made = _bar() + [feature for d in WINDOWS for feature in _rolling(d)]
    by_name = {feature.name: feature for feature in made}
    return FeatureSet([*_fields(), *(by_name[name] for name in FORMULAS)], BASE_FIELDS)


def _fields() -> list[Feature]:
    return [
        field("step", ("loglink",), _step, "log return, 0 where it is only rounding"),
        field("gross", ("step",), np.exp, "gross return since the bar before"),
        field("back", ("step", "present"), _back, "factor from a close to the close before it"),
        field("bar", ("present",), lambda p: np.where(p, 1.0, np.nan), "1 where the stock has a bar"),
        combined("high_close", "field", ("log_high", "intraday"), _ratio, "high over close"),
        combined("low_close", "field", ("log_low", "intraday"), _ratio, "low over close"),
        field("log_volume", ("volume",), _log_positive, "log of volume, missing where there is none"),
        field("log_growth", ("volume",), _log_growth, "log of 1 plus volume over the session before's", 2),
        field("moved", ("gross", "volume"), lambda g, v: np.abs(g - 1.0) * v, "volume times absolute return"),
    ]


def _bar() -> list[Feature]:
    return _group("bar", BAR, ("intraday", "log_high", "log_low"), 1, bar_shape)


def _rolling(d: int) -> list[Feature]:
    need = enough(d)

    def closes(back: FloatWN, bar: FloatWN) -> np.ndarray:
        return rolling_closes(back, bar, d, need)

    def ranges(back: FloatWN, high: FloatWN, low: FloatWN) -> np.ndarray:
        return rolling_ranges(back, high, low, d, need)

    def quantiles(back: FloatWN, bar: FloatWN) -> np.ndarray:
        return rolling_quantiles(back, bar, d, need, (0.8, 0.2))

    def volumes(volume: FloatWN) -> np.ndarray:
        return rolling_volumes(volume, d, need)

    def changes(volume: FloatWN) -> np.ndarray:
        return rolling_changes(volume, d + 1, need)

    return [
        *_group("closes", _of(CLOSES, d), ("back", "bar"), d, closes),
        *_group("ranges", _of(RANGES, d), ("back", "high_close", "low_close"), d, ranges),
        *_group("quantiles", _of(("QTLU", "QTLD"), d), ("back", "bar"), d, quantiles),
        *_group("volumes", _of(LEVELS, d), ("volume",), d, volumes),
        *_group("volume changes", _of(CHANGES, d), ("volume",), d + 1, changes),
        *_price_and_volume(d, need),
    ]


def _price_and_volume(d: int, need: int) -> list[Feature]:
    def corr(back: FloatWN, bar: FloatWN, volume: FloatWN) -> FloatLN:
        return rolling_correlation(back, bar, volume, d, (need, 0.0, FLAT))

    def cord(gross: FloatWN, growth: FloatWN) -> FloatLN:
        return rolling_correlation(np.ones_like(gross), gross, growth, d, (need, FLAT, FLAT))

    def wvma(moved: FloatWN) -> FloatLN:
        mean = kernels.rolling_mean(moved, d, need)
        return kernels.rolling_std(moved, d, need) / np.where(mean == 0.0, 1.0, mean)

    family = "price and volume"
    return [
        *_group(family, _of(("CORR",), d), ("back", "bar", "log_volume"), d, corr),
        *_group(family, _of(("CORD",), d), ("gross", "log_growth"), d, cord),
        *_group(family, _of(("WVMA",), d), ("moved",), d, wvma),
    ]


def _of(names: tuple[str, ...], d: int) -> tuple[str, ...]:
    return tuple(f"{name}{d}" for name in names)


def _group(
    family: str, names: tuple[str, ...], inputs: tuple[str, ...], window: int, function: Callable[..., Any]
) -> list[Feature]:
    """Features of one call; a single one is the array that the call returns."""
    return [
        Feature(
            name=name,
            family=family,
            inputs=inputs,
            window=window,
            function=function,
            meaning=FORMULAS[name],
            shared=f"{family} {window}" if len(names) > 1 else "",
            output=output,
        )
        for output, name in enumerate(names)
    ]


def _step(link: FloatLN) -> FloatLN:
    return np.where(np.abs(link) <= TIE, 0.0, link)


def _back(step: FloatLN, present: BoolLN) -> FloatLN:
    return np.where(present, np.exp(-step), 1.0)


def _ratio(top: FloatLN, bottom: FloatLN) -> FloatLN:
    return np.exp(top - bottom)


def _log_positive(x: FloatLN) -> FloatLN:
    return np.log(np.where(x > 0.0, x, np.nan))


def _log_growth(volume: FloatWN) -> FloatLN:
    before = volume[:-1]
    return np.log1p(volume[1:] / np.where(before > 0.0, before, np.nan))
