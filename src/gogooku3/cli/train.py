"""Panel to predictions: fit every model on every walk-forward fold."""

from __future__ import annotations

from gogooku3.cli import options as o

NAME = "train"


def command(
    name: o.Name = None,
    panel: o.Panel = None,
    config: o.Config = None,
    settings: o.Set = None,
    models: o.Models = None,
    open_locked: o.OpenLocked = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Fit the models."""
    from gogooku3.cli import show
    from gogooku3.cli.show_settings import show_settings
    from gogooku3.pipeline.train import train

    run = o.make_run(
        name=name,
        panel=panel,
        config=config,
        settings=settings,
        models=models,
        open_locked=open_locked,
        quiet=quiet,
    )
    show_settings(run, quiet=quiet)
    stages = train(run)
    show.show_stages(stages)
    if json:
        show.as_json({"run": str(run.folder), "stages": show.stages_as_json(stages)})
