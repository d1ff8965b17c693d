"""What a day's short sales say, by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from gogooku3.features.short_selling import known_short_selling
from gogooku3.market.calendar import sessions_between

DAYS = sessions_between("XTKS", dt.date(2024, 3, 1), dt.date(2024, 5, 31)).astype(object).tolist()


def sales(sector: str, restricted: list[float], unrestricted: list[float], long: list[float]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "sector": [sector] * len(long),
            "date": DAYS[: len(long)],
            "short_restricted": restricted,
            "short_unrestricted": unrestricted,
            "long": long,
        }
    )


def test_values_by_hand() -> None:
    frame = sales("3050", [30.0, 0.0, 0.0], [10.0, 0.0, 0.0], [60.0, 50.0, 0.0])
    found = known_short_selling(frame, "XTKS").frame
    assert found["ss_ratio"].to_list() == [0.4, 0.0, None]  # a sector that nothing was sold of has no ratio
    assert found["ss_restricted"].to_list() == [0.75, None, None]
    assert found["session"].to_list() == DAYS[1:4]  # out after the close of the day itself


def test_the_rise_is_against_the_last_twenty_days_of_the_same_sector() -> None:
    rng = np.random.default_rng(0)
    short, long = rng.uniform(1, 9, (2, 30)), rng.uniform(10, 90, (2, 30))
    both = [sales(name, short[k], np.zeros(30), long[k]) for k, name in enumerate(("0050", "3050"))]
    found = known_short_selling(pl.concat(both).sample(fraction=1.0, shuffle=True, seed=1), "XTKS").frame
    for k, name in enumerate(("0050", "3050")):
        own = found.filter(pl.col("key") == name).sort("session")
        ratio = short[k] / (short[k] + long[k])
        np.testing.assert_allclose(own["ss_ratio"].to_numpy(), ratio, rtol=1e-15)
        rise = own["ss_ratio_rise"].to_list()
        assert rise[:19] == [None] * 19
        expected = [ratio[t] - ratio[t - 19 : t + 1].mean() for t in range(19, 30)]
        assert rise[19:] == pytest.approx(expected, abs=1e-15)


def test_a_day_without_a_ratio_counts_for_nothing_in_the_mean() -> None:
    short, long = np.full(25, 1.0), np.full(25, 3.0)
    short[10] = long[10] = 0.0
    short[24] = 3.0
    found = known_short_selling(sales("0050", short.tolist(), [0.0] * 25, long.tolist()), "XTKS").frame
    rise = found["ss_ratio_rise"].to_list()
    assert rise[24] == pytest.approx(0.5 - (18 * 0.25 + 0.5) / 19)
    assert rise[23] == pytest.approx(0.0)
