"""The ranking of one session, by models trained before it: those of a run, or of a bundle."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gogooku3.cli import options as o

NAME = "predict"


def command(
    name: o.Name = None,
    date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Session to rank; the last one if not given."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Model; the last of the run's, or of the bundle's, if not given.")
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="Rank by the models of this bundle instead of those of the run.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Horizon and lag to sort by, such as h5_d1.")] = None,
    panel: o.Panel = None,
    config: o.Config = None,
    settings: o.Set = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Rank the stocks of a session."""
    from gogooku3.cli import show
    from gogooku3.pipeline.predict import predict
    from gogooku3.pipeline.predict_bundle import predict_bundle

    run = o.make_run(name=name, panel=panel, config=config, settings=settings, quiet=quiet)
    day = date.date() if date else None
    if bundle is None:
        ranking = predict(run, session=day, model=model, target=target)
    else:
        ranking = predict_bundle(run, bundle, session=day, model=model, target=target)
    if json:
        show.as_json(
            {
                "session": ranking.session,
                "model": ranking.model,
                "fold": ranking.fold,
                "trained_until": ranking.trained_until,
                "target": str(ranking.target),
                "files": [str(path) for path in ranking.files],
                "ranking": ranking.table.to_dicts(),
            }
        )
        return
    show.show_ranking(ranking)
    show.say(f"written: {', '.join(str(path) for path in ranking.files)}")
