"""Bars in a folder with one file a day: which days are new or changed since they were last read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gogooku3.errors import DataError, SettingsError, StorageError
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.stage import StageRecord
from gogooku3.storage.atomic import write_json
from gogooku3.storage.hashing import digest_file, digest_json

_BEFORE = 5
"""Days before the first that changed, so that the scale of what follows is known."""


@dataclass(frozen=True, kw_only=True)
class DayFiles:
    """The files of a folder of days.

    Attributes:
        paths: Day to file, in order.
        digests: Day to SHA-256.
        touched: Days that are new or not as they were last read.
    """

    paths: Mapping[date, Path]
    digests: Mapping[date, str]
    touched: tuple[date, ...]

    def stretch(self) -> list[Path]:
        """Return the files from before the first touched day to the last one, none where no day was touched.

        There are more days before the first touched one than from it on, since the median of the ratios of all days
        says which of two scales is that of the panel.
        """
        days = list(self.paths)
        if not self.touched:
            return []
        first = days.index(self.touched[0])
        return [self.paths[day] for day in days[max(0, first - (len(days) - first) - _BEFORE) :]]


def look_at_days(run: Run, record: StageRecord) -> DayFiles:
    """Compare the files of the run's bars with those that its panel was made from.

    Args:
        run: A run whose ``source.bars`` is a folder of files such as ``2024-05-01.parquet``.
        record: Of its build.

    Raises:
        SettingsError: The bars are no such folder.
        DataError: A day is gone.
        StorageError: A file cannot be read.
    """
    paths = _paths(run)
    digests = {day: digest_file(path) for day, path in paths.items()}
    known = _known(run, record)
    gone = sorted(set(known) - set(digests))
    if gone:
        raise DataError(
            "a day of the bars is gone",
            where=run.settings.source.bars,
            got=f"no file of {gone[0]}" + (f" and {len(gone) - 1} more" if len(gone) > 1 else ""),
            remedy="fetch it again, or `gogooku3 build` anew without it",
        )
    touched = tuple(day for day, digest in digests.items() if known.get(day) != digest)
    return DayFiles(paths=paths, digests=digests, touched=touched)


def remember_days(run: Run, record: StageRecord, days: DayFiles) -> None:
    """Write down that the panel holds these days as they are.

    Raises:
        StorageError: It cannot be written.
    """
    held = {str(day): digest for day, digest in days.digests.items()}
    write_json(_memory(run), {"since": _base(record), "days": held})


def copy_days(paths: list[Path], folder: Path) -> Path:
    """Put copies of some days into a folder of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        shutil.copyfile(path, folder / path.name)
    return folder


def _paths(run: Run) -> dict[date, Path]:
    place = run.settings.source.bars
    if place is None or not place.is_dir():
        raise _no_days(place, "no folder")
    files = sorted(path for path in place.glob(run.settings.source.pattern) if path.is_file())
    try:
        return {date.fromisoformat(path.name.partition(".")[0]): path for path in files}
    except ValueError as error:
        raise _no_days(place, str(error)) from error


def _no_days(place: Path | None, got: str) -> SettingsError:
    return SettingsError(
        "the run's bars are no folder of days",
        where=f"source.bars {place}",
        got=got,
        expected="a folder of files such as 2024-05-01.parquet, as `gogooku3 fetch jquants` writes them",
        remedy="`gogooku3 build --bars FOLDER/bars_daily`",
    )


def _known(run: Run, record: StageRecord) -> dict[date, str]:
    """Return the days that the panel holds: those of its build, and those that were appended since."""
    built = {Path(name).name: digest for name, digest in record.inputs["files"].items()}
    found = {date.fromisoformat(name.partition(".")[0]): digest for name, digest in built.items()}
    try:
        later = json.loads(_memory(run).read_text(encoding="utf-8"))
        same = later["since"] == _base(record)
        return found | {date.fromisoformat(day): str(digest) for day, digest in later["days"].items() if same}
    except FileNotFoundError:
        return found
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise StorageError(
            "what days a panel holds cannot be read",
            where=_memory(run),
            got=error,
            remedy="remove it: the days since the build are compared again",
        ) from error


def _base(record: StageRecord) -> str:
    return digest_json(dict(record.inputs["files"]))


def _memory(run: Run) -> Path:
    return run.path("days.json")
