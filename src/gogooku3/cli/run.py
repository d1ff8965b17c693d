"""The main job: bars in, ranked predictions and evidence out; what is there and valid is skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gogooku3.cli import options as o

if TYPE_CHECKING:
    from gogooku3.pipeline.run_folder import Run

NAME = "run"


def command(
    name: o.Name = None,
    bars: o.Bars = None,
    listing: o.Listing = None,
    delistings: o.Delistings = None,
    panel: o.Panel = None,
    simulated: o.Simulated = False,
    config: o.Config = None,
    settings: o.Set = None,
    models: o.Models = None,
    open_locked: o.OpenLocked = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Build, train, evaluate, report and rank."""
    from gogooku3.cli.show_settings import show_settings

    made = o.make_run(
        name=name,
        bars=bars,
        listing=listing,
        delistings=delistings,
        panel=panel,
        simulated=simulated,
        config=config,
        settings=settings,
        models=models,
        open_locked=open_locked,
        quiet=quiet,
    )
    show_settings(made, quiet=quiet)
    finish(made, json=json)


def finish(run: Run, *, json: bool) -> None:
    """Do the whole job and show its outcome."""
    from gogooku3.cli import show
    from gogooku3.pipeline.run import run_all

    outcome = run_all(run)
    show.show_stages(outcome.stages)
    if json:
        show.as_json(
            {
                "run": str(run.folder),
                "report": str(outcome.report),
                "stages": show.stages_as_json(outcome.stages),
                "alarms": outcome.judged.saved()["alarms"],
                "ranking": [str(path) for path in outcome.ranking.files],
            }
        )
        return
    show.show_evaluation(outcome.evaluation)
    show.show_ranking(outcome.ranking)
    show.say(f"report: {outcome.report}")
