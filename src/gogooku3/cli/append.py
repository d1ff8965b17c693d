"""Add new sessions, and corrections of earlier bars, to a run's panel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gogooku3.cli import options as o

NAME = "append"

New = Annotated[
    Path,
    typer.Option(
        "--bars", help="New bars, and corrected ones, with the columns that the run was built from."
    ),
]


def command(
    bars: New,
    name: o.Name = None,
    listing: o.Listing = None,
    delistings: o.Delistings = None,
    config: o.Config = None,
    settings: o.Set = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Append to the panel."""
    from gogooku3.cli import show
    from gogooku3.pipeline.append import append

    run = o.make_run(
        name=name, listing=listing, delistings=delistings, config=config, settings=settings, quiet=quiet
    )
    done = append(run, bars)
    changes = done.changes
    counts = {
        "sessions": done.sessions,
        "new": changes.new,
        "late": changes.late,
        "corrected": changes.corrected,
        "same": changes.same,
        "rescaled": list(changes.rescaled),
        "sessions_computed": done.computed,
        "sessions_relabelled": done.relabelled,
        "last": str(done.panel.sessions[-1]),
        "content": done.panel.content_hash,
    }
    if json:
        show.as_json({"run": str(run.folder), **counts})
