"""A search from its settings to its last trial."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from gogooku3.config.process import physical_cores
from gogooku3.config.settings import Settings
from gogooku3.errors import SettingsError
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.deep import deep_code
from gogooku3.pipeline.run_folder import Run, open_run
from gogooku3.pipeline.train import folds_of
from gogooku3.progress import Progress
from gogooku3.storage.atomic import write_json
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.point_settings import settings_of
from gogooku3.sweeps.points import pairs
from gogooku3.sweeps.settings import SweepSettings
from gogooku3.sweeps.shared import prepare, widest_graph
from gogooku3.sweeps.space import Params, Space, Value
from gogooku3.sweeps.trial import LAG, compute

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

    from gogooku3.sweeps.engines.local import LocalEngine
    from gogooku3.sweeps.engines.protocol import Engine
    from gogooku3.sweeps.honesty import Honesty
    from gogooku3.sweeps.study import QueuedStudy

ABOUT = "sweep.json"
MODEL = "atft_gat_fan"
_CHOSEN = ("atft.", "optimizer.", "scheduler.", "loss.", "deep.", "graph.neighbours", "graph.threshold")
_OF_THE_SEARCH = frozenset({"deep.seeds", "deep.epochs"})
_OF_THE_MACHINE = {
    "deep": ("threads", "device", "prefetch", "checkpoint_every", "tensorboard"),
    "panel": ("file",),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Sweep:
    """A search.

    Attributes:
        folder: Where all of it lies.
        settings: How it goes.
        space: What may be chosen.
        base: What trials have in common, as a run in the search's folder.
        storage: URL of the database; None for SQLite in the folder.
        resume: Go on with a study that is there.
    """

    folder: Path
    settings: SweepSettings
    space: Space
    base: Run
    storage: str | None = None
    resume: bool = False

    @cached_property
    def panel(self) -> Panel:
        """The panel."""
        return panel_of(self.base)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger."""
        return Ledger(self.folder)

    @cached_property
    def horizons(self) -> tuple[int, ...]:
        """Horizons of the objective.

        Raises:
            SettingsError: The panel has not all of them at lag 1.
        """
        held = tuple(sorted({target.horizon for target in self.panel.targets if target.lag == LAG}))
        wanted = self.settings.horizons or held
        if not wanted or not set(wanted) <= set(held):
            raise SettingsError(
                "the panel lacks a horizon of the objective at lag 1", got=wanted, expected=f"among {held}"
            )
        return wanted

    def tree(self, params: Mapping[str, Value] | None = None, number: int | None = None) -> dict[str, Any]:
        """Return all settings of a trial as plain data; those of the search itself without a number.

        Raises:
            SettingsError: The model does not accept them.
        """
        base: dict[str, Any] = self.base.settings.model_dump(mode="json", exclude_computed_fields=True)
        rate = self.base.settings.optimizer.learning_rate
        said = settings_of(params or {}, learning_rate=rate, horizons=[t.horizon for t in self.panel.targets])
        for key, value in said.items():
            section, _, name = key.partition(".")
            if not key.startswith(_CHOSEN) or key in _OF_THE_SEARCH or name not in base[section]:
                raise SettingsError(
                    "a search cannot choose this setting",
                    where=key,
                    expected="one of atft, optimizer, scheduler, loss or deep (but for its seeds and epochs), or"
                    " graph.neighbours or graph.threshold: all else is shared by the trials",
                )
            base[section][name] = value
        if number is not None:
            base["run"] |= {"folder": str(self.folder / "trials"), "name": f"{number:05d}"}
        try:
            Settings.model_validate({**base, "run": {**base["run"], "folder": Path(base["run"]["folder"])}})
        except ValidationError as error:
            raise SettingsError(
                "the model does not accept a point of the space",
                got=dict(params or {}),
                expected="; ".join(fault["msg"].removeprefix("Value error, ") for fault in error.errors()),
                remedy="narrow the space, with --space FILE.toml",
            ) from error
        return base

    def refuse_what_cannot_be(self) -> None:
        """Look at every value and every two values that can meet, before the first trial.

        Raises:
            SettingsError: The model does not accept some.
        """
        for params in pairs(self.space):
            self.tree(params)

    def task(self, number: int, params: Params) -> dict[str, Any]:
        """Return what a trial's process is given."""
        return {"base": self.tree(), "settings": self.tree(params, number), "horizons": list(self.horizons)}

    def about(self) -> dict[str, Any]:
        """Return what a folder says of its search."""
        from gogooku3.sweeps.database import without_password

        return {
            "name": self.settings.name,
            "storage": None if self.storage is None else without_password(self.storage),
            "panel": str(self.base.settings.panel.file),
            "sweep": self.settings.model_dump(mode="json"),
            "space": {name: what.to_json() for name, what in self.space.items()},
            "horizons": list(self.horizons),
            "settings": self.tree(),
        }

    def known(self) -> dict[str, Any]:
        """Return what has to be the same whenever and wherever the study is gone on with."""
        settings = self.tree()
        del settings["run"]
        for section, names in _OF_THE_MACHINE.items():
            for name in names:
                del settings[section][name]
        return {
            "panel": self.panel.content_hash,
            "code": deep_code(),
            "space": {name: what.to_json() for name, what in self.space.items()},
            "horizons": list(self.horizons),
            **{f"settings.{name}": section for name, section in settings.items()},
        }


def open_sweep(
    *,
    panel: Path,
    folder: Path,
    settings: SweepSettings,
    space: Space,
    config: Path | None = None,
    flags: Mapping[str, object] | None = None,
    storage: str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Sweep:
    """Compose a search.

    Args:
        panel: A panel.
        folder: Where all of the search is to lie.
        settings: How it goes.
        space: What may be chosen.
        config: TOML file of settings that trials have in common.
        flags: More of them, by dotted key.
        storage: URL of a database that many machines reach; SQLite in the folder if None.
        resume: Go on with a study that is there.
        progress: Told of long work.

    Raises:
        SettingsError: Settings do not fit together.
        PanelError: There is no panel.
    """
    own: dict[str, object] = {
        "run.name": folder.name,
        "run.folder": str(folder.parent),
        "panel.file": str(panel),
        "train.models": [MODEL],
        "train.refit": False,
        "deep.seeds": 1,
        "deep.epochs": settings.epochs,
        "deep.threads": max(1, physical_cores() // settings.workers),
        "splits.test_years": settings.folds,
    }
    run = open_run(config=config, flags={**own, **(flags or {})}, progress=progress, remembered=False)
    graph = widest_graph(run.settings.graph, space)
    widest = run.settings.model_copy(update={"graph": graph})
    base = Run(resolved=replace(run.resolved, settings=widest), progress=run.progress)
    return Sweep(folder=folder, settings=settings, space=space, base=base, storage=storage, resume=resume)


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

    sweep.refuse_what_cannot_be()
    folds = folds_of(sweep.base, sweep.panel)
    storage = storage_of(sweep)
    studies = studies_of(sweep, storage, engine.slots)
    write_json(sweep.folder / ABOUT, sweep.about())
    prepare(sweep.base, sweep.panel, int(max(fold.test[-1] for fold in folds)) + 1)
    course = Course(
        folder=sweep.folder,
        space=sweep.space,
        work=compute,
        task=sweep.task,
        seed=sweep.base.settings.train.seed,
        retries=sweep.settings.retries,
        grace=sweep.settings.grace,
        url=database_url(sweep.folder, sweep.storage),
        note=_teller(sweep.base.progress),
    )
    sweep.base.progress.start(f"searching {sweep.settings.name}", sweep.settings.trials, "trials")
    try:
        Driver(course, studies, engine, sweep.ledger).run()
    finally:
        close_storage(storage)


def _teller(progress: Progress) -> Callable[[str], None]:
    def tell(text: str) -> None:
        progress.note(text)
        progress.advance()

    return tell


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


def storage_of(sweep: Sweep) -> RDBStorage:
    """Return the search's database.

    Raises:
        SettingsError: The folder holds a search already, which is not to be gone on with.
        StorageError: The database cannot be used.
    """
    from gogooku3.sweeps.database import database_url, open_storage
    from gogooku3.sweeps.study import queue_again

    sweep.folder.mkdir(parents=True, exist_ok=True)
    entries = sweep.ledger.read().trials
    if entries and not sweep.resume and sweep.storage is None:
        raise SettingsError(
            "the folder holds a search already",
            where=sweep.folder,
            got=f"{len(entries)} trials in its ledger",
            remedy="go on with it by --resume, or name another folder with --out",
        )
    retries = sweep.settings.retries
    return open_storage(
        database_url(sweep.folder, sweep.storage),
        sweep.settings,
        lambda study, trial: queue_again(study, trial, retries),
    )


def studies_of(sweep: Sweep, storage: RDBStorage, slots: int) -> list[QueuedStudy]:
    """Return the study once for each slot, each with a sampler and pruner of its own.

    Raises:
        SettingsError: There is a study already, or it is of something else.
        StorageError: The database cannot be used.
    """
    import optuna
    from optuna.exceptions import ExperimentalWarning

    from gogooku3.sweeps.database import database_faults, database_url
    from gogooku3.sweeps.study import QueuedStudy, make_study, rebuild

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    settings, url = sweep.settings, database_url(sweep.folder, sweep.storage)
    entries = sweep.ledger.read().trials
    with database_faults(url):
        first = make_study(
            storage,
            settings.name,
            sweep.known(),
            trials=settings.trials,
            join=sweep.resume or sweep.storage is not None,
            lost=lambda study: rebuild(study, entries, sweep.space),
        )
        begun = sum(trial.state.name != "WAITING" for trial in first.get_trials(deepcopy=False))
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        for slot in range(slots):
            seed = int(np.random.SeedSequence([settings.seed, slot, begun]).generate_state(1)[0])
            sampler: optuna.samplers.BaseSampler = optuna.samplers.RandomSampler(seed=seed)
            if settings.sampler == "tpe":
                sampler = optuna.samplers.TPESampler(
                    seed=seed, n_startup_trials=settings.startup, constant_liar=slots > 1
                )
            pruner: optuna.pruners.BasePruner = optuna.pruners.NopPruner()
            if settings.pruner == "median":
                pruner = optuna.pruners.MedianPruner(
                    n_startup_trials=settings.startup, n_warmup_steps=settings.patience
                )
            found.append(
                QueuedStudy(study_name=settings.name, storage=storage, sampler=sampler, pruner=pruner)
            )
    return found
