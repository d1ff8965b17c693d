"""Bars, checked: what is sound goes on, what is not is counted, located and set aside, or ends the run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from gogooku3.errors import DataError
from gogooku3.market.bars import Bars
from gogooku3.market.calendar import calendar_bounds, sessions_between
from gogooku3.market.faults import EXPECTED, Action, Fault
from gogooku3.market.findings import Finding, Findings
from gogooku3.market.report import FaultExample
from gogooku3.market.rules import Rule, amount_rules, price_rules, priceless
from gogooku3.market.schema import OPTIONAL, ORIGIN, REQUIRED, check_columns, check_values
from gogooku3.market.settings import MarketSettings

_ALIEN_DATES = 5  # a table with fewer strange dates has strange rows, not a wrong calendar


@dataclass(frozen=True, eq=False, kw_only=True)
class Validated:
    """Sound bars, and what was found on the way.

    Attributes:
        frame: One row per date and code, sorted by neither.
        sessions: The calendar's sessions from the first to the last bar, datetime64[D] of shape [D].
        counts: Faults per class.
        examples: The first few of each class.
        all_null_days: Dates without any price.
        quarantine: Every faulty row in full.
    """

    frame: pl.DataFrame
    sessions: np.ndarray
    counts: dict[Fault, int]
    examples: tuple[FaultExample, ...]
    all_null_days: tuple[date, ...]
    quarantine: pl.DataFrame


def validate(bars: Bars, settings: MarketSettings, *, as_of: date | None = None) -> Validated:
    """Check bars and set aside what is at fault.

    Args:
        bars: Bars in any order.
        settings: Calendar, tolerances and policies.
        as_of: The day of the run; later dates are faults. Today where not given.

    Raises:
        DataError: A column is missing, a class of fault is refused, most dates do not fit the calendar, or no
            row is left.
        SettingsError: The calendar is unknown.
    """
    check_columns(bars.frame)
    frame = _with_origin(bars.frame)
    if frame.is_empty():
        raise DataError("the bars have no row", expected="at least one bar", remedy="check the source")
    today = as_of or datetime.now(tz=UTC).date()
    days = frame.get_column("date").unique().drop_nulls().sort()
    known = _known_sessions(days, settings, today)
    findings = Findings(frame)
    _add_unparsed(findings, bars.unparsed)
    findings.apply(_key_rules(days, known, settings, today))
    _add_late_bars(findings, bars.delistings)
    empty_days = _all_null_days(frame)
    findings.apply(price_rules(empty_days, settings.price_tolerance) + amount_rules(frame.columns))
    _add_duplicates(findings)
    _check_policies(findings, settings)
    sound = findings.sound()
    if sound.is_empty():
        raise _nothing_left(findings)
    check_values(sound)
    traded = sound.select(pl.col("date").min().alias("first"), pl.col("date").max().alias("last"))
    first, last = traded.row(0)
    counts = findings.counts()
    return Validated(
        frame=sound,
        sessions=known[(known >= np.datetime64(first)) & (known <= np.datetime64(last))],
        counts=counts,
        examples=tuple(e for fault in counts for e in findings.examples(fault, settings.examples)),
        all_null_days=tuple(empty_days.to_list()),
        quarantine=findings.listed(),
    )


def _with_origin(frame: pl.DataFrame) -> pl.DataFrame:
    if "source_row" not in frame.columns:
        frame = frame.with_row_index("source_row", offset=1)
    if "source_file" not in frame.columns:
        frame = frame.with_columns(pl.lit("bars").alias("source_file"))
    wanted = [*REQUIRED, *(name for name in OPTIONAL if name in frame.columns), *ORIGIN]
    return frame.select(wanted)


def _known_sessions(days: pl.Series, settings: MarketSettings, today: date) -> np.ndarray:
    """Return the sessions around the dates that can be sessions at all; doubt the calendar where few are."""
    low, high = calendar_bounds(settings.calendar)
    possible = days.filter(days.is_between(low, min(high, today)))
    if possible.is_empty():
        return np.empty(0, dtype="datetime64[D]")
    known = sessions_between(settings.calendar, possible[0], possible[-1])
    alien = np.setdiff1d(possible.to_numpy().astype("datetime64[D]"), known)
    if alien.size > max(_ALIEN_DATES, settings.calendar_tolerance * len(possible)):
        raise DataError(
            "the dates do not fit the calendar",
            where=f"calendar {settings.calendar}",
            got=f"{alien.size} of {len(possible)} dates are no sessions, such as {alien[0]}",
            expected=f"at most {settings.calendar_tolerance:.0%}",
            remedy="choose the exchange's own calendar with market.calendar (XNYS for New York and NASDAQ)",
        )
    return known


def _key_rules(days: pl.Series, known: np.ndarray, settings: MarketSettings, today: date) -> list[Rule]:
    low, high = calendar_bounds(settings.calendar)
    day = pl.col("date")
    aliens = np.setdiff1d(days.to_numpy().astype("datetime64[D]"), known)
    alien = day.is_in(pl.Series(aliens, dtype=pl.Date).implode())
    future, outside = day > today, ~day.is_between(low, high)
    return [
        Rule(fault=Fault.MISSING_KEY, column="date", broken=day.is_null()),
        Rule(fault=Fault.MISSING_KEY, column="code", broken=pl.col("code").fill_null("") == ""),
        Rule(fault=Fault.FUTURE_DATE, column="date", broken=future),
        Rule(fault=Fault.OUTSIDE_CALENDAR, column="date", broken=outside & ~future),
        Rule(fault=Fault.NOT_A_SESSION, column="date", broken=alien & ~outside & ~future),
    ]


def _all_null_days(frame: pl.DataFrame) -> pl.Series:
    bare = frame.filter(priceless()).get_column("date").unique().drop_nulls()
    if bare.is_empty():
        return bare
    priced = frame.filter(~priceless()).get_column("date").unique()
    return bare.filter(~bare.is_in(priced.implode())).sort()


def _add_unparsed(findings: Findings, unparsed: pl.DataFrame | None) -> None:
    if unparsed is None or unparsed.is_empty():
        return
    places = (
        findings.frame.lazy()
        .with_row_index("index")
        .select("index", pl.col("source_file").cast(pl.String), "source_row")
        .join(unparsed.lazy(), on=ORIGIN)
        .sort("index")
        .collect()
    )
    for (column,), part in sorted(places.partition_by("column", as_dict=True).items()):
        rows = part.get_column("index").to_numpy().astype(np.int64)
        values = tuple(part.get_column("value").to_list())
        findings.add(Finding(fault=Fault.UNPARSABLE, column=column, rows=rows, values=values))


def _add_late_bars(findings: Findings, delistings: pl.DataFrame | None) -> None:
    if delistings is None or delistings.is_empty():
        return
    last = dict(delistings.select("code", "last_session").drop_nulls().iter_rows())
    ended = pl.col("code").replace_strict(last, default=None, return_dtype=pl.Date)
    findings.apply([Rule(fault=Fault.BAR_AFTER_DELISTING, column="date", broken=pl.col("date") > ended)])


def _add_duplicates(findings: Findings) -> None:
    """Find rows of one date and code among the rows that are otherwise sound.

    Of identical rows the first by file and row stays; of rows that contradict each other none does.
    """
    alive = np.flatnonzero(~findings.removed())
    codes = findings.frame.get_column("code")
    stock = codes.cast(pl.Enum(codes.unique().drop_nulls().sort())).to_physical().cast(pl.Int64)
    keys = (stock * 10_000_000 + findings.frame.get_column("date").to_physical()).gather(alive)
    repeated = alive[keys.is_duplicated().to_numpy()]
    if repeated.size == 0:
        return
    values = [name for name in (*REQUIRED, *OPTIONAL) if name in findings.frame.columns and name != "sector"]
    rows = (
        findings.frame[repeated]
        .with_columns(pl.Series("index", repeated), pl.col("source_file").cast(pl.String))
        .sort("date", "code", *ORIGIN)
        .with_columns(conflict=pl.struct(values).n_unique().over("date", "code") > 1)
    )
    extra = ~pl.struct("date", "code").is_first_distinct()
    kinds = (
        (Fault.DUPLICATE_IDENTICAL, rows.filter(~pl.col("conflict") & extra)),
        (Fault.DUPLICATE_CONFLICTING, rows.filter("conflict")),
    )
    for fault, part in kinds:
        found = np.sort(part.get_column("index").to_numpy().astype(np.int64))
        findings.add(Finding(fault=fault, column="code", rows=found))


def _check_policies(findings: Findings, settings: MarketSettings) -> None:
    refused = {
        finding.fault
        for finding in findings
        if finding.action is not Action.NOTE and settings.policy(finding.fault) == "refuse"
    }
    counts = {fault: count for fault, count in findings.counts().items() if fault in refused}
    if not counts:
        return
    first = next(iter(counts))
    example = findings.examples(first, 1)[0]
    raise DataError(
        "the bars hold faults that are refused: "
        + ", ".join(f"{fault} x {n}" for fault, n in counts.items()),
        where=f"{example.file}, row {example.row}, column {example.column}",
        got=f"{first}: {example.value}",
        expected=EXPECTED[first],
        remedy=f"mend the source, or set market.policies.{first} to quarantine",
    )


def _nothing_left(findings: Findings) -> DataError:
    counts = findings.counts()
    worst = max(counts, key=lambda fault: counts[fault])
    example = findings.examples(worst, 1)[0]
    return DataError(
        "no row is left after validation",
        where=f"{example.file}, row {example.row}, column {example.column}",
        got=", ".join(f"{fault} x {count}" for fault, count in counts.items()),
        expected=EXPECTED[worst],
        remedy="check that the columns are what their names say",
    )
