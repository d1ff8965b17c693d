"""What the stock did at the same place of earlier weeks and of the year before."""

from __future__ import annotations

import numpy as np

from gogooku3.axes import FloatLN, FloatWN
from gogooku3.features import kernels
from gogooku3.features.registry import Feature

_YEAR = 250


def seasonality() -> list[Feature]:
    """Returns at seasonal lags.

    Source: Heston and Sadka (2008); a year is 250 sessions, a week five.
    """
    return [
        _last_year("season_year_5", 5),
        _last_year("season_year_20", 20),
        _same_weekday("season_week_60", "loglink", 60),
        _same_weekday("season_week_120", "loglink", 120),
        _same_weekday("season_week_overnight_60", "overnight", 60),
    ]


def _last_year(name: str, ahead: int) -> Feature:
    """The return of the ``ahead`` sessions that followed this place a year ago; all of them lie in the past."""

    def function(r: FloatWN) -> FloatLN:
        length = len(r) - _YEAR + 1
        older = r[: length + ahead - 1]
        return kernels.rolling_sum(older, ahead, max(1, ahead // 2))

    return Feature(
        name=name,
        family="seasonality",
        inputs=("loglink",),
        window=_YEAR,
        function=function,
        meaning=f"log return of the {ahead} sessions that followed a year ago",
    )


def _same_weekday(name: str, source: str, window: int) -> Feature:
    """Mean over the sessions 4, 9, 14, ... before: where the next session stood in earlier weeks."""
    weights = np.zeros(window)
    weights[window - 5 :: -5] = 1.0
    need = int(0.6 * weights.sum())

    def function(x: FloatWN) -> FloatLN:
        return kernels.rolling_weighted(x, weights, need)

    return Feature(
        name=name,
        family="seasonality",
        inputs=(source,),
        window=window,
        function=function,
        meaning=f"mean {source} of the next session's place in the weeks of the last {window} sessions",
    )
