"""A search: its settings, its panel, and what each of its trials is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gogooku3.config.settings import Settings
from gogooku3.errors import SettingsError
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.deep import deep_code
from gogooku3.pipeline.run_folder import Run
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.point_settings import settings_of
from gogooku3.sweeps.points import pairs
from gogooku3.sweeps.settings import SweepSettings
from gogooku3.sweeps.space import ETA_RATIO, Params, Space, Value
from gogooku3.sweeps.trial import LAG

_CHOSEN = ("atft.", "optimizer.", "scheduler.", "loss.", "deep.", "graph.neighbours", "graph.threshold")
_OF_THE_SEARCH = frozenset({"deep.seeds", "deep.epochs"})
_READ_BY_TRIALS = (
    "splits",
    "train",
    "atft",
    "frequency",
    "graph",
    "deep",
    "loss",
    "optimizer",
    "scheduler",
    "evaluation",
)
OF_THE_MACHINE = ("threads", "device", "prefetch", "checkpoint_every", "tensorboard")


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
            folder = self.trial_folder(number)
            base["run"] |= {"folder": str(folder.parent), "name": folder.name}
        try:
            made = Settings.model_validate(
                {**base, "run": {**base["run"], "folder": Path(base["run"]["folder"])}}
            )
        except ValidationError as error:
            raise SettingsError(
                "the model does not accept a point of the space",
                got=dict(params or {}),
                expected="; ".join(fault["msg"].removeprefix("Value error, ") for fault in error.errors()),
                remedy="narrow the space, with --space FILE.toml",
            ) from error
        if ETA_RATIO not in self.space:
            made.scheduler.refuse_high_floor(made.optimizer.learning_rate)
        return base

    def trial_folder(self, number: int) -> Path:
        """Return the folder of a trial's run, which is removed when it has ended."""
        return self.folder / "trials" / f"{number:05d}"

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
        tree = self.tree()
        settings = {name: dict(tree[name]) for name in _READ_BY_TRIALS}
        for name in OF_THE_MACHINE:
            del settings["deep"][name]
        if tree["retrain"]["cadence"] != "yearly":
            settings["retrain"] = tree["retrain"]  # folds are then no years
        return {
            "panel": self.panel.content_hash,
            "code": deep_code(),
            "space": {name: what.to_json() for name, what in self.space.items()},
            "horizons": list(self.horizons),
            **{f"settings.{name}": section for name, section in settings.items()},
        }
