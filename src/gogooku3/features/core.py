"""The ``core`` feature set."""

from __future__ import annotations

from gogooku3.features.beta import beta
from gogooku3.features.cross_section import rank_change, rank_mean, rank_of, sector_relative
from gogooku3.features.fields import BASE_FIELDS
from gogooku3.features.liquidity import liquidity, volume
from gogooku3.features.registry import FeatureSet
from gogooku3.features.returns import momentum, returns, reversal
from gogooku3.features.seasonality import seasonality
from gogooku3.features.volatility import day_range, volatility

_RANK_MEANS = (("ret_1", 5), ("ret_1", 20), ("ret_1", 60), ("turnover_shock_1", 5), ("close_location_1", 20))
_RANK_CHANGES = (("vol_20", 20), ("log_turnover_20", 20), ("beta_60", 60))
_SECTOR_RELATIVE = (
    "ret_250",
    "ma_gap_20",
    "vol_20",
    "vol_60",
    "turnover_shock_1",
    "turnover_shock_5",
    "amihud_20",
    "high_gap_250",
)


def core() -> FeatureSet:
    """Over a hundred price-volume features, none of which reads a price level or share count.

    Levels are left out because a vendor's split adjustment writes the future into them.
    """
    families = (returns, momentum, reversal, volatility, day_range, liquidity, volume, beta, seasonality)
    features = [feature for family in families for feature in family()]
    ranked = dict.fromkeys(name for name, _ in (*_RANK_MEANS, *_RANK_CHANGES))
    features += [rank_of(name) for name in ranked]
    features += [rank_mean(name, window) for name, window in _RANK_MEANS]
    features += [rank_change(name, sessions) for name, sessions in _RANK_CHANGES]
    features += [sector_relative(name) for name in _SECTOR_RELATIVE]
    return FeatureSet(features, BASE_FIELDS)
