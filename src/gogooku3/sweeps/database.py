"""The database of a search: SQLite in its folder, or one that many machines reach."""

from __future__ import annotations

import shutil
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError

from gogooku3.errors import StorageError
from gogooku3.sweeps.settings import SweepSettings
from gogooku3.sweeps.storage_url import refuse_bad_url

DATABASE = "study.db"

_WAIT = 60.0  # seconds that a statement waits for another process's


def database_url(folder: Path, storage: str | None) -> str:
    """Return the URL of a search's database: the one given, or SQLite in its folder."""
    return storage or f"sqlite:///{(folder / DATABASE).resolve()}"


@contextmanager
def database_faults(url: str) -> Iterator[None]:
    """Turn what a database may raise into one clear sentence.

    Raises:
        StorageError: It is locked, damaged, full or cannot be reached.
    """
    try:
        yield
    except (StorageInternalError, SQLAlchemyError, sqlite3.Error) as error:
        cause = error.__cause__ or error
        said = str(cause).splitlines()[0]
        locked = "locked" in said
        raise StorageError(
            "the study's database is held by another process"
            if locked
            else "the study's database cannot be used",
            where=without_password(url),
            got=said,
            remedy="close what holds it, and go on with --resume"
            if locked
            else "see to it that it can be reached and has room, and go on with --resume",
        ) from error


class StudyStorage(RDBStorage):
    """A database in which trials that show no sign of life are left to the search, which says why before they fail.

    Optuna would fail them at the next trial's beginning; then nothing can be said of them any more.
    """

    def silent(self, study_id: int) -> set[int]:
        """Return the ids of trials at work that have shown no sign of life for the time of grace."""
        return set(super()._get_stale_trial_ids(study_id))

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:  # noqa: ARG002 - of Optuna's own look
        return []


def open_storage(url: str, settings: SweepSettings) -> StudyStorage:
    """Return the database with the tables of a study.

    Args:
        url: Where it is.
        settings: Heartbeat and grace.

    Raises:
        SettingsError: It is no URL of a database, or its driver is not installed.
        StorageError: It cannot be used; of a damaged SQLite file a copy is kept.
    """
    refuse_bad_url(url)
    if url.startswith("sqlite:///"):
        _refuse_damaged(Path(url.removeprefix("sqlite:///")))
    options: dict[str, Any] = {"connect_args": {"timeout": _WAIT}} if url.startswith("sqlite") else {}
    with database_faults(url), warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        storage = StudyStorage(
            url,
            engine_kwargs=options,
            heartbeat_interval=settings.heartbeat,
            grace_period=settings.grace,
        )
    if url.startswith("sqlite"):
        _one_writer_at_a_time(storage.engine)
    return storage


def close_storage(storage: RDBStorage) -> None:
    """Let go of all connections."""
    storage.remove_session()
    storage.engine.dispose()


def _one_writer_at_a_time(engine: Engine) -> None:
    """Let every transaction hold SQLite's lock from its beginning.

    By default it is taken at the first change: two workers could both read that a trial waits, and both take it.
    """

    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver begins no transaction of its own

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    engine.dispose()


def without_password(url: str) -> str:
    """Return a URL without its password."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _refuse_damaged(file: Path) -> None:
    """Look through a SQLite file; of a damaged one a copy is kept.

    It is opened for writing: a change that a kill or a power cut broke off is rolled back by who opens it next.

    Raises:
        StorageError: It is damaged.
    """
    if not file.exists():
        return
    said = "it is empty"
    if file.stat().st_size:
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=rw", uri=True, timeout=_WAIT)) as database:
                said = str(database.execute("PRAGMA quick_check").fetchone()[0])
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise StorageError(
                    "the study's database is held by another process",
                    where=file,
                    got=error,
                    remedy="close what holds it, and go on with --resume",
                ) from error
            said = str(error)
        except sqlite3.DatabaseError as error:
            said = str(error)
    if said == "ok":
        return
    kept = file.with_name(f"{file.name}.damaged")
    shutil.copyfile(file, kept)
    raise StorageError(
        "the study's database is damaged",
        where=file,
        got=said,
        expected="an undamaged SQLite file",
        remedy=f"a copy is kept as {kept.name}; remove {file.name} and go on with --resume, which builds it anew "
        "from the ledger",
    )
