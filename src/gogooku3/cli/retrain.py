"""A run's test years replayed with models that are fitted anew every month, quarter or year."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from gogooku3.cli import options as o

if TYPE_CHECKING:
    from gogooku3.pipeline.retrain import Replay

NAME = "retrain"


class _Cadence(StrEnum):
    monthly = "monthly"
    quarterly = "quarterly"
    yearly = "yearly"


def command(
    cadence: Annotated[
        _Cadence, typer.Option(help="How often the models are fitted anew over the test years.")
    ],
    name: o.Name = None,
    out_name: Annotated[
        str | None, typer.Option(help="Name of the replay, a run of its own; NAME-CADENCE if not given.")
    ] = None,
    config: o.Config = None,
    settings: o.Set = None,
    models: o.Models = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Replay retraining over the test years, as a morning job would have done it, and compare with the run."""
    from gogooku3.cli import show
    from gogooku3.pipeline.retrain import retrain

    run = o.make_run(name=name, config=config, settings=settings, models=models, quiet=quiet)
    replay = retrain(run, cadence.value, out=out_name)
    show.show_stages(replay.stages)
    if json:
        from gogooku3.evaluation.plain import plain

        show.as_json(
            {
                "run": str(replay.run.folder),
                "stages": show.stages_as_json(replay.stages),
                "pairs": plain(replay.pairs),
                "without": dict(replay.without),
            }
        )
        return
    _show(replay, run.settings.retrain.cadence)
    show.say(
        f"a run like any other: `gogooku3 report --name {replay.run.settings.run.name}`, or backtest, bundle"
    )


def _show(replay: Replay, before: str) -> None:
    """Print RankIC of the run and of its replay, on the same stock-days."""
    import sys

    from rich.console import Console
    from rich.table import Table

    from gogooku3.cli import show

    for model, reason in replay.without.items():
        show.say(f"{model} is not compared with the run: {reason}")
    if not replay.pairs:
        return
    now = replay.run.settings.retrain.cadence
    table = Table(title=f"RankIC, {before} and {now}, on the same stock-days", title_justify="left")
    for heading in ("model", "horizon", "lag"):
        table.add_column(heading)
    for heading in (before, now, "difference", "interval", "t", "days", ""):
        table.add_column(heading, justify="right")
    for pair in replay.pairs:
        found = pair.paired
        table.add_row(
            pair.name,
            str(found.target.horizon),
            str(found.target.lag),
            f"{pair.before:.4f}",
            f"{pair.now:.4f}",
            f"{found.whole.mean:+.4f}",
            f"{found.low:+.4f} to {found.high:+.4f}",
            f"{found.t:.1f}",
            f"{found.whole.days:,}",
            {1: f"{now} ranks better", -1: f"{now} ranks worse", 0: "not distinguishable"}[found.verdict],
        )
    Console(width=None if sys.stdout.isatty() else 140).print(table)
