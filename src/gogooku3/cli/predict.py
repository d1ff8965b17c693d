"""The ranking of one session, by models trained before it: those of a run, or of a bundle."""

from __future__ import annotations

from datetime import date as day_type
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gogooku3.cli import options as o

if TYPE_CHECKING:
    from gogooku3.pipeline.run_folder import Run
    from gogooku3.pipeline.trading import Account

NAME = "predict"


def command(
    name: o.Name = None,
    date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Session to rank; the last one if not given."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model; the last of the run's, or of the bundle's, if not given.")
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="Rank by the models of this bundle instead of those of the run.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Horizon and lag to sort by, such as h5_d1.")] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Day of the ranking: all sessions before it should be in the panel; today if not given.",
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
    today = _as_of(run, as_of)
    account = account_of(holdings, capital, cash)
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


def _as_of(run: Run, named: datetime | None) -> day_type | None:
    """Return the day of the ranking; a simulated market ends when it was told to, so that today says nothing."""
    if named is not None:
        return named.date()
    return None if run.settings.run.simulated else datetime.now().astimezone().date()


def account_of(holdings: Path | None, capital: float | None, cash: float | None) -> Account | None:
    """Return what trades lead from; None where none are asked for."""
    from dataclasses import replace

    from gogooku3.errors import SettingsError
    from gogooku3.pipeline.holdings import Holdings, read_holdings
    from gogooku3.pipeline.trading import Account

    if holdings is None and capital is None and cash is None:
        return None
    held = Holdings.none() if holdings is None else read_holdings(holdings)
    if cash is not None:
        if held.cash is not None:
            raise SettingsError(
                "cash is given twice",
                got=f"--cash {cash} and {held.cash} in {holdings}",
                expected="one of the two",
            )
        held = replace(held, cash=cash)
    return Account(holdings=held, capital=capital)
