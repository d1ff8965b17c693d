"""A search from its first trial to its last, and its report."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gogooku3.pipeline.train import folds_of
from gogooku3.progress import Progress
from gogooku3.storage.atomic import write_json
from gogooku3.sweeps.about import ABOUT
from gogooku3.sweeps.shared import prepare
from gogooku3.sweeps.sweep import Sweep
from gogooku3.sweeps.trial import compute

if TYPE_CHECKING:
    from gogooku3.sweeps.database import StudyStorage
    from gogooku3.sweeps.engines.local import LocalEngine
    from gogooku3.sweeps.engines.protocol import Engine
    from gogooku3.sweeps.honesty import Honesty


def engine_of(sweep: Sweep) -> LocalEngine:
    """Return local processes, as the search's settings say.

    Raises:
        SettingsError: The system cannot do it.
        StorageError: The folder cannot be written.
    """
    from gogooku3.sweeps.engines.local import LocalEngine

    settings = sweep.settings
    return LocalEngine(
        settings.workers,
        threads=sweep.base.settings.deep.threads,
        logs=sweep.folder / "logs",
        seconds=None if settings.minutes is None else 60 * settings.minutes,
        quiet_seconds=None if settings.silent_minutes is None else 60 * settings.silent_minutes,
        memory_mb=settings.memory_mb,
    )


def run_sweep(sweep: Sweep, engine: Engine) -> None:
    """Work until all trials of the study have ended.

    Args:
        sweep: The search.
        engine: Where trials are computed.

    Raises:
        SettingsError: The space holds what the model does not accept; the study is of something else.
        StorageError: Database or ledger cannot be used.
        KeyboardInterrupt: Ctrl-C; what was at work is queued again.
    """
    from gogooku3.sweeps.database import close_storage, database_url
    from gogooku3.sweeps.driver import Course, Driver
    from gogooku3.sweeps.studies import studies_of
    from gogooku3.sweeps.study import KNOWN, points_ended

    sweep.refuse_what_cannot_be()
    folds = folds_of(sweep.base, sweep.panel)
    storage = storage_of(sweep)
    studies = studies_of(sweep, storage, engine.slots)
    write_json(sweep.folder / ABOUT, sweep.about() | {"known": studies[0].user_attrs[KNOWN]})
    prepare(sweep.base, sweep.panel, int(max(fold.test[-1] for fold in folds)) + 1)
    ended = points_ended(studies[0].get_trials(deepcopy=False))
    course = Course(
        folder=sweep.folder,
        space=sweep.space,
        work=compute,
        task=sweep.task,
        seed=sweep.base.settings.train.seed,
        retries=sweep.settings.retries,
        grace=sweep.settings.grace,
        url=database_url(sweep.folder, sweep.storage),
        note=_teller(sweep.base.progress, ended),
        clean=lambda number: shutil.rmtree(sweep.trial_folder(number), ignore_errors=True),
        shared=sweep.storage is not None,
    )
    left = max(0, sweep.settings.trials - ended)
    sweep.base.progress.start(f"searching {sweep.settings.name}", left, "trials")
    try:
        Driver(course, studies, engine, sweep.ledger).run()
    finally:
        close_storage(storage)


def _teller(progress: Progress, ended: int) -> Callable[[str, int | None], None]:
    """Advance by points that have ended for good since the last was told; slots tell at the same time."""
    told, lock = ended, threading.Lock()

    def tell(text: str, now: int | None) -> None:
        nonlocal told
        progress.note(text)
        with lock:
            if now is not None and now > told:
                progress.advance(now - told)
                told = now

    return tell


def storage_of(sweep: Sweep) -> StudyStorage:
    """Return the search's database.

    Raises:
        SettingsError: The folder holds a search already, which is not to be gone on with, or another one.
        StorageError: The database cannot be used.
    """
    from gogooku3.sweeps.database import database_url, open_storage
    from gogooku3.sweeps.folder_check import check_folder

    check_folder(sweep)
    sweep.folder.mkdir(parents=True, exist_ok=True)
    return open_storage(database_url(sweep.folder, sweep.storage), sweep.settings)


def report_of(sweep: Sweep, honesty: Honesty) -> Path:
    """Write the report of a search; return the page.

    Raises:
        StorageError: Study or ledger cannot be read, or a file cannot be written.
    """
    import optuna

    from gogooku3.sweeps.database import close_storage, database_faults, database_url, open_storage
    from gogooku3.sweeps.report import write_report

    url = database_url(sweep.folder, sweep.storage)
    storage = open_storage(url, sweep.settings)
    try:
        with database_faults(url):
            study = optuna.load_study(study_name=sweep.settings.name, storage=storage)
            return write_report(sweep.folder, study, sweep.ledger, honesty)
    finally:
        close_storage(storage)
