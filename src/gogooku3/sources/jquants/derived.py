"""Tables beside the bars, made of what is stored: who is listed, and who ended."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from gogooku3.progress import Progress
from gogooku3.sources.jquants.endpoints import ENDPOINTS
from gogooku3.sources.jquants.store import Store
from gogooku3.storage.atomic import json_text, write_json
from gogooku3.storage.hashing import digest_json

_LISTED, _BARS = ENDPOINTS["listed"], ENDPOINTS["bars_daily"]
_UNKNOWN = ("", "-")
_OTHER_MARKET = "0109"
_SHARES = ("011", "021")
_ORDINARY = "0"
_FIELDS = ("Date", "Code", "CoName", "S33Nm", "Mkt", "ProdCat")


def write_derived(store: Store, *, only_stocks: bool = True, progress: Progress | None = None) -> None:
    """Write ``listing.parquet`` and ``delistings.parquet``, unless those that are there are of the same days.

    Args:
        store: What was fetched.
        only_stocks: Mark what is no common stock, so that whoever reads bars with this listing leaves it out.
        progress: Told how many are marked.

    Raises:
        StorageError: A file cannot be read or written.
    """
    days = {
        endpoint.name: {
            str(day): {name: part.sha256 for name, part in entry.files.items()}
            for day, entry in store.entries(endpoint).items()
        }
        for endpoint in (_LISTED, _BARS)
    }
    if not any(days[_LISTED.name].values()):
        return
    memory = store.folder / "index" / "derived.json"
    of = {"of": digest_json({"days": days, "only_stocks": only_stocks})}
    if (store.folder / "listing.parquet").exists() and _is(memory, of):
        return
    snapshots = _snapshots(store)
    listed = listing(snapshots, only_stocks=only_stocks)
    store.write_table("listing", listed)
    if progress is not None:
        stocks = int(listed.get_column("is_stock").sum())
        progress.note(
            f"listing: {stocks:,} common stocks; {listed.height - stocks:,} other codes (ETFs, REITs, preferred shares "
            "and the like) are marked, so that their bars are left out"
        )
    store.write_table("delistings", delistings(snapshots, _last_bars(store, _gone(snapshots))))
    write_json(memory, of)


def listing(snapshots: pl.DataFrame, *, only_stocks: bool = True) -> pl.DataFrame:
    """Return ``code``, newest ``name``, earliest ``sector`` that is known (a later one was not), and ``is_stock``.

    A common stock is what the newest list gives no other market (``Mkt`` 0109, which holds ETFs, ETNs, REITs and
    infrastructure funds), no other category (``ProdCat`` other than 011 domestic and 021 foreign stock, where there is
    one), and no class of shares of its own (the fifth character of ``Code`` is 0; 5 is a preferred share).

    Args:
        snapshots: ``Date``, ``Code``, ``CoName``, ``S33Nm``, ``Mkt`` and ``ProdCat`` of lists on several days.
        only_stocks: Else everything counts as one.
    """
    kind = pl.col("ProdCat").filter(~pl.col("ProdCat").is_in(list(_UNKNOWN))).drop_nulls().last()
    label = pl.col("S33Nm").filter(~pl.col("S33Nm").is_in(list(_UNKNOWN)))
    return (
        snapshots.sort("Date", "Code")
        .group_by("Code", maintain_order=True)
        .agg(
            pl.col("CoName").drop_nulls().last().alias("name"),
            label.drop_nulls().first().alias("sector"),
            pl.col("Mkt").drop_nulls().last().alias("market"),
            kind.alias("kind"),
        )
        .with_columns(
            is_stock=pl.lit(not only_stocks)
            | (
                pl.col("market").ne_missing(_OTHER_MARKET)
                & pl.col("kind").is_in(list(_SHARES)).fill_null(value=True)
                & (pl.col("Code").str.slice(4) == _ORDINARY)
            )
        )
        .drop("market", "kind")
        .rename({"Code": "code"})
        .sort("code")
    )


def delistings(snapshots: pl.DataFrame, last: pl.DataFrame) -> pl.DataFrame:
    """Return the codes that the newest list lacks: ``code``, ``last_session`` and ``terminal_return`` (not known).

    Args:
        snapshots: As for `listing`.
        last: ``Code`` and the ``Date`` of its last stored bar.
    """
    return (
        last.filter(pl.col("Code").is_in(_gone(snapshots).implode()))
        .select(
            pl.col("Code").alias("code"),
            pl.col("Date").alias("last_session"),
            pl.lit(None, dtype=pl.Float64).alias("terminal_return"),
        )
        .sort("code")
    )


def _is(memory: Path, value: object) -> bool:
    try:
        return memory.read_text(encoding="utf-8") == json_text(value)
    except (OSError, ValueError):
        return False


def _snapshots(store: Store) -> pl.DataFrame:
    days = [day for day, entry in store.entries(_LISTED).items() if entry.files]
    return pl.concat([store.read(_LISTED, day).select(_FIELDS) for day in sorted(days)])


def _gone(snapshots: pl.DataFrame) -> pl.Series:
    newest = snapshots.filter(pl.col("Date") == pl.col("Date").max()).get_column("Code")
    codes = snapshots.get_column("Code").unique().sort()
    return codes.filter(~codes.is_in(newest.implode()))


def _last_bars(store: Store, codes: pl.Series) -> pl.DataFrame:
    files = [store.folder / name for entry in store.entries(_BARS).values() for name in entry.files]
    empty = pl.DataFrame(schema={"Code": pl.String, "Date": pl.Date})
    if not files or codes.is_empty():
        return empty
    return (
        pl.scan_parquet(sorted(files))
        .select("Code", "Date")
        .filter(pl.col("Code").is_in(codes.implode()))
        .group_by("Code")
        .agg(pl.col("Date").max())
        .collect()
    )
