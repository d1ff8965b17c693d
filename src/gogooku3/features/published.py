"""Features of what is published about stocks, added to a set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gogooku3.axes import FloatLN, FloatWN
from gogooku3.features import kernels, margin, short_selling, statements
from gogooku3.features.helpers import enough
from gogooku3.features.known import Known
from gogooku3.features.registry import Feature, FeatureSet

MARKET_FIELDS = frozenset({"close", "factor", "log_ratio"})
"""Fields that features read which hold published amounts against the market; of unadjusted bars alone."""
_MEANINGS = {module.FAMILY: module.MEANINGS for module in (statements, margin, short_selling)}
_VALUE = {
    "fs_earnings_yield": ("fs_profit", "net profit of the last four quarters to market value"),
    "fs_forecast_yield": ("fs_forecast", "forecast net profit to market value"),
    "fs_book_yield": ("fs_equity", "equity to market value"),
    "fs_sales_yield": ("fs_sales", "sales of the last four quarters to market value"),
}
_LOADS = {
    "mg_long_days": ("mg_long", "log of the long margin balance to the mean daily volume over 20 sessions"),
    "mg_short_days": (
        "mg_short",
        "log of the short margin balance to the mean daily volume over 20 sessions",
    ),
}
_SPLITS = 140
"""Sessions over which splits are followed since shares were counted; a quarter has about 62."""


def known_name(name: str) -> str:
    """Return the name of the field that holds a published value."""
    return f"known {name}"


def with_published(features: FeatureSet, known: Sequence[Known], *, unadjusted: bool) -> FeatureSet:
    """Return a set with the features of what is published.

    Args:
        features: A set.
        known: What is published.
        unadjusted: Whether prices and volumes are those of their day, so that amounts of yen and shares can be held
            against them. In adjusted ones later splits would show.
    """
    added: list[Feature] = []
    fields = set(features.base)
    for one in known:
        added += _plain(one)
        fields |= {known_name(name) for name in (*one.names, *_ages(one))}
        if unadjusted and one.family == statements.FAMILY:
            added += [_value(name, *described) for name, described in _VALUE.items()]
        if unadjusted and one.family == margin.FAMILY:
            added += [_load(name, *described) for name, described in _LOADS.items()]
    if unadjusted and known:
        fields |= MARKET_FIELDS
    return FeatureSet([*features.by_name.values(), *added], frozenset(fields))


def age_name(family: str) -> str:
    """Return the name of the days since a family's values were first usable."""
    return f"{family} age"


def sessions_name(family: str) -> str:
    """Return the name of the sessions since the shares of a family's values were counted."""
    return f"{family} sessions"


def _ages(known: Known) -> tuple[str, str]:
    return age_name(known.family), sessions_name(known.family)


def _plain(known: Known) -> list[Feature]:
    meanings: Mapping[str, str] = _MEANINGS[known.family]
    found = [_copy(name, known.family, name, meaning) for name, meaning in meanings.items()]
    if known.family == statements.FAMILY:
        found.append(_copy("fs_age", known.family, age_name(known.family), "days since the last disclosure"))
    return found


def _copy(name: str, family: str, value: str, meaning: str) -> Feature:
    return Feature(
        name=name, family=family, inputs=(known_name(value),), window=1, function=np.copy, meaning=meaning
    )


def _value(name: str, amount: str, meaning: str) -> Feature:
    """An amount of yen to the market value of all shares, splits since they were said applied to them."""

    def function(
        amounts: FloatWN, shares: FloatWN, since: FloatWN, ratio: FloatWN, close: FloatWN
    ) -> FloatLN:
        rows = len(amounts) - _SPLITS + 1
        worth = shares[-rows:] * _split_since(since, ratio) * close[-rows:]
        return np.where(worth > 0, amounts[-rows:] / worth, np.nan)

    named = (amount, "fs_shares", sessions_name(statements.FAMILY))
    return _against(
        name, statements.FAMILY, (*map(known_name, named), "log_ratio", "close"), function, meaning
    )


def _load(name: str, amount: str, meaning: str) -> Feature:
    """A number of shares to the mean daily volume, splits since the balance applied to it."""

    def function(
        shares: FloatWN, since: FloatWN, ratio: FloatWN, volume: FloatWN, factor: FloatWN
    ) -> FloatLN:
        rows = len(shares) - _SPLITS + 1
        mean = kernels.rolling_mean(volume[-rows - 19 :], 20, enough(20)) * factor[-rows:]
        held = shares[-rows:] * _split_since(since, ratio)
        return np.log(np.where((mean > 0) & (held > 0), held / mean, np.nan))

    named = (amount, sessions_name(margin.FAMILY))
    return _against(
        name, margin.FAMILY, (*map(known_name, named), "log_ratio", "volume", "factor"), function, meaning
    )


def _against(
    name: str, family: str, inputs: tuple[str, ...], function: Callable[..., FloatLN], meaning: str
) -> Feature:
    return Feature(
        name=name, family=family, inputs=inputs, window=_SPLITS, function=function, meaning=meaning
    )


def _split_since(since: FloatWN, ratio: FloatWN) -> FloatLN:
    """Return how many shares one share has become since each value was counted, NaN beyond the window."""
    rows = len(since) - _SPLITS + 1
    total = np.cumsum(np.nan_to_num(ratio, nan=0.0), axis=0)
    now = np.arange(_SPLITS - 1, len(since))[:, None]
    ago = since[-rows:]
    inside = ago < _SPLITS
    then = now - np.where(inside, ago, 0).astype(np.int64)
    passed: FloatLN = np.exp(total[-rows:] - np.take_along_axis(total, then, axis=0))
    return np.where(inside, passed, np.nan)
