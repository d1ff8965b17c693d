"""The evidence of one or several runs as one self-contained page, as Markdown and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gogooku3.cli import options as o

if TYPE_CHECKING:
    from gogooku3.pipeline.run_folder import Run

NAME = "report"


def command(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]...", help="Names of runs, or their folders; several share one page."),
    ] = None,
    name: o.Name = None,
    panel: o.Panel = None,
    references: Annotated[
        Path | None, typer.Option(help="TOML table of figures to set beside the results.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the page of several runs; runs/reports/A+B if not given."),
    ] = None,
    config: o.Config = None,
    settings: o.Set = None,
    open_locked: o.OpenLocked = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Write the report."""
    from gogooku3.cli import show
    from gogooku3.errors import SettingsError

    chosen = [*(settings or []), *([f"report.references={references}"] if references else [])]
    named = [*(runs or []), *([name] if name else [])]
    alone = len(named) < 2
    if (alone and out) or (not alone and (panel or open_locked)):
        raise SettingsError(
            "an option has no effect here",
            got="--out" if alone else "--panel or --open-locked",
            expected="--out with several runs, --panel and --open-locked with one",
        )

    def opened(run: str | None) -> Run:
        folder, called = o.place(run) if run in (runs or []) else (None, run)
        placed = [*chosen, *([f"run.folder={folder}"] if folder else [])]
        return o.make_run(
            name=called, panel=panel, config=config, settings=placed, open_locked=open_locked, quiet=quiet
        )

    if alone:
        files = _one(opened(named[0] if named else None))
    else:
        from gogooku3.pipeline.report_together import report_together

        files = report_together([opened(run) for run in named], out)
    page, text, data = map(str, files)
    show.say(f"report: {page}")
    if json:
        show.as_json({"report": page, "markdown": text, "data": data})


def _one(run: Run) -> tuple[Path, ...]:
    from gogooku3.cli import show
    from gogooku3.pipeline.report import FILES, report

    show.show_stages([report(run)])
    return tuple(run.path(file) for file in FILES)
