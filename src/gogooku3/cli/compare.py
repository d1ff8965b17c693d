"""Models or runs against each other: the difference in RankIC, if nothing differs but what is under test."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gogooku3.cli import options as o

NAME = "compare"


def command(
    contestants: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="A B ...",
            help="RUN or RUN:MODEL, such as jp:ridge jp:lightgbm. All are compared with the first. Runs alone are "
            "compared model by model; a single run, its models with its first.",
        ),
    ] = None,
    show: Annotated[
        str | None,
        typer.Option(metavar="HASH", help="Print a comparison of the ledger again, by its first digits."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Folder of runs; the comparisons are kept in it.")
    ] = None,
    open_locked: Annotated[
        bool,
        typer.Option(
            "--open-locked", help="Compare the locked years instead. Each run's opening is recorded."
        ),
    ] = False,
    other_code: Annotated[
        bool, typer.Option("--other-code", help="Put differing code of training under test, too.")
    ] = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Compare runs or models fairly, and enter the comparison into the ledger.

    Refused if folds, days, seeds, data or code differ, or any setting but those under test; a random model needs at
    least 3 seeds.
    """
    from gogooku3.cli.show import as_json, progress, say
    from gogooku3.config.load import load_settings
    from gogooku3.errors import SettingsError
    from gogooku3.pipeline.compare import compare
    from gogooku3.pipeline.comparison_ledger import find, input_states
    from gogooku3.pipeline.comparison_page import to_markdown, verdict_of

    if bool(contestants) == bool(show):
        raise SettingsError(
            "it is not clear what to compare",
            got="both contestants and --show" if show else "neither contestants nor --show",
            expected="RUN or RUN:MODEL, twice or more; a single run with several models; or --show HASH",
        )
    runs = folder if folder is not None else load_settings(None, {}).settings.run.folder
    if show is not None:
        entry = find(runs, show)
    else:
        entry = compare(
            contestants or [],
            runs=runs,
            progress=progress(quiet=quiet),
            open_locked=open_locked,
            other_code=other_code,
        )
    states = input_states(runs, entry.content)
    if json:
        verdict = verdict_of(entry)
        as_json(
            {"comparison": entry.digest, "verdict": verdict, "inputs": states, "path": str(entry.path)}
            | dict(entry.content)
        )
        return
    typer.echo(to_markdown(entry, states))
    say(f"comparison {entry.digest[:16]}: {entry.path}")
