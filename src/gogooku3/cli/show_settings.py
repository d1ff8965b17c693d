"""The settings of a training, each with its origin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gogooku3.pipeline.run_folder import Run

Row = tuple[str, str, str]

_SECTIONS = (
    "train", "atft", "gru", "frequency", "graph", "loss", "optimizer", "scheduler", "deep", "blend"
)  # fmt: skip


def show_settings(run: Run, *, quiet: bool) -> None:
    """Print every setting that the run's deep models read, with its value and where that comes from.

    A run without deep models prints nothing: its settings are in the report and in ``settings.json``.
    """
    from gogooku3.models.names import DEEP

    if not quiet and set(run.settings.train.models) & set(DEEP):
        say_rows(rows_of(run))


def rows_of(run: Run) -> list[Row]:
    """Return every setting that the run's deep models read: key, value and origin."""
    from gogooku3.config.effect import unread_by_models

    unread = unread_by_models(run.settings)
    return [
        row
        for row in run.resolved.rows()
        if row[0].split(".")[0] in _SECTIONS and not {row[0], row[0].split(".")[0]} & unread
    ]


def say_rows(rows: Sequence[Row]) -> None:
    """Print settings in columns."""
    from gogooku3.cli import show

    key, value = (max(len(row[i]) for row in rows) for i in (0, 1))
    for row in rows:
        show.say(f"{row[0]:<{key}}  {row[1]:<{min(value, 40)}}  {row[2]}")
