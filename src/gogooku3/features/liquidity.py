"""How much trades, how steadily, and what it costs to trade."""

from __future__ import annotations

import numpy as np

from gogooku3.axes import BoolLN, FloatLN, FloatWN
from gogooku3.features import kernels
from gogooku3.features.helpers import combined, enough, field, mean_of, std_of
from gogooku3.features.registry import Feature


def liquidity() -> list[Feature]:
    """Turnover, price impact and trading gaps.

    Sources: Amihud (2002); the spread of Abdi and Ranaldo (2017) in its two-day form.
    """
    made = [
        field(
            "log_turnover",
            ("turnover",),
            _log_positive,
            "log of the value traded, missing when nothing traded",
        ),
        field("idle", ("turnover", "present"), _idle, "1 when nothing traded or the stock had no bar"),
        field("impact", ("loglink", "turnover"), _impact, "absolute log return per value traded"),
    ]
    made += [
        mean_of(f"log_turnover_{w}", "liquidity", "log_turnover", w, f"mean log turnover over {w} sessions")
        for w in (5, 20, 60)
    ]
    for w in (5, 20, 60):
        made.append(_log_mean(f"amihud_{w}", "impact", w, f"log of Amihud's illiquidity over {w} sessions"))
    made.append(mean_of("idle_share_20", "liquidity", "idle", 20, "share of sessions without a trade in 20"))
    made += [
        field(
            "spread_square",
            ("overnight", "loglink", "log_high", "log_low", "intraday"),
            _spread,
            "see spread_20",
            2,
        )
    ]
    made.append(
        mean_of(
            "spread_20",
            "liquidity",
            "spread_square",
            20,
            "mean of Abdi-Ranaldo's two-day half-spread squared, times 4",
        )
    )
    return made


def volume() -> list[Feature]:
    """Abnormal volume, its trend and its company with returns. Volume is measured in money, so splits do not matter."""
    return [*_abnormal(), *_with_returns()]


def _abnormal() -> list[Feature]:
    return [
        combined(
            "turnover_shock_1",
            "volume",
            ("log_turnover", "log_turnover_20"),
            np.subtract,
            "log turnover against its 20-session mean",
        ),
        combined(
            "turnover_shock_5",
            "volume",
            ("log_turnover_5", "log_turnover_60"),
            np.subtract,
            "5-session against 60-session log turnover",
        ),
        combined(
            "turnover_trend",
            "volume",
            ("log_turnover_20", "log_turnover_60"),
            np.subtract,
            "20-session against 60-session log turnover",
        ),
        mean_of("log_turnover_250", "volume", "log_turnover", 250, "mean log turnover over 250 sessions"),
        combined(
            "turnover_year",
            "volume",
            ("log_turnover_20", "log_turnover_250"),
            np.subtract,
            "20-session against 250-session log turnover",
        ),
        std_of(
            "turnover_std_20",
            "volume",
            "log_turnover",
            20,
            "standard deviation of log turnover over 20 sessions",
        ),
        std_of(
            "turnover_std_60",
            "volume",
            "log_turnover",
            60,
            "standard deviation of log turnover over 60 sessions",
        ),
    ]


def _with_returns() -> list[Feature]:
    made = [
        field("abs_ret", ("loglink",), np.abs, "absolute log return"),
        field(
            "signed_turnover",
            ("loglink", "turnover"),
            lambda r, v: np.sign(r) * v,
            "value traded with the sign of the return",
        ),
        field(
            "located_turnover",
            ("close_location_1", "turnover"),
            np.multiply,
            "value traded times close location",
        ),
    ]
    for w in (10, 20, 60):
        made.append(_corr(f"corr_ret_turnover_{w}", "loglink", "log_turnover", w, "return and log turnover"))
    made.append(
        _corr("corr_abs_ret_turnover_20", "abs_ret", "log_turnover", 20, "absolute return and log turnover")
    )
    for w in (5, 20, 60):
        made.append(
            _share(
                f"signed_turnover_{w}",
                "signed_turnover",
                w,
                f"balance of value traded on gains and losses over {w} sessions",
            )
        )
    for w in (5, 20):
        made.append(_share(f"money_flow_{w}", "located_turnover", w, f"Chaikin money flow over {w} sessions"))
    made.append(_surge())
    return made


def _log_positive(x: FloatLN) -> FloatLN:
    return np.log(np.where(x > 0, x, np.nan))


def _idle(turnover: FloatLN, present: BoolLN) -> FloatLN:
    nobody = ~present.any(axis=1, keepdims=True)  # a hole in the source says nothing about a stock
    unknown = nobody | (present & np.isnan(turnover))
    return np.where(unknown, np.nan, (~present | (turnover <= 0)) * 1.0)


def _impact(r: FloatLN, turnover: FloatLN) -> FloatLN:
    return np.abs(r) / np.where(turnover > 0, turnover, np.nan)


def _spread(overnight: FloatWN, r: FloatWN, high: FloatWN, low: FloatWN, intraday: FloatWN) -> FloatLN:
    """Abdi-Ranaldo: 4 (c[t-1] - eta[t-1]) (c[t-1] - eta[t]), eta the middle of the day's log range."""
    middle_before = 0.5 * (high[:-1] + low[:-1]) - intraday[:-1]  # against yesterday's close
    middle_now = 0.5 * (high[1:] + low[1:]) + overnight[1:]
    value: FloatLN = 4.0 * middle_before * middle_now
    return np.where(np.isnan(r[1:]), np.nan, value)


def _log_mean(name: str, source: str, window: int, meaning: str) -> Feature:
    def function(x: FloatWN) -> FloatLN:
        return _log_positive(kernels.rolling_mean(x, window, enough(window)))

    return Feature(
        name=name, family="liquidity", inputs=(source,), window=window, function=function, meaning=meaning
    )


def _corr(name: str, left: str, right: str, window: int, meaning: str) -> Feature:
    def function(x: FloatWN, y: FloatWN) -> FloatLN:
        value: FloatLN = kernels.rolling_regression(y, x, window, enough(window))[1]
        return value

    return Feature(
        name=name,
        family="volume",
        inputs=(left, right),
        window=window,
        function=function,
        meaning=f"correlation of {meaning} over {window} sessions",
    )


def _share(name: str, source: str, window: int, meaning: str) -> Feature:
    def function(x: FloatWN, turnover: FloatWN) -> FloatLN:
        need = enough(window)
        total = kernels.rolling_sum(np.where(np.isnan(x), np.nan, turnover), window, need)
        return kernels.rolling_sum(x, window, need) / np.where(total > 0, total, np.nan)

    return Feature(
        name=name,
        family="volume",
        inputs=(source, "turnover"),
        window=window,
        function=function,
        meaning=meaning,
    )


def _surge() -> Feature:
    def function(x: FloatWN) -> FloatLN:
        return kernels.rolling_extreme(x, 60, enough(60), 1.0) - x[59:]

    return Feature(
        name="turnover_below_max_60",
        family="volume",
        inputs=("log_turnover",),
        window=60,
        function=function,
        meaning="largest log turnover of 60 sessions against today's",
    )
