"""How a source's prices are adjusted, decided from the columns it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from gogooku3.errors import DataError
from gogooku3.sources.settings import Adjustment

Way = Literal["none", "adj_factor", "daily_factor", "adj_close"]
_PRICES = ("open", "high", "low", "close")
_LEAST_ONES = 0.5


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which source columns become which canonical ones.

    Attributes:
        columns: Canonical price and volume column to the matched name it is taken from.
        way: What the cumulative factor is made of.
        factor: Matched name of the column it is made of, None for ``none``.
    """

    columns: Mapping[str, str]
    way: Way
    factor: str | None


def choose(found: Mapping[str, str], adjustment: Adjustment, where: str) -> Plan:
    """Return how prices are read and adjusted.

    1. Raw prices go before adjusted ones, since a raw price is what was known on its day.
    2. Raw prices take their factor from ``adj_factor`` (cumulative, close x adj_factor is the total-return
       price), from the per-day ``AdjustmentFactor`` of J-Quants (0.5 on the ex-date of a 2:1 split; its
       running inverse product uses no future), or from ``adj_close`` (factor = adj_close / close, dividends
       included). Two of these at once are refused, unless ``adjustment`` names one.
    3. Without any of them, a raw close beside ``AdjustmentClose`` takes factor = AdjustmentClose / close.
    4. Without a raw close, ``AdjustmentOpen`` to ``AdjustmentClose`` and ``AdjustmentVolume`` are the prices
       and the volume, and nothing else is applied: they are adjusted already.

    Args:
        found: Canonical to source name, as matched by ``aliases.match``.
        adjustment: The user's choice, ``auto`` for the rules above.
        where: The file, for errors.

    Raises:
        DataError: The columns are ambiguous, or the chosen way lacks its column.
    """
    raw = [name for name in _PRICES if name in found]
    adjusted = [name for name in _PRICES if f"adjusted_{name}" in found]
    if adjustment == "adjusted" or ("close" not in found and adjusted):
        return _adjusted(found, raw, adjustment, where)
    plain = {name: name for name in (*_PRICES, "volume") if name in found}
    if adjustment == "none":
        return Plan(columns=plain, way="none", factor=None)
    ways: list[Way] = [way for way in ("adj_factor", "daily_factor", "adj_close") if way in found]
    if adjustment != "auto":
        ways = [way for way in ways if way == adjustment]
        if not ways:
            raise _lacking(adjustment, where, found)
    if len(ways) > 1:
        raise DataError(
            "two columns could adjust the prices",
            where=where,
            got=", ".join(found[way] for way in ways),
            expected="one of them",
            remedy=f"set source.adjustment to one of {', '.join(ways)}, or to none",
        )
    if ways:
        return Plan(columns=plain, way=ways[0], factor=ways[0])
    if "adjusted_close" in found:
        return Plan(columns=plain, way="adj_close", factor="adjusted_close")
    return Plan(columns=plain, way="none", factor=None)


def as_factor(frame: pl.DataFrame, way: Way, where: str) -> pl.DataFrame:
    """Turn one file's column ``factor`` into ``adj_factor``, or ``daily_factor`` for ``accumulate``.

    Args:
        frame: Has ``close`` and ``factor``.
        way: What ``factor`` is.
        where: The file, for errors.

    Raises:
        DataError: A per-day factor is so seldom 1 that it must be a cumulative one.
    """
    if way == "adj_close":
        return frame.with_columns((pl.col("factor") / pl.col("close")).alias("adj_factor")).drop("factor")
    if way == "adj_factor":
        return frame.rename({"factor": "adj_factor"})
    ones = frame.select((pl.col("factor") == 1).mean()).item()
    if ones is not None and ones < _LEAST_ONES:
        raise DataError(
            "a per-day adjustment factor looks like a cumulative one",
            where=where,
            got=f"only {ones:.0%} of its values are 1",
            expected="1 on every day but the ex-dates of splits",
            remedy="name the column adj_factor if close x factor is the adjusted price",
        )
    return frame.rename({"factor": "daily_factor"})


def accumulate(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    """Turn ``daily_factor``, where there is one, into the cumulative ``adj_factor`` of each code, as of a date.

    The frame holds all files, since a code may go on from one file to the next. Rows keep their order.

    Args:
        frame: Has ``date``, ``code``, and perhaps ``daily_factor`` and ``adj_factor``.
        where: The files, for errors.

    Raises:
        DataError: Some rows of a code have a per-day factor, and some a cumulative one.
    """
    if "daily_factor" not in frame.columns:
        return frame
    if "adj_factor" not in frame.columns:
        frame = frame.with_columns(pl.lit(None, dtype=pl.Float64).alias("adj_factor"))
    _refuse_mixed(frame, where)
    # a repeated row must not apply its split twice
    once = (
        pl.when(pl.struct("date", "code").is_first_distinct())
        .then(1 / pl.col("daily_factor"))
        .otherwise(pl.when(pl.col("daily_factor").is_null()).then(None).otherwise(1.0))
    )
    return (
        frame.with_row_index("place")
        .sort("code", "date", "daily_factor", "place")
        .with_columns(once.alias("daily_factor"))
        .with_columns(
            pl.coalesce(pl.col("daily_factor").cum_prod().over("code"), "adj_factor").alias("adj_factor")
        )
        .sort("place")
        .drop("place", "daily_factor")
    )


def _refuse_mixed(frame: pl.DataFrame, where: str) -> None:
    given = {name: frame.filter(pl.col(name).is_not_null()) for name in ("daily_factor", "adj_factor")}
    daily, cumulative = (set(rows.get_column("code").drop_nulls().unique()) for rows in given.values())
    mixed = sorted(daily & cumulative)
    if mixed:
        raise DataError(
            "a code has per-day adjustment factors in one file and cumulative ones in another",
            where=where,
            got=f"{len(mixed)} such codes, the first is {mixed[0]}",
            expected="files of one code that are adjusted in one way",
            remedy="give all files the same columns",
        )


def _adjusted(found: Mapping[str, str], raw: list[str], adjustment: Adjustment, where: str) -> Plan:
    missing = [name for name in _PRICES if f"adjusted_{name}" not in found]
    if missing:
        raise DataError(
            "raw and adjusted prices are mixed",
            where=where,
            got=", ".join(found[name] for name in found if name in raw or name.startswith("adjusted_")),
            expected="open, high, low and close of one kind; adjusted ones are AdjustmentOpen, "
            "AdjustmentHigh, AdjustmentLow, AdjustmentClose (or AdjO, AdjH, AdjL, AdjC)",
            remedy="add the raw close, or the adjusted " + ", ".join(missing),
        )
    if adjustment not in {"auto", "none", "adjusted"}:
        raise _lacking("close", where, found)
    columns = {name: f"adjusted_{name}" for name in _PRICES}
    volume = next((name for name in ("adjusted_volume", "volume") if name in found), None)
    return Plan(columns=columns | ({"volume": volume} if volume else {}), way="none", factor=None)


def _lacking(column: str, where: str, found: Mapping[str, str]) -> DataError:
    return DataError(
        "the chosen adjustment lacks its column",
        where=where,
        got=", ".join(found.values()),
        expected=column,
        remedy="set source.adjustment to auto",
    )
