"""Predictions to evidence: RankIC, t-statistics, deciles, the costed portfolio; per horizon, lag and year."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gogooku3.cli import options as o

if TYPE_CHECKING:
    from gogooku3.pipeline.evaluate import Judged
    from gogooku3.pipeline.foreign_judged import Foreign, ForeignJudged
    from gogooku3.pipeline.run_folder import Run

NAME = "evaluate"


class Universe(StrEnum):
    """Which stock-days of another tool's scores count."""

    SCORED = "scored"
    SETTINGS = "settings"


Predictions = Annotated[
    Path | None,
    typer.Option(help="Scores of another tool: a Parquet or CSV file of date, code and score columns."),
]
Scores = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="With --predictions: judge this column; all of numbers if not said."),
]
Chosen = Annotated[
    Universe | None,
    typer.Option(
        help="With --predictions: the stock-days that have a score (the default), or our own universe."
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="With --predictions: last date whose prices may be looked at."),
]


def command(
    name: o.Name = None,
    predictions: Predictions = None,
    bars: o.Bars = None,
    listing: o.Listing = None,
    delistings: o.Delistings = None,
    scores: Scores = None,
    universe: Chosen = None,
    until: Until = None,
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
    if predictions is not None:
        _refuse({"--panel": panel, "--open-locked": open_locked}, "without --predictions")
        given: dict[str, object] = {"run.name": name, "source.bars": bars}
        given |= {"source.listing": listing, "source.delistings": delistings}
        asked = _asked(predictions, scores or [], universe or Universe.SCORED, until)
        judged: Judged | ForeignJudged = _foreign(asked, given, config, settings or [], quiet=quiet)
    else:
        given = {"--bars": bars, "--listing": listing, "--delistings": delistings, "--scores": scores}
        _refuse(given | {"--universe": universe, "--until": until}, "with --predictions")
        run = o.make_run(
            name=name, panel=panel, config=config, settings=settings, open_locked=open_locked, quiet=quiet
        )
        judged = _own(run)
    _show(judged, json=json)


def _own(run: Run) -> Judged:
    from gogooku3.cli import show
    from gogooku3.pipeline.evaluate import Judged, evaluate

    judged = Judged(run)
    show.show_stages(evaluate(run, judged))
    return judged


def _show(judged: Judged | ForeignJudged, *, json: bool) -> None:
    from gogooku3.cli import show

    if json:
        show.as_json({"run": str(judged.run.folder), "evaluation": judged.saved()})
    else:
        show.show_evaluation(judged.tested)


def _asked(predictions: Path, columns: list[str], universe: Universe, until: datetime | None) -> Foreign:
    from gogooku3.pipeline.foreign_judged import Foreign

    return Foreign(
        predictions=predictions,
        columns=tuple(columns),
        universe="settings" if universe is Universe.SETTINGS else "scored",
        until=None if until is None else until.date(),
    )


def _foreign(
    asked: Foreign, given: dict[str, object], config: Path | None, settings: list[str], *, quiet: bool
) -> ForeignJudged:
    from gogooku3.cli import show
    from gogooku3.pipeline.foreign import evaluate_foreign
    from gogooku3.pipeline.foreign_judged import ForeignJudged
    from gogooku3.pipeline.foreign_run import open_foreign

    flags = {key: str(value) for key, value in given.items() if value is not None} | o.pairs(settings)
    run = open_foreign(asked, progress=show.progress(quiet=quiet), config=config, flags=flags)
    judged = ForeignJudged(run, asked)
    show.show_stages([evaluate_foreign(judged)])
    show.say(f"report: {run.path('report.html')}")
    return judged


def _refuse(given: dict[str, object], belongs: str) -> None:
    from gogooku3.errors import SettingsError

    said = [option for option, value in given.items() if value]
    if said:
        raise SettingsError("an option has no effect here", got=", ".join(said), expected=f"{belongs} only")
