"""The ranking of one session, by models trained before it: those of a run, or of a bundle."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from gogooku3.cli import options as o

NAME = "predict"


def command(
    name: o.Name = None,
    date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Session to rank; the last one if not given."),
    ] = None,
    model: o.RankedBy = None,
    bundle: o.Bundle = None,
    target: o.Target = None,
    as_of: o.AsOf = None,
    holdings: o.Holdings = None,
    capital: o.Capital = None,
    cash: o.Cash = None,
    panel: o.Panel = None,
    config: o.Config = None,
    settings: o.Set = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Rank the stocks of a session; refuse, with code 2 and nothing written, what cannot be relied on."""
    from gogooku3.cli import show
    from gogooku3.pipeline.predict import predict
    from gogooku3.pipeline.predict_bundle import predict_bundle

    run = o.make_run(name=name, panel=panel, config=config, settings=settings, quiet=quiet)
    day = date.date() if date else None
    simulated = run.settings.run.simulated and as_of is None  # such a market ends when it was told to
    today = None if simulated else o.day_of_ranking(run, as_of)
    account = o.account_of(holdings, capital, cash)
    if bundle is None:
        ranking = predict(run, session=day, model=model, target=target, as_of=today, account=account)
    else:
        ranking = predict_bundle(
            run, bundle, session=day, model=model, target=target, as_of=today, account=account
        )
    for warning in ranking.warnings:
        show.say(f"warning: {warning}")
    if json:
        trading = ranking.trading
        show.as_json(
            {
                **ranking.header,
                "files": [str(path) for path in ranking.files],
                "ranking": ranking.table.to_dicts(),
                "orders": None if trading is None else trading.to_json(),
            }
        )
        return
    show.show_ranking(ranking)
    show.say(f"written: {', '.join(str(path) for path in ranking.files)}")
