"""One panel for two runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from gogooku3.errors import StorageError
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.stage import StageRecord, read_stage
from gogooku3.storage.hashing import digest_file
from gogooku3.storage.link import link_file
from gogooku3.storage.lock import exclusive

_MANIFEST = "panel/manifest.json"
_RECORD = "stages/build.json"
_FOLDERS = ("panel", "appended", "published")


def share_panel(run: Run, other: Run) -> None:
    """Let a run with the same bars and settings have this run's panel, as it would have built it itself.

    Files of a panel are never written in place, so both runs have the same ones; an append to either leaves the
    other as it was. Nothing is done where the other run has this panel already, or both name a ready one.

    Args:
        run: A run that is built.
        other: The run that gets the panel.

    Raises:
        StorageError: The run is not built, its panel is not the one that its build left, or a folder cannot be
            written.
    """
    if run.settings.panel.file is not None:
        return
    with exclusive(run.path("stages/.build.lock"), "a panel is being built"):
        record = _built(run)
        if read_stage(other, "build") == record and not _changed(other, record):
            return
        with exclusive(other.path("stages/.build.lock"), "a panel is being built"):
            other.path(_RECORD).unlink(missing_ok=True)
            shutil.rmtree(other.path("panel"), ignore_errors=True)
            for name in _files(run, record):
                link_file(run.path(name), other.path(name))


def _built(run: Run) -> StageRecord:
    record = read_stage(run, "build")
    changed = [] if record is None else _changed(run, record)
    if record is None or changed:
        raise StorageError(
            "the panel is not the one that its build left" if changed else "a run has no panel",
            where=run.folder,
            got=", ".join(changed) or None,
            remedy=f"run `gogooku3 build --name {run.settings.run.name}` first",
        )
    return record


def _changed(run: Run, record: StageRecord) -> list[str]:
    return [
        name
        for name, digest in record.outputs.items()
        if not run.path(name).is_file() or digest_file(run.path(name)) != digest
    ]


def _files(run: Run, record: StageRecord) -> Iterator[str]:
    """Yield what a build has written and read beside its bars: manifest and record last, as they vouch for the rest."""
    found = {*record.outputs, *(name for folder in _FOLDERS for name in _below(run, folder))} - {_MANIFEST}
    yield from sorted(found)
    if _MANIFEST in record.outputs:
        yield _MANIFEST
    yield _RECORD


def _below(run: Run, folder: str) -> Iterator[str]:
    for path in run.path(folder).rglob("*"):
        relative = path.relative_to(run.folder)
        if path.is_file() and not any(part.startswith(".") for part in relative.parts):
            yield Path(relative).as_posix()
