"""Bars to panel: validate, compute features and labels, write the memory-mapped cache."""

from __future__ import annotations

from gogooku3.cli import options as o

NAME = "build"


def command(
    name: o.Name = None,
    bars: o.Bars = None,
    listing: o.Listing = None,
    delistings: o.Delistings = None,
    panel: o.Panel = None,
    simulated: o.Simulated = False,
    config: o.Config = None,
    settings: o.Set = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Make the panel."""
    from gogooku3.cli import show
    from gogooku3.pipeline.build import build

    run = o.make_run(
        name=name,
        bars=bars,
        listing=listing,
        delistings=delistings,
        panel=panel,
        simulated=simulated,
        config=config,
        settings=settings,
        quiet=quiet,
    )
    stages = [build(run)]
    show.show_stages(stages)
    if json:
        show.as_json({"run": str(run.folder), "stages": show.stages_as_json(stages)})
