"""Search hyperparameters of ATFT-GAT-FAN: trials that always end, a ledger, and what may be believed of the best."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gogooku3.cli import options as o

if TYPE_CHECKING:
    from gogooku3.config.resolve import Resolved
    from gogooku3.sweeps.honesty import Honesty
    from gogooku3.sweeps.settings import SweepSettings
    from gogooku3.sweeps.sweep import Sweep

NAME = "sweep"
GO_ON = "the trials at work will be tried again: go on by the same command with --resume"

_OWN = "sweep."


def command(
    panel: Annotated[Path, typer.Option(help="A panel (folder or .arrow file), or the name of a run.")],
    name: Annotated[str, typer.Option(help="Name of the study.")] = "sweep",
    out: Annotated[Path | None, typer.Option(help="Folder of the search; sweeps/NAME if not given.")] = None,
    trials: Annotated[int, typer.Option(help="Trials of the study.", min=1)] = 20,
    epochs: Annotated[int, typer.Option(help="Epochs of a trial at most.", min=1)] = 10,
    workers: Annotated[int, typer.Option(help="Trials at work at the same time.", min=1)] = 1,
    space: Annotated[
        Path | None, typer.Option(help="TOML file whose table [space] stands in for entries of the space.")
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            help="URL of a database for many machines, such as postgresql+psycopg://...; SQLite if not given."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a study that is there.")] = False,
    best: Annotated[
        bool,
        typer.Option(
            "--best",
            help="Then train the best point anew, open the locked sessions for it, once, and write a bundle.",
        ),
    ] = False,
    seeds: Annotated[int, typer.Option(help="Members of the best point, with --best.", min=1)] = 3,
    config: o.Config = None,
    settings: o.Set = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Search hyperparameters."""
    from gogooku3.cli import show
    from gogooku3.cli.show_search import show_search
    from gogooku3.sweeps.open import open_sweep
    from gogooku3.sweeps.run import engine_of, run_sweep
    from gogooku3.sweeps.space import default_space, read_space

    given = o.pairs(settings or [])
    own = {
        **_changed({"name": name, "trials": trials, "epochs": epochs, "workers": workers}),
        **{key.removeprefix(_OWN): value for key, value in given.items() if key.startswith(_OWN)},
    }
    how = _settings(own)
    sweep = open_sweep(
        panel=_panel(panel),
        folder=(out or Path("sweeps") / name).resolve(),
        settings=how.settings,
        space=read_space(space) if space else {},
        usual=default_space(),
        config=config,
        flags={key: value for key, value in given.items() if not key.startswith(_OWN)},
        storage=storage,
        resume=resume,
        progress=show.progress(quiet=quiet),
    )
    show_search(sweep, how, quiet=quiet)
    try:
        with engine_of(sweep) as engine:
            run_sweep(sweep, engine)
    except KeyboardInterrupt:
        _say_what_there_is(sweep)
        raise
    found = _report(sweep)
    if best:
        found |= _best(sweep, seeds)
    if json:
        show.as_json(found)


def _report(sweep: Sweep) -> dict[str, Any]:
    """Judge the search, write its report and its best point as settings, and say what was found."""
    from json import loads

    from gogooku3.cli import show
    from gogooku3.sweeps.best_settings import write_best_settings
    from gogooku3.sweeps.files import BEST
    from gogooku3.sweeps.honesty import judge
    from gogooku3.sweeps.run import report_of

    honesty = judge(sweep.ledger)
    page = report_of(sweep, honesty)
    _show(sweep.folder, honesty)
    show.say(f"report: {page}")
    point = sweep.folder / BEST
    if point.is_file():
        show.say(f"settings: {write_best_settings(sweep, loads(point.read_text(encoding='utf-8')))}")
    return {"folder": str(sweep.folder), **_plain(honesty)}


def _say_what_there_is(sweep: Sweep) -> None:
    """Report on a search that is broken off, if a trial has ended; Ctrl-C stays what ended it."""
    from gogooku3.cli import show
    from gogooku3.errors import Gogooku3Error

    try:
        if sweep.ledger.read().trials:
            _report(sweep)
    except Gogooku3Error as error:
        show.say(str(error))


def _best(sweep: Sweep, seeds: int) -> dict[str, Any]:
    """Train the best point anew and say what came of it."""
    from gogooku3.cli import show
    from gogooku3.sweeps.best import retrain_best

    made = retrain_best(sweep, seeds)
    reached = ", ".join(f"{h} sessions {value:.4f}" for h, value in sorted(made.rank_ic.items()))
    show.say(f"RankIC on the locked sessions, opened once: {reached}")
    show.say(f"bundle: {made.bundle.path}, SHA-256 {made.bundle.digest}")
    return {
        "bundle": str(made.bundle.path),
        "sha256": made.bundle.digest,
        "locked_rank_ic": {str(h): value for h, value in made.rank_ic.items()},
    }


def _panel(panel: Path) -> Path:
    """Return a panel, or that of a run."""
    for folder in (panel, Path("runs") / panel):
        if (folder / "settings.json").is_file():
            return folder / "panel"
    return panel


def _changed(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that are not as they would be without being given."""
    from gogooku3.sweeps.settings import SweepSettings

    fields = SweepSettings.model_fields
    return {name: value for name, value in options.items() if value != fields[name].default}


def _settings(given: dict[str, Any]) -> Resolved[SweepSettings]:
    from gogooku3.config.resolve import resolve
    from gogooku3.sweeps.settings import SweepSettings

    return resolve(SweepSettings, flags=given)


def _show(folder: Path, honesty: Honesty) -> None:
    from gogooku3.cli import show

    if honesty.best is not None and honesty.value is not None:
        show.say(
            f"best: trial {honesty.best}, mean RankIC {honesty.value:.4f}; {folder / 'best_params.json'}"
        )
    show.say(honesty.sentence())
    for what, value in (("deflated Sharpe", honesty.deflated_sharpe), ("PBO", honesty.overfitting)):
        if value is not None:
            show.say(f"{what}: {value:.2f}")


def _plain(honesty: Honesty) -> dict[str, Any]:
    return {**vars(honesty), "unknown": dict(honesty.unknown), "sentence": honesty.sentence()}
