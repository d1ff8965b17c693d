"""Fetch what is not stored yet, and look again at the last days that are."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from gogooku3.errors import DataError, SettingsError
from gogooku3.progress import Progress, Silent
from gogooku3.sources.jquants.answer import absent, as_table, check_day
from gogooku3.sources.jquants.client import JQuantsClient, Row
from gogooku3.sources.jquants.clock import Clock, SystemClock, refuse_wrong_clock, today_in_tokyo
from gogooku3.sources.jquants.corrections import Correction, append_corrections, compare
from gogooku3.sources.jquants.days import days_of, sessions_of
from gogooku3.sources.jquants.derived import write_derived
from gogooku3.sources.jquants.endpoints import ENDPOINTS, Endpoint
from gogooku3.sources.jquants.fetched import Fetched
from gogooku3.sources.jquants.key import ApiKey
from gogooku3.sources.jquants.plan import DELAY_DAYS, includes
from gogooku3.sources.jquants.settings import JQuantsSettings
from gogooku3.sources.jquants.store import Store
from gogooku3.sources.jquants.whole import is_provisional, is_published, is_thin, refuse_half
from gogooku3.storage.lock import exclusive

_FRESH = dt.timedelta(hours=6)
"""A day that was looked at within this time is not looked at again."""


def fetch_jquants(
    settings: JQuantsSettings,
    key: ApiKey,
    *,
    first: dt.date | None = None,
    last: dt.date | None = None,
    progress: Progress | None = None,
    clock: Clock | None = None,
    rng: random.Random | None = None,
) -> Fetched:
    """Fetch the days that the store lacks, one after the other, and compare the last ones anew.

    A day is stored when all its pages have come and passed every check, so that a fetch may be ended at any time and
    goes on from there.

    Args:
        settings: Plan, store and patience.
        key: Of the contract.
        first: The first day; that of the store if not given.
        last: The last day; the newest that the plan has if not given.
        progress: Told how far it is.
        clock: Tells the time.
        rng: Makes the jitter of waits.

    Raises:
        SettingsError: The range or the key is not as it has to be.
        DataError: The server refuses, fails for too long, or answers what cannot be; this computer's clock is wrong.
        StorageError: The store cannot be read or written, or another fetch is at work.
    """
    clock, progress = clock or SystemClock(), progress or Silent()
    with (
        exclusive(settings.folder / ".lock", "a fetch from J-Quants"),
        JQuantsClient(settings, key, progress=progress, clock=clock, rng=rng) as client,
    ):
        store = Store(settings.folder)
        span = _range(settings, store, clock, first, last)
        return _Fetch(client, store, progress, clock, span).run()


def _range(
    settings: JQuantsSettings, store: Store, clock: Clock, first: dt.date | None, last: dt.date | None
) -> tuple[dt.date, dt.date]:
    newest = today_in_tokyo(clock) - dt.timedelta(days=DELAY_DAYS[settings.plan])
    last = newest if last is None else min(last, newest)
    if first is None:
        stored = [min(entries) for one in ENDPOINTS.values() if (entries := store.entries(one))]
        if not stored:
            raise SettingsError(
                "the store is empty, and no first day is given", where=store.folder, remedy="give --from DATE"
            )
        first = min(stored)
    if first > last:
        raise SettingsError(
            "there is no day to fetch",
            got=f"{first} to {last}",
            expected=f"a first day before the last; the newest of plan {settings.plan} is {newest}",
        )
    return first, last


class _Fetch:
    """One fetch, from the calendar to the tables beside the bars."""

    def __init__(
        self,
        client: JQuantsClient,
        store: Store,
        progress: Progress,
        clock: Clock,
        span: tuple[dt.date, dt.date],
    ) -> None:
        self.settings, self.client, self.store = client.settings, client, store
        self.progress, self.clock = progress, clock
        self.first, self.last = span
        self.sessions: list[dt.date] = []
        self.days: dict[str, list[dt.date]] = {}
        self.missing: dict[str, list[dt.date]] = {}
        self.corrections: list[Correction] = []

    def run(self) -> Fetched:
        """Do everything."""
        chosen, skipped = self._chosen()
        self.sessions = sessions_of(self._calendar(), self.first, self.last)
        for endpoint in chosen:
            if endpoint.days == "range":
                self._table(endpoint)
            else:
                self._days(endpoint)
        write_derived(self.store, only_stocks=self.settings.only_stocks, progress=self.progress)
        return Fetched(
            folder=self.settings.folder,
            first=self.first,
            last=self.last,
            sessions=tuple(self.sessions),
            days={name: tuple(days) for name, days in self.days.items()},
            missing={name: tuple(days) for name, days in self.missing.items()},
            corrections=tuple(self.corrections),
            skipped=skipped,
            requests=self.client.requests,
            clock_off=self.client.clock_off,
        )

    def _chosen(self) -> tuple[list[Endpoint], dict[str, str]]:
        settings = self.settings
        wanted = [one for one in ENDPOINTS.values() if one.name in (settings.endpoints or ENDPOINTS)]
        skipped: dict[str, str] = {
            one.name: f"plan {settings.plan} does not include {one.path}, plan {one.least} does"
            for one in wanted
            if not includes(settings.plan, one.least)
        }
        for name, why in skipped.items():
            self.progress.note(f"{name} is left out: {why}")
        return [one for one in wanted if one.name not in {"calendar", *skipped}], skipped

    def _calendar(self) -> pl.DataFrame:
        """Return the calendar, asked anew where it does not reach or is not fresh."""
        endpoint = ENDPOINTS["calendar"]
        known = self.store.table(endpoint)
        ends = known.select(pl.col("Date").min().alias("first"), pl.col("Date").max().alias("last")).row(0)
        if None not in ends and ends[0] <= self.first and self.last <= ends[1] and self._is_fresh(endpoint):
            return known
        return self._merged(endpoint, known, self.first, self.last)

    def _table(self, endpoint: Endpoint) -> None:
        """Fetch the days of a table that it lacks, and the last ones anew."""
        known = self.store.table(endpoint)
        held = set(known.get_column("Date"))
        wanted = days_of(endpoint, self.sessions, self.first, self.last)
        lacking = [day for day in wanted if day not in held]
        again = [] if self._is_fresh(endpoint) else [day for day in self._window(wanted) if day in held]
        asked = sorted([*lacking, *again])
        self.progress.start(f"J-Quants {endpoint.name}", len(asked), "days")
        if asked:
            here = set(self._merged(endpoint, known, asked[0], asked[-1]).get_column("Date"))
            self.days[endpoint.name] = [day for day in lacking if day in here]
            self.missing[endpoint.name] = [day for day in lacking if day not in here]
            self.progress.advance(len(asked))

    def _is_fresh(self, endpoint: Endpoint) -> bool:
        checked = self.store.checked(endpoint)
        return checked is not None and self._is_recent(checked)

    def _is_recent(self, moment: dt.datetime) -> bool:
        """Whether a moment lies within the last hours; one of the future was told by a wrong clock."""
        return dt.timedelta(0) <= self.clock.now() - moment < _FRESH

    def _rows(self, endpoint: Endpoint, query: Mapping[str, str]) -> list[Row]:
        """Return the rows of an answer; nothing is stored, and no refusal told, by a wrong clock."""
        try:
            return self.client.rows(endpoint, query)
        finally:
            refuse_wrong_clock(self.client.clock_off)

    def _merged(self, endpoint: Endpoint, known: pl.DataFrame, first: dt.date, last: dt.date) -> pl.DataFrame:
        """Fetch a range, put it in place of the same days of a table, and store that."""
        query = {"from": first.isoformat(), "to": last.isoformat()}
        where = f"{endpoint.path} {first} to {last}"
        rows = self._rows(endpoint, query)
        table = as_table(endpoint, rows, where)
        outside = table.filter(~pl.col("Date").is_between(first, last)).get_column("Date")
        if len(outside):
            raise DataError("an answer is of another day", where=where, got=f"{len(outside)} of {outside[0]}")
        now = self.clock.now()
        other = table.join(known, on=table.columns, how="anti", nulls_equal=True).get_column("Date")
        for day in sorted(set(known.get_column("Date")) & set(other)):
            old, new = (one.filter(pl.col("Date") == day) for one in (known, table))
            self._found(compare(endpoint, day, old, new, now=now))
        kept = known.filter(~pl.col("Date").is_in(table.get_column("Date").implode()))
        whole = pl.concat([kept, table]).sort("Date")
        self.store.write_range(endpoint, whole, now)
        return whole

    def _days(self, endpoint: Endpoint) -> None:
        """Fetch the days of an endpoint that are not stored, and the last ones anew."""
        stored, now = self.store.entries(endpoint), self.clock.now()
        wanted = days_of(endpoint, self.sessions, self.first, self.last)
        window = [day for day in self._window(wanted) if day in stored]
        looked = {*window, *(day for day in stored if is_provisional(endpoint, stored[day], now))}
        again = {day for day in looked if not self._is_recent(stored[day].checked_at)}
        again |= {day for day in window if is_thin(endpoint, day, stored)}
        asked = [day for day in wanted if day not in stored or day in again]
        self.days[endpoint.name], self.missing[endpoint.name] = [], []
        self.progress.start(f"J-Quants {endpoint.name}", len(asked), "days")
        for day in asked:
            self._day(endpoint, day)
            self.progress.advance()
        missing = self.missing[endpoint.name]
        if missing:
            self.progress.note(
                f"{endpoint.name}: nothing yet for {len(missing)} days, the last is {missing[-1]}"
            )

    def _window(self, wanted: Sequence[dt.date]) -> list[dt.date]:
        """Return the wanted days within the last sessions that are looked at again."""
        last = self.sessions[-self.settings.refetch_sessions :] if self.settings.refetch_sessions else []
        return [day for day in wanted if last and day >= last[0]]

    def _day(self, endpoint: Endpoint, day: dt.date) -> None:
        """Fetch one day, check it, and store it in one step."""
        where = f"{endpoint.path} {day}"
        rows = self._rows(endpoint, {"date": day.isoformat()})
        table = as_table(endpoint, rows, where)
        check_day(endpoint, table, day)
        stored = self.store.entries(endpoint).get(day)
        session, today = day in self.sessions, today_in_tokyo(self.clock)
        if stored is None and not is_published(endpoint, day, table, session=session, today=today):
            self.missing[endpoint.name].append(day)
            return
        refuse_half(endpoint, day, table, self.store.entries(endpoint), self.settings.least_share)
        if stored is None:
            self._write(endpoint, day, table)
            self.days[endpoint.name].append(day)
        else:
            self._look_again(endpoint, day, table, rows)

    def _look_again(self, endpoint: Endpoint, day: dt.date, table: pl.DataFrame, rows: Sequence[Row]) -> None:
        """Compare a stored day with what the server says now."""
        now, old = self.clock.now(), self.store.read(endpoint, day)
        found = compare(endpoint, day, old, table, unsaid=absent(endpoint, rows), now=now)
        if not found:
            self.store.note(endpoint, replace(self.store.entries(endpoint)[day], checked_at=now))
            return
        self._found(found)
        self._write(endpoint, day, table)

    def _found(self, found: Sequence[Correction]) -> None:
        """Report corrections before the day is replaced, so that none is lost if the process ends in between."""
        append_corrections(self.store.folder, found)
        self.corrections += found
        if found:
            one = found[0]
            self.progress.note(
                f"{one.endpoint} {one.day}: {len(found)} values changed, such as {one.field} of {one.key}: "
                f"{one.old} is now {one.new}"
            )

    def _write(self, endpoint: Endpoint, day: dt.date, table: pl.DataFrame) -> None:
        if endpoint.name == "short_ratio":
            table = table.join(self._sectors(), on="S33", how="left", maintain_order="left")
        self.store.write(endpoint, day, table, self.clock.now())

    def _sectors(self) -> pl.DataFrame:
        """Return number and name of each sector, from the newest list of issues."""
        endpoint = ENDPOINTS["listed"]
        days = [day for day, entry in self.store.entries(endpoint).items() if entry.files]
        if not days:
            return pl.DataFrame(schema={"S33": pl.String, "S33Nm": pl.String})
        return self.store.read(endpoint, max(days)).select("S33", "S33Nm").drop_nulls().unique("S33")
