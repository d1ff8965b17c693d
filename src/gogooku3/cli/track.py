"""Rankings that were written for single sessions, and what followed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from gogooku3.cli import options as o

if TYPE_CHECKING:
    from gogooku3.pipeline.tracking import TrackedModel, TrackedTarget, Tracking

NAME = "track"


def command(
    name: o.Name = None,
    panel: o.Panel = None,
    config: o.Config = None,
    settings: o.Set = None,
    open_locked: Annotated[
        bool,
        typer.Option("--open-locked", help="Also look at labels that end in locked years. It is recorded."),
    ] = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Compare live rankings with what followed, and with the backtest."""
    from gogooku3.cli import show
    from gogooku3.pipeline.track import track
    from gogooku3.pipeline.tracking_json import tracking_to_json

    run = o.make_run(
        name=name, panel=panel, config=config, settings=settings, open_locked=open_locked, quiet=quiet
    )
    tracking = track(run)
    if json:
        show.as_json({"path": str(tracking.path), **tracking_to_json(tracking)})
        return
    _show(tracking)
    show.say(f"written: {tracking.path}")


def _show(tracking: Tracking) -> None:
    """Print a table, what follows from it, and what does not count."""
    import sys

    from rich.console import Console
    from rich.table import Table

    table = Table(title="Live rankings", title_justify="left")
    for heading in ("model", "target"):
        table.add_column(heading)
    for heading in (
        "known",
        "not yet",
        "kept back",
        "RankIC",
        "t",
        "spread bps",
        "coverage",
        "same days",
        "live there",
        "backtest there",
        "backtest",
    ):
        table.add_column(heading, justify="right")
    for model in tracking.models:
        for target in model.targets:
            table.add_row(model.model, *_row(target))
    Console(width=None if sys.stdout.isatty() else 150).print(table)
    for model in tracking.models:
        _say(model)
    for one in (*tracking.absent, *tracking.historical, *tracking.unread):
        typer.echo(f"{one.file.name} does not count: {one.reason}")


def _row(target: TrackedTarget) -> list[str]:
    return [
        str(target.target),
        str(target.known),
        str(target.not_yet),
        str(target.kept_back),
        _number(target.rank_ic.test.mean, 4),
        _number(target.rank_ic.test.t, 1),
        _number(1e4 * target.spread.test.mean, 1),
        _number(100 * target.coverage, 1) + " %",
        str(target.same_days),
        _number(target.same_days_live, 4),
        _number(target.same_days_backtest, 4),
        _number(target.backtest.test.mean, 4),
    ]


def _say(model: TrackedModel) -> None:
    for target in model.targets:
        typer.echo(f"{model.model} at {target.target}: {target.statement}.")
    if any(target.kept_back for target in model.targets):
        typer.echo(
            f"{model.model}: labels that end in a locked year are kept back; --open-locked looks at them, "
            "and is recorded."
        )
    if model.unknown_codes:
        some = ", ".join(model.unknown_codes[:5])
        typer.echo(
            f"{model.model}: the panel does not have {len(model.unknown_codes)} of its stocks ({some})"
        )
    if model.unknown_targets:
        typer.echo(f"{model.model}: no labels of {', '.join(map(str, model.unknown_targets))}")


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
