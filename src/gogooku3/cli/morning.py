"""What is done every day: fetch, append, predict."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gogooku3.cli import options as o
from gogooku3.cli.predict import account_of

if TYPE_CHECKING:
    from gogooku3.pipeline.morning import Morning

NAME = "morning"


def command(
    name: o.Name = None,
    bundle: Annotated[
        Path | None, typer.Option(help="Rank by the models of this bundle instead of those of the run.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model; the last one if not given.")] = None,
    target: Annotated[str | None, typer.Option(help="Horizon and lag to sort by, such as h5_d1.")] = None,
    fetch: Annotated[
        bool, typer.Option("--fetch/--no-fetch", help="Whether to fetch from J-Quants first.")
    ] = True,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Day of the ranking: all sessions before it have to be there; today at the exchange if not given.",
        ),
    ] = None,
    holdings: Annotated[
        Path | None,
        typer.Option(
            help="Table of code and shares, perhaps a row cash: write the trades that lead from it."
        ),
    ] = None,
    capital: Annotated[
        float | None,
        typer.Option(
            help="Yen that a leg of the portfolio may be worth; what is held and cash if not given."
        ),
    ] = None,
    cash: Annotated[float | None, typer.Option(help="Yen beside the holdings.")] = None,
    config: o.Config = None,
    settings: o.Set = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Fetch what is new, bring the panel up to date, rank its last session; safe to run again at any time."""
    from functools import partial

    from gogooku3.cli import show
    from gogooku3.config.jquants_key import jquants_key
    from gogooku3.market.calendar import exchange_today
    from gogooku3.pipeline.morning import morning

    run = o.make_run(name=name, config=config, settings=settings, quiet=quiet)
    fetcher = None
    if fetch:
        from gogooku3.sources.jquants.fetch import fetch_jquants

        chosen = run.settings.jquants
        fetcher = partial(fetch_jquants, chosen, jquants_key(chosen), progress=run.progress)
    done = morning(
        run,
        fetch=fetcher,
        as_of=as_of.date()
        if as_of
        else exchange_today(run.settings.market.calendar, datetime.now().astimezone()),
        bundle=bundle,
        model=model,
        target=target,
        account=account_of(holdings, capital, cash),
    )
    for warning in done.ranking.warnings:
        show.say(f"warning: {warning}")
    if json:
        show.as_json(_plain(done))
        return
    _say(done)


def _say(done: Morning) -> None:
    from gogooku3.cli import show

    fetched, appended = done.fetched, done.appended
    if fetched is not None:
        days = sum(map(len, fetched.days.values()))
        show.say(
            f"fetched: {days} days of {len(fetched.days)} tables, {len(fetched.corrections)} corrections"
        )
    if appended is None:
        show.say("the panel was up to date")
    else:
        show.say(
            f"appended: {appended.sessions} sessions, {appended.changes.corrected} corrected bars, "
            f"{appended.computed} sessions computed"
        )
    show.show_ranking(done.ranking)
    show.say(f"written: {', '.join(str(path) for path in done.ranking.files)}")


def _plain(done: Morning) -> dict[str, Any]:
    appended = done.appended
    return {
        **done.ranking.header,
        "files": [str(path) for path in done.ranking.files],
        "fetched": None if done.fetched is None else done.fetched.plain(),
        "appended": None
        if appended is None
        else {
            "sessions": appended.sessions,
            "corrected": appended.changes.corrected,
            "sessions_computed": appended.computed,
        },
    }
