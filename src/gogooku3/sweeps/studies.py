"""A search's study, once for each slot, with its samplers and pruners."""

from __future__ import annotations

import warnings

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import RDBStorage

from gogooku3.sweeps.database import database_faults, database_url
from gogooku3.sweeps.folder_check import CODE, check_study, is_finished, recorded, refuse_other
from gogooku3.sweeps.settings import SweepSettings
from gogooku3.sweeps.study import QueuedStudy, make_study, rebuild
from gogooku3.sweeps.sweep import Sweep


def studies_of(sweep: Sweep, storage: RDBStorage, slots: int) -> list[QueuedStudy]:
    """Return the study once for each slot, each with a sampler and pruner of its own.

    Raises:
        SettingsError: There is a study already, or it is of something else.
        StorageError: The database cannot be used.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    settings, url = sweep.settings, database_url(sweep.folder, sweep.storage)
    entries = sweep.ledger.read().trials
    finished = is_finished(entries, settings.trials)
    known = sweep.known()
    with database_faults(url):
        check_study(sweep, exists=settings.name in optuna.study.get_all_study_names(storage))
        first = make_study(
            storage,
            settings.name,
            known | ({CODE: recorded(sweep).get(CODE, known[CODE])} if finished else {}),
            trials=settings.trials,
            join=sweep.resume or sweep.storage is not None,
            check=lambda before: refuse_other(before, known, finished=finished),
            lost=lambda study: rebuild(study, entries, sweep.space, settings.retries),
        )
        begun = sum(trial.state.name != "WAITING" for trial in first.get_trials(deepcopy=False))
    return [
        QueuedStudy(
            study_name=settings.name,
            storage=storage,
            sampler=_sampler(settings, slots, np.random.SeedSequence([settings.seed, slot, begun])),
            pruner=_pruner(settings),
        )
        for slot in range(slots)
    ]


def _sampler(
    settings: SweepSettings, slots: int, seeds: np.random.SeedSequence
) -> optuna.samplers.BaseSampler:
    seed = int(seeds.generate_state(1)[0])
    if settings.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # of constant_liar
        return optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=settings.startup, constant_liar=slots > 1
        )


def _pruner(settings: SweepSettings) -> optuna.pruners.BasePruner:
    if settings.pruner == "median":
        return optuna.pruners.MedianPruner(
            n_startup_trials=settings.startup, n_warmup_steps=settings.patience
        )
    return optuna.pruners.NopPruner()
