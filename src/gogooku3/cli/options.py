"""Options that commands share, and the run they describe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gogooku3.pipeline.run_folder import Run

Name = Annotated[str | None, typer.Option(help="Name of the run; its folder is runs/NAME.")]
Bars = Annotated[
    Path | None, typer.Option(help="Daily bars: a Parquet or CSV file, or a folder with one file per stock.")
]
Listing = Annotated[Path | None, typer.Option(help="Table of code, name and sector.")]
Delistings = Annotated[Path | None, typer.Option(help="Table of code, last_session and terminal_return.")]
Panel = Annotated[Path | None, typer.Option(help="A ready panel (folder or .arrow file) instead of bars.")]
Simulated = Annotated[bool, typer.Option("--simulated", help="Take bars from the simulated market.")]
Config = Annotated[Path | None, typer.Option(help="TOML file of settings.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any setting, such as lightgbm.leaves=15."),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        help="A model to train, once for each: ridge, lightgbm, gru, atft_gat_fan, blend; train.models if not given.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
OpenLocked = Annotated[
    bool,
    typer.Option("--open-locked", help="Also test the locked years: once, at the very end. It is recorded."),
]


def make_run(
    *,
    name: str | None = None,
    bars: Path | None = None,
    listing: Path | None = None,
    delistings: Path | None = None,
    panel: Path | None = None,
    simulated: bool = False,
    config: Path | None = None,
    settings: list[str] | None = None,
    models: list[str] | None = None,
    open_locked: bool = False,
    quiet: bool = False,
    remembered: bool = True,
) -> Run:
    """Resolve flags to a run.

    A run that was begun before is found by its name: its source of bars and whatever was chosen then hold
    unless a flag, the environment or a file says otherwise (``remembered``).
    """
    from gogooku3.cli.show import progress
    from gogooku3.pipeline.run_folder import open_run

    flags: dict[str, object] = {}
    given = {
        "run.name": name,
        "source.bars": bars,
        "source.listing": listing,
        "source.delistings": delistings,
    }
    flags |= {key: str(value) for key, value in {**given, "panel.file": panel}.items() if value is not None}
    flags |= {
        key: True for key, said in (("run.simulated", simulated), ("run.open_locked", open_locked)) if said
    }
    flags |= pairs(settings or [])
    if models:
        flags["train.models"] = _only_once(models, flags)
    return open_run(config=config, progress=progress(quiet=quiet), flags=flags, remembered=remembered)


def _only_once(models: list[str], flags: dict[str, object]) -> list[str]:
    """Return the models, which must not be set as a setting too."""
    from gogooku3.errors import SettingsError

    if "train.models" in flags:
        raise SettingsError(
            "the models are given twice",
            got=f"--model {' --model '.join(models)} and --set train.models={flags['train.models']}",
            expected="one of the two",
        )
    return models


def pairs(settings: list[str]) -> dict[str, object]:
    """Return the settings that ``--set`` names.

    Raises:
        SettingsError: One is not of the form KEY=VALUE.
    """
    from gogooku3.errors import SettingsError

    found: dict[str, object] = {}
    for pair in settings:
        key, equals, value = pair.partition("=")
        if not equals:
            raise SettingsError(
                "--set is not understood", got=pair, expected="KEY=VALUE, such as lightgbm.leaves=15"
            )
        found[key.strip()] = value.strip()
    return found


def place(run: str) -> tuple[Path | None, str]:
    """Return the folder of runs, where ``run`` is a path to a run's folder, and the run's name."""
    path = Path(run)
    if len(path.parts) < 2:
        return None, run
    return path.parent, path.name
