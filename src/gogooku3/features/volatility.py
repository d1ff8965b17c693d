"""Volatility from closes and from the day's range; the range of single days."""

from __future__ import annotations

import numpy as np

from gogooku3.axes import FloatLN, FloatWN
from gogooku3.features import kernels
from gogooku3.features.helpers import combined, enough, field, mean_of, std_of
from gogooku3.features.registry import Feature


def volatility() -> list[Feature]:
    """Standard deviations, shape of the distribution, and range estimators.

    Sources: Parkinson (1980), Garman and Klass (1980), Rogers and Satchell (1991).
    """
    made = [
        std_of(f"vol_{w}", "volatility", "loglink", w, f"daily volatility over {w} sessions")
        for w in (5, 10, 20, 60)
    ]
    made += [
        std_of(f"vol_{w}", "volatility", "loglink", w, f"daily volatility over {w} sessions")
        for w in (120, 250)
    ]
    made += [
        combined("vol_ratio_5_20", "volatility", ("vol_5", "vol_20"), _log_ratio, "log of vol_5 over vol_20"),
        combined(
            "vol_ratio_20_120", "volatility", ("vol_20", "vol_120"), _log_ratio, "log of vol_20 over vol_120"
        ),
        field(
            "loss_square", ("loglink",), lambda r: np.minimum(r, 0.0) ** 2, "squared daily loss, 0 on a gain"
        ),
        _root_mean("downside_20", "loss_square", 20, "downside deviation over 20 sessions"),
        _root_mean("downside_60", "loss_square", 60, "downside deviation over 60 sessions"),
        _shape("skew_20", 20, 3),
        _shape("skew_60", 60, 3),
        _shape("kurt_60", 60, 4),
        field("parkinson", ("log_high", "log_low"), _parkinson, "Parkinson's variance of the day"),
        field(
            "garman_klass",
            ("log_high", "log_low", "intraday"),
            _garman_klass,
            "Garman and Klass's variance of the day",
        ),
        field(
            "rogers_satchell",
            ("log_high", "log_low", "intraday"),
            _rogers_satchell,
            "Rogers and Satchell's variance",
        ),
    ]
    made += [
        _root_mean(f"parkinson_{w}", "parkinson", w, f"Parkinson volatility over {w} sessions")
        for w in (5, 20, 60)
    ]
    made.append(_root_mean("garman_klass_20", "garman_klass", 20, "Garman-Klass volatility over 20 sessions"))
    made.append(
        _root_mean("rogers_satchell_20", "rogers_satchell", 20, "Rogers-Satchell volatility over 20 sessions")
    )
    made.append(
        std_of("vol_of_vol_60", "volatility", "vol_5", 60, "standard deviation of vol_5 over 60 sessions")
    )
    made.append(
        std_of(
            "overnight_vol_20",
            "volatility",
            "overnight",
            20,
            "volatility of overnight returns over 20 sessions",
        )
    )
    return made


def day_range() -> list[Feature]:
    """Where the day opened, traded and closed within its range."""
    made = [
        combined("range_1", "range", ("log_high", "log_low"), lambda h, low: h - low, "log of high over low"),
        combined(
            "close_location_1",
            "range",
            ("log_high", "log_low", "intraday"),
            _location,
            "close in the range, -1 to 1",
        ),
        combined(
            "upper_shadow_1",
            "range",
            ("log_high", "intraday"),
            _upper_shadow,
            "log of high over the body's top",
        ),
        combined(
            "lower_shadow_1",
            "range",
            ("log_low", "intraday"),
            _lower_shadow,
            "log of the body's bottom over low",
        ),
    ]
    for w in (5, 20, 60):
        made.append(mean_of(f"range_{w}", "range", "range_1", w, f"mean daily log range over {w} sessions"))
    for w in (3, 5, 20):
        made.append(
            mean_of(
                f"close_location_{w}",
                "range",
                "close_location_1",
                w,
                f"mean close location over {w} sessions",
            )
        )
    made.append(
        combined(
            "range_ratio_1_20",
            "range",
            ("range_1", "range_20"),
            _ratio,
            "today's range over its 20-session mean",
        )
    )
    made.append(
        mean_of("upper_shadow_20", "range", "upper_shadow_1", 20, "mean upper shadow over 20 sessions")
    )
    made.append(
        mean_of("lower_shadow_20", "range", "lower_shadow_1", 20, "mean lower shadow over 20 sessions")
    )
    return made


def _ratio(top: FloatLN, bottom: FloatLN) -> FloatLN:
    return top / np.where(bottom > 0, bottom, np.nan)


def _log_ratio(top: FloatLN, bottom: FloatLN) -> FloatLN:
    return np.log(np.where(top > 0, top, np.nan) / np.where(bottom > 0, bottom, np.nan))


def _root_mean(name: str, source: str, window: int, meaning: str) -> Feature:
    def function(x: FloatWN) -> FloatLN:
        return np.sqrt(np.maximum(kernels.rolling_mean(x, window, enough(window)), 0.0))

    return Feature(
        name=name, family="volatility", inputs=(source,), window=window, function=function, meaning=meaning
    )


def _shape(name: str, window: int, power: int) -> Feature:
    def function(r: FloatWN) -> FloatLN:
        return kernels.rolling_moment_ratio(r, window, enough(window), power)

    word = {3: "skewness", 4: "kurtosis"}[power]
    return Feature(
        name=name,
        family="volatility",
        inputs=("loglink",),
        window=window,
        function=function,
        meaning=f"{word} of daily log returns over {window} sessions",
    )


def _parkinson(high: FloatLN, low: FloatLN) -> FloatLN:
    return (high - low) ** 2 / (4.0 * np.log(2.0))


def _garman_klass(high: FloatLN, low: FloatLN, close: FloatLN) -> FloatLN:
    return 0.5 * (high - low) ** 2 - (2.0 * np.log(2.0) - 1.0) * close**2


def _rogers_satchell(high: FloatLN, low: FloatLN, close: FloatLN) -> FloatLN:
    return high * (high - close) + low * (low - close)


def _location(high: FloatLN, low: FloatLN, close: FloatLN) -> FloatLN:
    spread = high - low
    return (2.0 * close - high - low) / np.where(spread > 0, spread, np.nan)


def _upper_shadow(high: FloatLN, close: FloatLN) -> FloatLN:
    return high - np.maximum(close, 0.0)


def _lower_shadow(low: FloatLN, close: FloatLN) -> FloatLN:
    return np.minimum(close, 0.0) - low
