"""Which column of a source is which, whatever the vendor calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gogooku3.errors import DataError

Aliases = Mapping[str, tuple[str, ...]]

BARS: Aliases = {
    "date": ("date", "datetime", "trade_date", "tradedate"),
    "code": ("code", "ticker", "symbol"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vo"),
    "turnover": ("turnover", "turnovervalue", "turnover_value", "va"),
    "adj_factor": ("adj_factor",),
    "daily_factor": ("adjustmentfactor", "adjustment_factor", "adjfactor"),
    "adj_close": ("adj_close", "adj close", "adjclose"),
    "adjusted_open": ("adjustmentopen", "adjustment_open", "adjo"),
    "adjusted_high": ("adjustmenthigh", "adjustment_high", "adjh"),
    "adjusted_low": ("adjustmentlow", "adjustment_low", "adjl"),
    "adjusted_close": ("adjustmentclose", "adjustment_close", "adjc"),
    "adjusted_volume": ("adjustmentvolume", "adjustment_volume", "adjvo"),
}
"""Canonical name to what vendors write, in lower case. Underscores count: ``adj_factor`` is cumulative, the
``AdjFactor`` of J-Quants applies on one day."""

SECTORS = (
    "sector",
    "sector33",
    "sector33codename",
    "s33nm",
    "industry",
    "sector33_code",
    "sector33code",
    "s33",
)
"""Sector columns, the best first: labels for people before codes."""

LISTING: Aliases = {"code": BARS["code"]}
IS_STOCK = ("is_stock",)
NAMES = ("name", "companyname", "company_name", "coname")

DELISTINGS: Aliases = {
    "code": BARS["code"],
    "last_session": ("last_session", "last_date", "last_trading_day"),
    "terminal_return": ("terminal_return",),
}


def match(columns: Sequence[str], aliases: Aliases, where: str) -> dict[str, str]:
    """Return canonical name to the source's own name, for the columns that are there.

    Upper and lower case do not matter.

    Raises:
        DataError: Two columns claim one name.
    """
    found: dict[str, str] = {}
    for canonical, known in aliases.items():
        own = [column for column in columns if column.strip().lower() in known]
        if len(own) > 1:
            raise DataError(
                f"two columns could be '{canonical}'",
                where=where,
                got=", ".join(own),
                expected="one of them",
                remedy="remove or rename the other",
            )
        if own:
            found[canonical] = own[0]
    return found


def best(columns: Sequence[str], preferred: tuple[str, ...]) -> str | None:
    """Return the column whose name stands first in ``preferred``, None where none does."""
    own = {column.strip().lower(): column for column in reversed(columns)}
    return next((own[name] for name in preferred if name in own), None)


def require(
    found: Mapping[str, str], wanted: Sequence[str], columns: Sequence[str], aliases: Aliases, where: str
) -> None:
    """Check that the wanted columns are there.

    Raises:
        DataError: One is missing; names the file, the column, what was found and what would be accepted.
    """
    missing = [name for name in wanted if name not in found]
    if missing:
        accepted = "; ".join(f"{name}: {', '.join(aliases[name])}" for name in missing)
        raise DataError(
            f"a column is missing: {', '.join(missing)}",
            where=where,
            got=f"columns {', '.join(columns) or '(none)'}",
            expected=f"{accepted} (upper or lower case)",
            remedy="rename the source's column to one of these",
        )
