"""Predictions to evidence: RankIC, t-statistics, deciles, the costed portfolio; per horizon, lag and year."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gogooku3.cli import options as o

if TYPE_CHECKING:
    from gogooku3.pipeline.foreign_judged import ForeignJudged

NAME = "evaluate"


class Universe(StrEnum):
    """Which stock-days of another tool's scores count."""

    SCORED = "scored"
    SETTINGS = "settings"


def command(
    name: o.Name = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Scores of another tool: a Parquet or CSV file of date, code and score columns."),
    ] = None,
    bars: o.Bars = None,
    listing: o.Listing = None,
    delistings: o.Delistings = None,
    scores: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN", help="With --predictions: judge this column; all of numbers if not said."
        ),
    ] = None,
    universe: Annotated[
        Universe | None,
        typer.Option(
            help="With --predictions: the stock-days that have a score (the default), or our own universe."
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="With --predictions: last date whose prices may be looked at."
        ),
    ] = None,
    panel: o.Panel = None,
    config: o.Config = None,
    settings: o.Set = None,
    open_locked: o.OpenLocked = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Evaluate the predictions of a run, or with --predictions and --bars the scores of any other tool.

    A column such as mymodel_h5_d1 is for 5 sessions entered 1 later; any other is judged at every horizon and lag.
    """
    from gogooku3.cli import show

    if predictions is not None:
        _refuse({"--panel": panel, "--open-locked": open_locked}, "without --predictions")
        judged = _foreign(
            predictions,
            {
                "run.name": name,
                "source.bars": bars,
                "source.listing": listing,
                "source.delistings": delistings,
            },
            columns=scores or [],
            universe=universe or Universe.SCORED,
            until=until,
            config=config,
            settings=settings,
            quiet=quiet,
        )
        show.say(f"report: {judged.run.path('report.html')}")
        if json:
            show.as_json({"run": str(judged.run.folder), "evaluation": judged.saved()})
        else:
            show.show_evaluation(judged.tested)
        return
    given = {"--bars": bars, "--listing": listing, "--delistings": delistings, "--scores": scores}
    _refuse(given | {"--universe": universe, "--until": until}, "with --predictions")
    from gogooku3.pipeline.evaluate import Judged, evaluate

    run = o.make_run(
        name=name, panel=panel, config=config, settings=settings, open_locked=open_locked, quiet=quiet
    )
    own = Judged(run)
    stages = evaluate(run, own)
    show.show_stages(stages)
    if json:
        show.as_json({"run": str(run.folder), "evaluation": own.saved()})
    else:
        show.show_evaluation(own.tested)


def _foreign(
    predictions: Path,
    given: dict[str, object],
    *,
    columns: list[str],
    universe: Universe,
    until: datetime | None,
    config: Path | None,
    settings: list[str] | None,
    quiet: bool,
) -> ForeignJudged:
    from gogooku3.cli import show
    from gogooku3.pipeline.foreign import evaluate_foreign
    from gogooku3.pipeline.foreign_judged import Foreign, ForeignJudged
    from gogooku3.pipeline.foreign_run import open_foreign

    asked = Foreign(
        predictions=predictions,
        columns=tuple(columns),
        universe="settings" if universe is Universe.SETTINGS else "scored",
        until=None if until is None else until.date(),
    )
    flags = {key: str(value) for key, value in given.items() if value is not None} | _pairs(settings or [])
    run = open_foreign(asked, progress=show.progress(quiet=quiet), config=config, flags=flags)
    judged = ForeignJudged(run, asked)
    show.show_stages([evaluate_foreign(judged)])
    return judged


def _pairs(settings: list[str]) -> dict[str, str]:
    from gogooku3.errors import SettingsError

    found = {}
    for pair in settings:
        key, equals, value = pair.partition("=")
        if not equals:
            raise SettingsError(
                "--set is not understood", got=pair, expected="KEY=VALUE, such as labels.lags=[1]"
            )
        found[key.strip()] = value.strip()
    return found


def _refuse(given: dict[str, object], belongs: str) -> None:
    from gogooku3.errors import SettingsError

    said = [option for option, value in given.items() if value]
    if said:
        raise SettingsError("an option has no effect here", got=", ".join(said), expected=f"{belongs} only")
