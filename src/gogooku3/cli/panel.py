"""What a panel holds, whether it is whole, and how one of an older format becomes one of the present."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gogooku3.cli import options as o

if TYPE_CHECKING:
    from gogooku3.panel.panel import Panel

NAME = "panel"

app = typer.Typer(help="Look into a panel, check every byte of it, or write an older one anew.")

Where = Annotated[
    Path | None, typer.Argument(help="The panel: a folder or an .arrow file; the run's own if not given.")
]


@app.command()
def info(path: Where = None, name: o.Name = None, json: o.Json = False) -> None:
    """Show axes, segments, hash and lineage."""
    from gogooku3.cli import show
    from gogooku3.cli.panel_info import panel_info, show_panel
    from gogooku3.panel.open import open_panel

    where = _where(path, name)
    found = panel_info(open_panel(where), where)
    if json:
        show.as_json(found)
    else:
        show_panel(found)


@app.command()
def verify(path: Where = None, name: o.Name = None, json: o.Json = False, quiet: o.Quiet = False) -> None:
    """Read every byte and compare it with what was written."""
    from gogooku3.cli import show
    from gogooku3.panel.open import open_panel

    where = _where(path, name)
    panel = open_panel(where)
    files = [file for segment in panel.segments for file in segment.files]
    progress = show.progress(quiet=quiet)
    progress.start(f"verifying {where}", len(files), "files")
    panel.verify(progress.advance)
    size = sum(len(file.data) for file in files)
    show.say(f"{where}: {len(files)} files, {size:,} bytes, all as they were written")
    if json:
        show.as_json(_kept(panel, where) | {"files": len(files), "bytes": size})


@app.command()
def upgrade(path: Where = None, name: o.Name = None, json: o.Json = False, quiet: o.Quiet = False) -> None:
    """Write a panel of an older format anew, with the same values."""
    from gogooku3.cli import show
    from gogooku3.panel.open import MANIFEST_VERSION, open_panel
    from gogooku3.panel.upgrade import upgrade_panel

    where = _where(path, name)
    panel = open_panel(where)
    needed = any(file.seal.version != MANIFEST_VERSION for s in panel.segments for file in s.files)
    if needed:
        progress = show.progress(quiet=quiet)
        progress.start(f"upgrading {where}", len(panel.segments), "segments")
        panel = upgrade_panel(where, progress.advance)
    else:
        show.say(f"{where} has the present format, version {MANIFEST_VERSION}, already")
    if json:
        show.as_json(_kept(panel, where) | {"upgraded": needed, "format_version": MANIFEST_VERSION})


def _where(path: Path | None, name: str | None) -> Path:
    from gogooku3.errors import SettingsError

    if path is not None and name is not None:
        raise SettingsError("two panels are named", got=f"{path} and --name {name}", expected="one of them")
    if path is not None:
        return path
    run = o.make_run(name=name, quiet=True)
    return run.settings.panel.file or run.path("panel")


def _kept(panel: Panel, where: Path) -> dict[str, Any]:
    return {"panel": str(where), "content": panel.content_hash}
