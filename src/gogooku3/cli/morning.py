"""What is done every day: fetch, append, predict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gogooku3.cli import options as o

if TYPE_CHECKING:
    from gogooku3.pipeline.morning import Morning

NAME = "morning"


def command(
    name: o.Name = None,
    bundle: o.Bundle = None,
    model: o.RankedBy = None,
    target: o.Target = None,
    fetch: Annotated[
        bool, typer.Option("--fetch/--no-fetch", help="Whether to fetch from J-Quants first.")
    ] = True,
    as_of: o.AsOf = None,
    holdings: o.Holdings = None,
    capital: o.Capital = None,
    cash: o.Cash = None,
    config: o.Config = None,
    settings: o.Set = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Fetch what is new, bring the panel up to date, rank its last session; safe to run again at any time."""
    from functools import partial

    from gogooku3.cli import show
    from gogooku3.config.jquants_key import jquants_key
    from gogooku3.pipeline.morning import morning

    run = o.make_run(name=name, config=config, settings=settings, quiet=quiet)
    fetcher = None
    if fetch:
        import logging

        from gogooku3.sources.jquants.fetch import fetch_jquants

        logging.getLogger("stamina").addHandler(logging.NullHandler())  # the client tells every wait itself
        chosen = run.settings.jquants
        fetcher = partial(fetch_jquants, chosen, jquants_key(chosen), progress=run.progress)
    done = morning(
        run,
        fetch=fetcher,
        as_of=o.day_of_ranking(run, as_of),
        bundle=bundle,
        model=model,
        target=target,
        account=o.account_of(holdings, capital, cash),
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
        for name, why in fetched.skipped.items():
            show.say(f"{name}: {why}")
        for name, missing in fetched.missing.items():
            if missing:
                show.say(f"{name}: nothing yet for {len(missing)} days, the last is {missing[-1]}")
    if appended is None:
        show.say("the panel was up to date")
    else:
        show.say(
            f"appended: {appended.sessions} sessions, {appended.changes.corrected} corrected bars, "
            f"{appended.changes.withdrawn} withdrawn, "
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
            "withdrawn": appended.changes.withdrawn,
            "sessions_computed": appended.computed,
        },
    }
