"""The evaluation as one self-contained page, and as Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gogooku3.cli import options as o

NAME = "report"


def command(
    name: o.Name = None,
    panel: o.Panel = None,
    references: Annotated[
        Path | None, typer.Option(help="TOML table of figures to set beside the results.")
    ] = None,
    config: o.Config = None,
    settings: o.Set = None,
    open_locked: o.OpenLocked = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Write the report."""
    from gogooku3.cli import show
    from gogooku3.pipeline.report import report

    chosen = [*(settings or []), *([f"report.references={references}"] if references else [])]
    run = o.make_run(
        name=name, panel=panel, config=config, settings=chosen, open_locked=open_locked, quiet=quiet
    )
    stage = report(run)
    show.show_stages([stage])
    show.say(f"report: {run.path('report.html')}")
    if json:
        show.as_json({"report": str(run.path("report.html")), "markdown": str(run.path("report.md"))})
