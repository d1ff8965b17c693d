"""What a search may choose: values by dotted key of a setting."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gogooku3.errors import SettingsError

if TYPE_CHECKING:
    import optuna

Value = bool | int | float | str
Params = dict[str, Value]
"""Flat: name to value, as `best_params.json` has them."""

ETA_RATIO = "scheduler.eta_min_ratio"
"""The lowest learning rate as a share of the highest; not a setting of its own."""

WEIGHTS = "loss.horizon_weights"
"""By name: ``equal``, ``short`` (falling as one over the root of the horizon) or ``long`` (rising as the root)."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of some values; a value that is a list is chosen as its JSON text."""

    values: tuple[Value, ...]

    def suggest(self, trial: optuna.Trial, name: str) -> Value:
        """Return the value that the sampler chooses."""
        chosen = trial.suggest_categorical(name, list(self.values))
        assert chosen is not None  # no value is None
        return chosen

    def distribution(self) -> optuna.distributions.BaseDistribution:
        """Return the same as Optuna has it."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(list(self.values))

    def levels(self) -> tuple[Value, ...]:
        """Return the values."""
        return self.values

    def draw(self, rng: np.random.Generator) -> Value:
        """Return a value at random."""
        return self.values[int(rng.integers(len(self.values)))]

    def to_json(self) -> Any:
        """Return plain data, as a file of a space has it."""
        return list(self.values)


@dataclass(frozen=True, kw_only=True)
class Range:
    """A number between two, ends included."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def suggest(self, trial: optuna.Trial, name: str) -> Value:
        """Return the value that the sampler chooses."""
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    def distribution(self) -> optuna.distributions.BaseDistribution:
        """Return the same as Optuna has it."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)

    def levels(self) -> tuple[Value, ...]:
        """Return both ends and the middle."""
        middle = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        if self.whole:
            return tuple(dict.fromkeys((int(self.low), round(middle), int(self.high))))
        return tuple(dict.fromkeys((self.low, middle, self.high)))

    def draw(self, rng: np.random.Generator) -> Value:
        """Return a value at random."""
        if self.whole:
            return int(rng.integers(int(self.low), int(self.high) + 1))
        if self.log:
            return float(np.exp(rng.uniform(math.log(self.low), math.log(self.high))))
        return float(rng.uniform(self.low, self.high))

    def to_json(self) -> Any:
        """Return plain data, as a file of a space has it."""
        ends = (int(self.low), int(self.high)) if self.whole else (self.low, self.high)
        return {"low": ends[0], "high": ends[1], "log": self.log}


Space = Mapping[str, Choice | Range]


def default_space() -> Space:
    """Return the space that is searched if nobody says otherwise."""
    return {
        "optimizer.type": Choice(values=("adamw", "adabelief")),
        "optimizer.learning_rate": Range(low=1e-5, high=1e-3, log=True),
        ETA_RATIO: Range(low=0.01, high=0.5, log=True),
        "deep.sessions": Choice(values=(20, 40, 80)),
        "atft.hidden": Choice(values=(64, 128, 256, 512)),
        "atft.heads": Choice(values=(2, 4, 8)),
        "atft.lookback": Choice(values=(20, 40, 60)),
        "atft.gat_layers": Range(low=1, high=10, whole=True),
        "atft.gat_dropout": Range(low=0.1, high=0.4),
        "loss.rank_weight": Choice(values=(0.0, 0.05, 0.1, 0.2)),
        WEIGHTS: Choice(values=("equal", "short", "long")),
        "graph.neighbours": Choice(values=(10, 20, 30)),
        "graph.threshold": Choice(values=(0.1, 0.2, 0.3)),
    }


def read_space(file: Path) -> dict[str, Choice | Range]:
    """Return the entries of a TOML file's table ``space``, which stand in for those of the default space.

    An entry is a list of values, ``{low, high}`` or ``{low, high, log = true}``; whole numbers where both ends are.
    A list of one value takes a setting out of the search.

    Raises:
        SettingsError: The file cannot be read, or an entry is not understood.
    """
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError("a space cannot be read", where=file, got=error) from error
    entries = tables.get("space")
    if set(tables) != {"space"} or not isinstance(entries, dict):
        raise SettingsError(
            "a space is not understood", where=file, got=", ".join(tables), expected="one table [space]"
        )
    return {name: entry(name, said, str(file)) for name, said in entries.items()}


def entry(name: str, said: Any, where: str) -> Choice | Range:
    """Return what a file says of one setting.

    Raises:
        SettingsError: It is not understood.
    """
    if isinstance(said, list) and said:
        values = tuple(one if isinstance(one, bool | int | float | str) else json.dumps(one) for one in said)
        if len(set(map(repr, values))) == len(values):
            return Choice(values=values)
    if isinstance(said, dict) and {"low", "high"} <= set(said) <= {"low", "high", "log"}:
        low, high, log = said["low"], said["high"], said.get("log", False)
        numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high))
        if numbers and isinstance(log, bool) and low < high and (low > 0 or not log):
            return Range(low=low, high=high, log=log, whole=isinstance(low, int) and isinstance(high, int))
    raise SettingsError(
        "an entry of a space is not understood",
        where=f"{where}: {name}",
        got=said,
        expected="a list of different values, or {low, high} or {low, high, log = true} with low < high,"
        " above 0 if log",
    )


def suggest(space: Space, trial: optuna.Trial) -> Params:
    """Return the values that the sampler chooses for a trial."""
    return {name: what.suggest(trial, name) for name, what in space.items()}
