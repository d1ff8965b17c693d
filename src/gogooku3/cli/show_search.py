"""What a search chooses, and every setting that it does not, each with its origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gogooku3.cli.show_settings import rows_of, say_rows

if TYPE_CHECKING:
    from gogooku3.config.resolve import Resolved
    from gogooku3.sweeps.settings import SweepSettings
    from gogooku3.sweeps.space import Choice, Range
    from gogooku3.sweeps.sweep import Sweep


def show_search(sweep: Sweep, settings: Resolved[SweepSettings], *, quiet: bool) -> None:
    """Print how the search goes, what its trials have in common, and what it chooses."""
    if quiet:
        return
    rows = [(f"sweep.{key}", value, origin) for key, value, origin in settings.rows()]
    rows += [row for row in rows_of(sweep.base) if row[0] not in sweep.space]
    rows += [(name, _shown(what), "searched") for name, what in sweep.space.items()]
    say_rows(rows)


def _shown(what: Choice | Range) -> str:
    from gogooku3.sweeps.space import Choice

    if isinstance(what, Choice):
        return ", ".join(map(str, what.values))
    return f"{what.low:g} to {what.high:g}{' (log)' if what.log else ''}"
