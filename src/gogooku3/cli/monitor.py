"""Watch a search: trials by state, the best, what is at work, rate and time left; read from the study itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

    from gogooku3.sweeps.snapshot import Running, Snapshot

NAME = "monitor"

_BARS = "▁▂▃▄▅▆▇█"
_STATES = ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING")


def command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the search.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the study, if the database holds several.")
    ] = None,
    storage: Annotated[
        str | None, typer.Option(help="URL of its database; the one in the folder if not given.")
    ] = None,
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.5)] = 5.0,
    once: Annotated[
        bool, typer.Option("--once", help="Look once; so it does where the output is no terminal.")
    ] = False,
    web: Annotated[
        bool, typer.Option("--web", help="Open the study in optuna-dashboard (extra dashboard).")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print what is seen as JSON, once.")] = False,
) -> None:
    """Watch a search."""
    from rich.console import Console
    from rich.live import Live

    from gogooku3.cli import show
    from gogooku3.sweeps.look import Look

    look = Look(folder, name=name, storage=storage)
    if web:
        with suppress(KeyboardInterrupt):  # the way to leave it
            look.serve(show.say)
        return
    if json:
        show.as_json(_plain(look.now()))
        return
    if once or not sys.stdout.isatty():
        Console().print(shown(look.now()))
        return
    with suppress(KeyboardInterrupt), Live(shown(look.now()), auto_refresh=False, screen=False) as live:
        while True:
            snapshot = look.now()
            live.update(shown(snapshot), refresh=True)
            if snapshot.ended:
                return
            time.sleep(every)


def shown(snapshot: Snapshot) -> Group:
    """Return what a terminal shows."""
    from rich.console import Group, RenderableType
    from rich.padding import Padding
    from rich.text import Text

    states = ", ".join(
        f"{snapshot.states[name]} {name.lower()}" for name in _STATES if name in snapshot.states
    )
    lines: list[RenderableType] = [Text(f"{snapshot.name}: {states or 'no trial yet'}", style="bold")]
    if snapshot.per_hour is not None and snapshot.hours_left is not None:
        left = "" if snapshot.ended else f", about {_hours(snapshot.hours_left)} left"
        lines.append(Text(f"{snapshot.per_hour:.1f} trials an hour{left}"))
    if snapshot.best is not None:
        number, value, params = snapshot.best
        lines.append(Text(f"best: trial {number}, mean RankIC {value:.4f}", style="green"))
        point = Text(", ".join(f"{key} {_short(what)}" for key, what in params.items()))
        lines.append(Padding(point, (0, 0, 0, 2)))
    if snapshot.running:
        lines.append(_running(snapshot.running))
    for number, reason in list(snapshot.failed)[-5:]:
        lines.append(Text(f"trial {number} failed: {reason}", style="red"))
    return Group(*lines)


def _running(trials: Sequence[Running]) -> Table:
    from rich.table import Table

    table = Table("trial", "fold", "epoch", "RankIC by epoch", "last", "stock-days/s", "memory", "minutes")
    for one in trials:
        live = one.live
        memory = f"{live['memory_mb']:,} MB" if "memory_mb" in live else ""
        gpu = f", GPU {live['gpu_memory_mb']:,} MB" if "gpu_memory_mb" in live else ""
        table.add_row(
            str(one.number),
            str(live.get("fold", "")),
            str(live.get("epoch", "")),
            spark(one.curve),
            f"{live['rank_ic']:.4f}" if "rank_ic" in live else "",
            f"{live['stock_days_per_second']:,}" if "stock_days_per_second" in live else "",
            memory + gpu,
            f"{one.minutes:.0f}",
        )
    return table


def spark(values: Sequence[float]) -> str:
    """Return a curve as one line of blocks, the lowest value the lowest block."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BARS[round((value - low) * scale)] for value in values)


def _plain(snapshot: Snapshot) -> dict[str, Any]:
    return {**vars(snapshot), "running": [vars(one) for one in snapshot.running]}


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.0f} min"


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
