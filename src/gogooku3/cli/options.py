"""Options that commands share, and the run they describe."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gogooku3.pipeline.run_folder import Run
    from gogooku3.pipeline.trading import Account

Name = Annotated[str | None, typer.Option(help="Name of the run; its folder is runs/NAME.")]
Bars = Annotated[
    Path | None, typer.Option(help="Daily bars: a Parquet or CSV file, or a folder with one file per stock.")
]
Listing = Annotated[Path | None, typer.Option(help="Table of code, name and sector.")]
Delistings = Annotated[Path | None, typer.Option(help="Table of code, last_session and terminal_return.")]
Panel = Annotated[Path | None, typer.Option(help="A ready panel (folder or .arrow file) instead of bars.")]
Simulated = Annotated[bool, typer.Option("--simulated", help="Take bars from the simulated market.")]
Config = Annotated[Path | None, typer.Option(help="TOML file of settings.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any setting, such as lightgbm.leaves=15."),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        help="A model to train, once for each: ridge, lightgbm, gru, atft_gat_fan, blend; train.models if not given.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
Bundle = Annotated[
    Path | None, typer.Option(help="Rank by the models of this bundle instead of those of the run.")
]
RankedBy = Annotated[
    str | None,
    typer.Option("--model", help="Model; the last of the run's, or of the bundle's, if not given."),
]
Target = Annotated[str | None, typer.Option(help="Horizon and lag to sort by, such as h5_d1.")]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"],
        help="Day of the ranking: all sessions before it should be there; today at the exchange if not given.",
    ),
]
Holdings = Annotated[
    Path | None,
    typer.Option(help="Table of code and shares, perhaps a row cash: write the trades that lead from it."),
]
Capital = Annotated[
    float | None,
    typer.Option(help="Yen that a leg of the portfolio may be worth; what is held and cash if not given."),
]
Cash = Annotated[float | None, typer.Option(help="Yen beside the holdings.")]
OpenLocked = Annotated[
    bool,
    typer.Option("--open-locked", help="Also test the locked years: once, at the very end. It is recorded."),
]


def make_run(
    *,
    name: str | None = None,
    bars: Path | None = None,
    listing: Path | None = None,
    delistings: Path | None = None,
    panel: Path | None = None,
    simulated: bool = False,
    config: Path | None = None,
    settings: list[str] | None = None,
    models: list[str] | None = None,
    open_locked: bool = False,
    quiet: bool = False,
    remembered: bool = True,
) -> Run:
    """Resolve flags to a run.

    A run that was begun before is found by its name: its source of bars and whatever was chosen then hold
    unless a flag, the environment or a file says otherwise (``remembered``).
    """
    from gogooku3.cli.show import progress
    from gogooku3.pipeline.run_folder import open_run

    flags: dict[str, object] = {}
    given = {
        "run.name": name,
        "source.bars": bars,
        "source.listing": listing,
        "source.delistings": delistings,
    }
    flags |= {key: str(value) for key, value in {**given, "panel.file": panel}.items() if value is not None}
    flags |= {
        key: True for key, said in (("run.simulated", simulated), ("run.open_locked", open_locked)) if said
    }
    flags |= pairs(settings or [])
    if models:
        flags["train.models"] = _only_once(models, flags)
    return open_run(config=config, progress=progress(quiet=quiet), flags=flags, remembered=remembered)


def _only_once(models: list[str], flags: dict[str, object]) -> list[str]:
    """Return the models, which must not be set as a setting too."""
    from gogooku3.errors import SettingsError

    if "train.models" in flags:
        raise SettingsError(
            "the models are given twice",
            got=f"--model {' --model '.join(models)} and --set train.models={flags['train.models']}",
            expected="one of the two",
        )
    return models


def day_of_ranking(run: Run, named: datetime | None) -> date:
    """Return the day named, else what day it is at the exchange, wherever this machine stands."""
    from gogooku3.market.calendar import exchange_today

    if named is not None:
        return named.date()
    return exchange_today(run.settings.market.calendar, datetime.now().astimezone())


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


def pairs(settings: list[str]) -> dict[str, object]:
    """Return the settings that ``--set`` names.

    Raises:
        SettingsError: One is not of the form KEY=VALUE.
    """
    from gogooku3.errors import SettingsError

    found: dict[str, object] = {}
    for pair in settings:
        key, equals, value = pair.partition("=")
        if not equals:
            raise SettingsError(
                "--set is not understood", got=pair, expected="KEY=VALUE, such as lightgbm.leaves=15"
            )
        found[key.strip()] = value.strip()
    return found


def place(run: str) -> tuple[Path | None, str]:
    """Return the folder of runs, where ``run`` is a path to a run's folder, and the run's name."""
    path = Path(run)
    if len(path.parts) < 2:
        return None, run
    return path.parent, path.name
