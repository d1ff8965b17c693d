"""Returns over windows, split into nights and days; momentum and reversal."""

from __future__ import annotations

import numpy as np

from gogooku3.axes import FloatLN, FloatWN
from gogooku3.features import kernels
from gogooku3.features.helpers import enough, field, mean_of, sum_of
from gogooku3.features.registry import Feature


def returns() -> list[Feature]:
    """Log total returns over 1 to 250 sessions, and their overnight and intraday parts."""
    made = [
        sum_of(f"ret_{w}", "returns", "loglink", w, f"log total return over {w} sessions")
        for w in (1, 2, 3, 5, 10, 20, 60, 120, 250)
    ]
    for part in ("overnight", "intraday"):
        made += [
            sum_of(f"{part}_{w}", "returns", part, w, f"{part} log return over {w} sessions")
            for w in (1, 5, 20, 60)
        ]
    return made


def momentum() -> list[Feature]:
    """Momentum without the latest sessions, distance to averages and extremes, share of gains."""
    made = [
        _skipping("mom_60_5", 60, 5),
        _skipping("mom_120_20", 120, 20),
        _skipping("mom_250_20", 250, 20),
        _skipping("mom_250_120", 250, 120),
    ]
    for w in (5, 10, 20, 60, 120, 250):
        made.append(_path(f"ma_gap_{w}", w, 0, f"log price against its mean over {w} sessions"))
    for w in (20, 60, 250):
        made.append(_path(f"high_gap_{w}", w, 1, f"log price against its highest close of {w} sessions"))
        made.append(_path(f"low_gap_{w}", w, 2, f"log price against its lowest close of {w} sessions"))
    for w in (60, 250):
        made.append(_path(f"high_age_{w}", w, 3, f"sessions since the highest close of {w}, as a share"))
    made.append(field("up_day", ("loglink",), _up, "1 on a session with a gain, 0 on one without"))
    made += [
        mean_of(f"up_share_{w}", "momentum", "up_day", w, f"share of sessions with a gain in {w}")
        for w in (5, 20, 60)
    ]
    return made


def reversal() -> list[Feature]:
    """Short-term reversal: relative strength, extreme days, position in the recent range of closes."""
    made = [_rsi(w) for w in (6, 14)]
    made += [_position(w) for w in (10, 20)]
    for w in (5, 20, 60):
        made.append(_extreme(f"max_ret_{w}", w, 1.0, f"largest daily log return of {w} sessions"))
    made.append(_extreme("min_ret_20", 20, -1.0, "smallest daily log return of 20 sessions"))
    return made


def _up(r: FloatLN) -> FloatLN:
    return np.where(np.isnan(r), np.nan, (r > 0).astype(np.float64))


def _skipping(name: str, window: int, skip: int) -> Feature:
    def function(r: FloatWN) -> FloatLN:
        older = r[: len(r) - skip]
        return kernels.rolling_sum(older, window - skip, enough(window - skip))

    return Feature(
        name=name,
        family="momentum",
        inputs=("loglink",),
        window=window,
        function=function,
        meaning=f"log total return from {window} to {skip} sessions ago",
    )


def _path(name: str, window: int, which: int, meaning: str, family: str = "momentum") -> Feature:
    return Feature(
        name=name,
        family=family,
        inputs=("loglink",),
        window=window,
        function=lambda r: _along_path(r, window),
        meaning=meaning,
        shared=f"path of {window}",
        output=which,
    )


def _along_path(r: FloatWN, window: int) -> tuple[FloatLN, ...]:
    """Gaps to the mean, the high and the low of the closes of a window, sessions since the high, and the place."""
    mean, high, low, age = kernels.rolling_path(r, window, enough(window))
    spread = high - low
    return -mean, -high, -low, age, -low / np.where(spread > 0, spread, np.nan)


def _rsi(window: int) -> Feature:
    def function(r: FloatWN) -> FloatLN:
        need = enough(window)
        gain = kernels.rolling_mean(np.maximum(r, 0.0), window, need)
        loss = kernels.rolling_mean(np.maximum(-r, 0.0), window, need)
        moved = gain + loss
        return gain / np.where(moved > 0, moved, np.nan)

    return Feature(
        name=f"rsi_{window}",
        family="reversal",
        inputs=("loglink",),
        window=window,
        function=function,
        meaning=f"gains as a share of gains and losses over {window} sessions (plain means)",
    )


def _position(window: int) -> Feature:
    meaning = f"place of the close in the range of closes of {window} sessions, 0 to 1"
    return _path(f"position_{window}", window, 4, meaning, "reversal")


def _extreme(name: str, window: int, sign: float, meaning: str) -> Feature:
    def function(r: FloatWN) -> FloatLN:
        return kernels.rolling_extreme(r, window, enough(window), sign)

    return Feature(
        name=name, family="reversal", inputs=("loglink",), window=window, function=function, meaning=meaning
    )
