"""A run's models as one file to ship: weights, what they need to score, hashes and a model card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gogooku3.cli import options as o

NAME = "bundle"


def command(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="Name of the run, or its folder.")
    ] = None,
    name: o.Name = None,
    model: Annotated[
        list[str] | None, typer.Option(help="A model to pack; all of the run if not given.")
    ] = None,
    fold: Annotated[
        str | None, typer.Option(help="Fold whose models are packed; the last one if not given.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The file; bundles/RUN-FOLD.zip in the run's folder if not given.")
    ] = None,
    panel: o.Panel = None,
    config: o.Config = None,
    settings: o.Set = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Pack trained models into one file."""
    from gogooku3.cli import show
    from gogooku3.errors import SettingsError
    from gogooku3.pipeline.bundle import bundle

    if run is not None and name is not None:
        raise SettingsError("two runs are named", got=f"{run} and --name {name}", expected="one of them")
    folder, called = o.place(run) if run is not None else (None, name)
    chosen = [*(settings or []), *([f"run.folder={folder}"] if folder else [])]
    opened = o.make_run(name=called, panel=panel, config=config, settings=chosen, quiet=quiet)
    made = bundle(opened, models=model or (), fold=fold, out=out)
    show.say(f"bundle: {made.path} ({made.path.stat().st_size:,} bytes), SHA-256 {made.digest}")
    if json:
        show.as_json(
            {
                "bundle": str(made.path),
                "sha256": made.digest,
                "bytes": made.path.stat().st_size,
                "fold": made.about.training.fold,
                "models": {name: [member.name for member in made.of(name)] for name in made.models},
            }
        )
