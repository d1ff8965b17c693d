"""The ledger of a sweep: one line for every attempt at a trial that has ended, never changed afterwards."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from gogooku3.errors import EvaluationError, StorageError
from gogooku3.storage.hashing import digest_file
from gogooku3.storage.parquet import write_parquet
from gogooku3.storage.paths import inside
from gogooku3.sweeps.ledger_entry import LedgerEntry, SeriesFile
from gogooku3.sweeps.trial_series import TrialSeries

LEDGER = "ledger.jsonl"
_LOCK = ".ledger.lock"
_PATIENCE = 600.0  # seconds; a writer holds the lock for milliseconds, unless its process is paused


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a ledger holds.

    Attributes:
        entries: In the order in which they were written.
        torn: Number of a last line that was cut off when its writer was killed, or is being written; None if none.
            Nobody was told that it had been kept.
    """

    entries: tuple[LedgerEntry, ...]
    torn: int | None = None

    @property
    def trials(self) -> dict[int, LedgerEntry]:
        """How each trial stands, by number: its complete attempt, or else its last one."""
        found: dict[int, LedgerEntry] = {}
        for entry in sorted(self.entries, key=lambda entry: (entry.number, entry.attempt)):
            if entry.number not in found or found[entry.number].state != "COMPLETE":
                found[entry.number] = entry
        return found


class Ledger:
    """``ledger.jsonl`` in the folder of a sweep, and the series that its lines refer to.

    Any number of processes may append and read at the same time.

    Args:
        folder: Folder of the sweep.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / LEDGER

    def append(self, entry: LedgerEntry) -> bool:
        """Add an entry; once this returns it is on the disk and stays.

        The line is written at once and synced. A torn last line is cut off before; if the new one cannot be
        written whole the file is as it was.

        Returns:
            False if this attempt at this trial is there already, whatever was said of it: then nothing is written.

        Raises:
            StorageError: The ledger is damaged, the series that the entry refers to is not there, or the file cannot
                be written.
        """
        if entry.series is not None:
            self.bytes_of(entry.series)
        with self._locked():
            old = self._bytes()
            known = _parsed(old, self.path)
            if any((entry.number, entry.attempt) == (one.number, one.attempt) for one in known.entries):
                return False
            keep = old.rfind(b"\n") + 1 if known.torn else len(old)
            unended = b"\n" if keep == len(old) and old and not old.endswith(b"\n") else b""
            with _explained(self.path):
                _write(self.path, keep, unended + entry.to_line())
        return True

    def read(self) -> Recorded:
        """Return all entries; none where there is no ledger yet.

        Raises:
            StorageError: A line other than a torn last one is not what was written, or an attempt is there twice.
        """
        return _parsed(self._bytes(), self.path)

    def store(self, number: int, attempt: int, series: TrialSeries) -> SeriesFile:
        """Write the series of an attempt, to be referred to by its entry.

        Raises:
            StorageError: The file cannot be written.
        """
        name = f"series/{number}-{attempt}.parquet"
        path = inside(self.folder, name)
        write_parquet(series.to_frame(), path)
        return SeriesFile(name=name, sha256=digest_file(path))

    def series(self, file: SeriesFile) -> TrialSeries:
        """Return the series that an entry refers to.

        Raises:
            StorageError: It is absent or not what was written.
        """
        import polars as pl

        data = self.bytes_of(file)
        try:
            return TrialSeries.from_frame(pl.read_parquet(BytesIO(data)))
        except (pl.exceptions.PolarsError, EvaluationError) as error:
            raise StorageError("a trial's series cannot be read", where=file.name, got=error) from error

    def bytes_of(self, file: SeriesFile) -> bytes:
        """Return the bytes of a series, which are those that were written.

        Raises:
            StorageError: It is absent or not what was written.
        """
        path = inside(self.folder, file.name)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StorageError("a trial's series is absent", where=path, got=error.strerror) from error
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise StorageError(
                "a trial's series is damaged",
                where=path,
                got="content that does not fit its SHA-256 in the ledger",
            )
        return data

    def _bytes(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise StorageError("a ledger cannot be read", where=self.path, got=error.strerror) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the one lock of all writers (flock); the system releases it when a process ends, however it does."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / _LOCK, timeout=_PATIENCE)
        with _explained(self.path):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire()
            except Timeout as error:
                raise StorageError(
                    "another process holds the ledger and does not let go",
                    where=self.path,
                    got=f"no lock after {_PATIENCE:.0f} s",
                    remedy="see whether a process of this sweep is stopped",
                ) from error
        try:
            yield
        finally:
            lock.release()


def _parsed(data: bytes, where: Path) -> Recorded:
    """Read the lines; a last one without an end counts if it is whole."""
    *lines, last = data.split(b"\n")
    entries = [_entry(line, where, number) for number, line in enumerate(lines, 1)]
    torn = None
    if last:
        try:
            entries.append(LedgerEntry.from_line(last))
        except ValueError:
            torn = len(lines) + 1
    seen: set[tuple[int, int]] = set()
    for number, entry in enumerate(entries, 1):
        if (entry.number, entry.attempt) in seen:
            raise StorageError(
                "a ledger is damaged",
                where=f"{where}, line {number}",
                got=f"trial {entry.number}, attempt {entry.attempt} for the second time",
            )
        seen.add((entry.number, entry.attempt))
    return Recorded(entries=tuple(entries), torn=torn)


def _entry(line: bytes, where: Path, number: int) -> LedgerEntry:
    try:
        return LedgerEntry.from_line(line)
    except ValueError as error:
        raise StorageError(
            "a ledger is damaged",
            where=f"{where}, line {number}",
            got=error,
            expected="a line as it was written",
            remedy="restore the file, or take that line out if its trial may be forgotten",
        ) from error


def _write(path: Path, keep: int, text: bytes) -> None:
    """Put ``text`` after the first ``keep`` bytes and sync; on an error only those are left."""
    fresh = not path.exists()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.ftruncate(handle, keep)
        try:
            written = os.write(handle, text)
            if written < len(text):
                raise OSError(f"{written} of {len(text)} bytes could be written")
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, keep)
            raise
    finally:
        os.close(handle)
    if fresh:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            "a ledger cannot be written",
            where=path,
            got=error.strerror or error,
            remedy="check the folder and its free space",
        ) from error
