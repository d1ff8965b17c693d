"""Whether prices are those of their day."""

from __future__ import annotations

from pathlib import Path

from gogooku3.errors import DataError
from gogooku3.pipeline.run_folder import Run
from gogooku3.sources.adjustment import choose
from gogooku3.sources.aliases import BARS, match
from gogooku3.sources.settings import SourceSettings
from gogooku3.sources.tables import column_names, suffix_of


def are_own_prices(run: Run) -> bool:
    """Return whether the panel's prices are known to be those that were traded at.

    They are where the bars have a factor of the day, which a vendor that adjusts prices cannot have, and in the
    simulated market. A ready panel does not say what it was made from.
    """
    settings = run.settings
    if settings.run.simulated:
        return True
    path = _a_file(settings.source)
    if path is None:
        return False
    try:
        found = match(column_names(path), BARS, str(path))
        return choose(found, settings.source.adjustment, str(path)).way == "daily_factor"
    except DataError:
        return False  # the file is not the one that the panel was built from


def _a_file(source: SourceSettings) -> Path | None:
    place = source.bars
    if place is None or not place.is_dir():
        return place if place is not None and place.is_file() else None
    tables = (path for path in sorted(place.glob(source.pattern)) if path.is_file() and suffix_of(path))
    return next((path for path in tables if not path.name.startswith(".")), None)
