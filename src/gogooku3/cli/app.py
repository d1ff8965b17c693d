"""The commands, and the boundary where errors become sentences."""

from __future__ import annotations

import sys

import typer

from gogooku3.cli import build, demo, evaluate, predict, report, run, train

app = typer.Typer(
    name="gogooku3",
    help="Rank stocks from daily bars: features, a leak-free panel, walk-forward models and evidence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verb in (demo, run, build, train, evaluate, predict, report):
    app.command(name=verb.NAME, help=verb.__doc__)(verb.command)


def main() -> None:
    """Run the command line; every error ends in one clear sentence and a non-zero code.

    Exit codes: 0 done, 1 a fault of the program, 2 a fault of data, settings or usage, 130 interrupted.
    """
    from gogooku3.cli.faults import describe

    try:
        app(standalone_mode=True)
    except KeyboardInterrupt:
        describe("interrupted; run the same command again to go on from the last finished stage", sys.argv)
        sys.exit(130)
    except ValueError as error:
        from gogooku3.errors import Gogooku3Error

        if not isinstance(error, Gogooku3Error):
            raise
        describe(str(error), sys.argv)
        sys.exit(2)
