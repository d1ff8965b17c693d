"""Predictions to evidence: RankIC, t-statistics, deciles, the costed portfolio; per horizon, lag and year."""

from __future__ import annotations

from gogooku3.cli import options as o

NAME = "evaluate"


def command(
    name: o.Name = None,
    panel: o.Panel = None,
    config: o.Config = None,
    settings: o.Set = None,
    open_locked: o.OpenLocked = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Evaluate the predictions."""
    from gogooku3.cli import show
    from gogooku3.pipeline.evaluate import Judged, evaluate

    run = o.make_run(
        name=name, panel=panel, config=config, settings=settings, open_locked=open_locked, quiet=quiet
    )
    judged = Judged(run)
    stages = evaluate(run, judged)
    show.show_stages(stages)
    if json:
        show.as_json({"run": str(run.folder), "evaluation": judged.saved()})
    else:
        show.show_evaluation(judged.tested)
