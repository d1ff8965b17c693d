"""Fetch bars and what is published about stocks into a folder on this computer."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gogooku3.cli import options as o

if TYPE_CHECKING:
    from gogooku3.sources.jquants.fetched import Fetched
    from gogooku3.sources.jquants.plan import Plan

NAME = "fetch"

app = typer.Typer(help="Fetch data: from J-Quants with a contract, or from Yahoo without.")

From = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="First day; that of the store if not given.")
]
To = Annotated[
    str | None, typer.Option("--to", metavar="DATE", help="Last day; the newest one if not given.")
]


@app.command()
def jquants(
    first: From = None,
    last: To = None,
    plan: Annotated[
        str | None, typer.Option(help="Plan of your contract: free, light, standard or premium.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Folder of the store; data/jquants if not given.")
    ] = None,
    endpoints: Annotated[
        list[str] | None,
        typer.Option(
            "--endpoint",
            help="What to fetch, once for each: listed, bars_daily, topix, indices, statements, margin_interest, "
            "short_ratio; all that the plan includes if not given.",
        ),
    ] = None,
    refetch: Annotated[
        int | None, typer.Option(help="Last sessions to fetch again and compare.", min=0)
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(help="File of mode 0600 with the key, instead of JQUANTS_API_KEY and other places."),
    ] = None,
    base_url: Annotated[str | None, typer.Option(hidden=True, help="Address of the API, for tests.")] = None,
    config: o.Config = None,
    settings: o.Set = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Fetch from the J-Quants API V2, day by day; what is stored is not asked again.

    Needs a contract with JPX Market Innovation & Research, whose terms hold (docs/guide/jquants.md), the extra
    gogooku3[jquants], and the key in JQUANTS_API_KEY, a file of mode 0600, or the system's keyring.
    """
    from gogooku3.cli import show
    from gogooku3.config.jquants_key import jquants_key
    from gogooku3.config.load import load_settings
    from gogooku3.sources.jquants.fetch import fetch_jquants

    given = {
        "jquants.plan": plan,
        "jquants.folder": None if folder is None else str(folder),
        "jquants.endpoints": endpoints or None,
        "jquants.refetch_sessions": refetch,
        "jquants.key_file": None if key_file is None else str(key_file),
        "jquants.base_url": base_url,
    }
    flags = {key: value for key, value in given.items() if value is not None} | o.pairs(settings or [])
    _hush()
    chosen = load_settings(config, flags).settings.jquants
    done = fetch_jquants(
        chosen,
        jquants_key(chosen),
        first=_day("--from", first),
        last=_day("--to", last),
        progress=show.progress(quiet=quiet),
    )
    if json:
        show.as_json(done.plain())
    else:
        _say(done)
        _say_delay(chosen.plan)


@app.command()
def yahoo(
    tickers: Annotated[
        list[str], typer.Option("--ticker", help="A ticker of Yahoo, such as 7203.T; once for each.")
    ],
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First day.")],
    out: Annotated[Path, typer.Option(help="Parquet file that is written, for --bars.")] = Path(
        "data/yahoo.parquet"
    ),
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Last day; today if not given.")
    ] = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Fetch daily bars from Yahoo Finance, for people without a contract.

    Through the package yfinance (extra gogooku3[yahoo]), which Yahoo neither makes nor approves: Yahoo's terms of use
    allow personal use only, and forbid to pass the data on. Prices are adjusted for splits up to today, and stocks
    that have ended are missing: good for a try, not for evidence (docs/guide/jquants.md).
    """
    from gogooku3.cli import show
    from gogooku3.sources.yahoo import fetch_yahoo

    begin, end = _date("--from", first), _day("--to", last)
    done = fetch_yahoo(tickers, begin, end, out, progress=show.progress(quiet=quiet))
    if json:
        show.as_json(done.plain())
        return
    show.say(f"{done.rows:,} bars of {len(done.tickers)} tickers in {done.path}")
    if done.missing:
        show.say(f"nothing for: {', '.join(done.missing)}")


def _day(option: str, text: str | None) -> dt.date | None:
    return None if text is None else _date(option, text)


def _date(option: str, text: str) -> dt.date:
    from gogooku3.errors import SettingsError

    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(
            "a date is not understood", where=option, got=text, expected="YYYY-MM-DD"
        ) from error


def _hush() -> None:
    """Keep stamina's own lines off the terminal: the client tells every wait itself."""
    import logging

    logging.getLogger("stamina").addHandler(logging.NullHandler())


def _say(done: Fetched) -> None:
    from gogooku3.cli import show

    for name, days in done.days.items():
        if days:
            show.say(f"{name}: {len(days)} days fetched, the last is {days[-1]}")
    for name, days in done.missing.items():
        if days:
            show.say(f"{name}: nothing yet for {len(days)} days, the last is {days[-1]}")
    for name, days in done.changed.items():
        show.say(f"{name}: corrected on {', '.join(map(str, days))}; see corrections.jsonl")
    for name, why in done.skipped.items():
        show.say(f"{name}: {why}")
    show.say(f"{done.folder}: {done.first} to {done.last}, {done.requests} requests")


def _say_delay(plan: Plan) -> None:
    from gogooku3.cli import show
    from gogooku3.sources.jquants.plan import DELAY_DAYS

    if DELAY_DAYS[plan]:
        show.say(
            f"plan {plan}: the newest data are {DELAY_DAYS[plan]} days old; "
            "give --plan (or set jquants.plan) if your contract is a larger one"
        )
