"""The commands, and the boundary where errors become sentences."""

from __future__ import annotations

import sys

import typer

from gogooku3.cli import (
    append,
    audit,
    backtest,
    build,
    bundle,
    compare,
    demo,
    evaluate,
    fetch,
    monitor,
    morning,
    panel,
    predict,
    report,
    retrain,
    run,
    sweep,
    track,
    train,
)
from gogooku3.cli.faults import describe, save_traceback

_INTERRUPTED = 130
_FROM_THE_LAST_STAGE = "run the same command again to go on from the last finished stage"
_GO_ON = {sweep.NAME: sweep.GO_ON}

app = typer.Typer(
    name="gogooku3",
    help="Rank stocks from daily bars: features, a leak-free panel, walk-forward models and evidence.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verb in (
    demo,
    run,
    build,
    append,
    train,
    evaluate,
    backtest,
    compare,
    predict,
    morning,
    report,
    bundle,
    retrain,
    track,
    sweep,
    monitor,
):
    app.command(name=verb.NAME, help=verb.__doc__)(verb.command)
for group in (panel, audit, fetch):
    app.add_typer(group.app, name=group.NAME)


def main() -> None:
    """Run the command line; every error ends in one clear sentence and a non-zero code.

    Exit codes: 0 done, 1 a fault of the program, 2 a fault of data, settings or usage, 3 an audit found
    a violation, 130 interrupted.
    """
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, the user gets a sentence and a code
        code = _explain(error)
    if code == _INTERRUPTED:
        verb = "".join(sys.argv[1:2])
        describe(f"interrupted; {_GO_ON.get(verb, _FROM_THE_LAST_STAGE)}", sys.argv)
    sys.exit(code)


def _explain(error: Exception) -> int:
    """Say what went wrong and return the exit code."""
    from gogooku3.errors import Gogooku3Error

    if isinstance(error, Gogooku3Error):
        describe(str(error), sys.argv)
        return 2
    if isinstance(error, typer.TyperException):  # wrong usage
        describe(
            f"{error.format_message()}\n  remedy: `gogooku3 --help` lists the commands and their options",
            sys.argv,
        )
        return error.exit_code
    path = save_traceback(error)
    describe(
        f"a fault of the program: {type(error).__name__}: {error}\n  where: {path}\n"
        "  remedy: report it with that file, which holds the traceback",
        sys.argv,
    )
    return 1
