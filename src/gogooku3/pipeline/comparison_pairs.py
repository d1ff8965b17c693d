"""Which models of which runs are compared with which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gogooku3.errors import SettingsError

_SYNTAX = "RUN or RUN:MODEL, such as jp:ridge jp:lightgbm"

Named = tuple[str, str]
"""A run and a model of it."""


@dataclass(frozen=True)
class Sides:
    """What the arguments of ``compare`` name.

    Attributes:
        pairs: (run, model) that counts positively, and the (run, model) it is compared with.
        left_out: Models of the runs that nothing is compared with, in words.
    """

    pairs: tuple[tuple[Named, Named], ...]
    left_out: tuple[str, ...] = ()


def split_argument(argument: str) -> tuple[str, str | None]:
    """Return the run and the model of ``RUN`` or ``RUN:MODEL``.

    Raises:
        SettingsError: One of the two is empty.
    """
    run, colon, model = argument.rpartition(":")
    if not colon:
        run, model = argument, ""
    if not run or (colon and not model):
        raise SettingsError("an argument names no run or no model", got=repr(argument), expected=_SYNTAX)
    return run, model or None


def sides(arguments: Sequence[str], models: Mapping[str, Sequence[str]]) -> Sides:
    """Return the pairs that the arguments ask for.

    * One run: each of its models against its first.
    * Runs: model by model, each run against the first one; where runs have one model each, those.
    * ``RUN:MODEL``: that model alone. All are compared with the first argument; a run beside models stands for its
      only model, or for the one that the first argument names.

    Args:
        arguments: ``RUN`` or ``RUN:MODEL``, the one that the others are compared with first.
        models: The models of every named run, in order.

    Raises:
        SettingsError: Fewer than two models are named, one is named twice, or it is not clear which are meant.
    """
    named = [split_argument(argument) for argument in arguments]
    doubled = sorted({argument for argument in arguments if list(arguments).count(argument) > 1})
    if doubled:
        raise SettingsError("an argument is named twice", got=", ".join(doubled), expected=_SYNTAX)
    if len(named) == 1:
        return _within(named[0], models)
    if all(model is None for _, model in named):
        return _by_model([run for run, _ in named], models)
    first_run, first_model = named[0]
    first = (first_run, first_model or _only(first_run, models))
    others = [(run, model or _like(run, first[1], models)) for run, model in named[1:]]
    return Sides(tuple((other, first) for other in others))


def _within(named: tuple[str, str | None], models: Mapping[str, Sequence[str]]) -> Sides:
    run, model = named
    if model is not None or len(models[run]) < 2:
        raise SettingsError(
            "there is nothing to compare with",
            got=f"{run}:{model}" if model else f"{run}, whose only model is {models[run][0]}",
            expected=f"two runs or models: {_SYNTAX}",
        )
    first, *others = models[run]
    return Sides(tuple(((run, other), (run, first)) for other in others))


def _by_model(runs: Sequence[str], models: Mapping[str, Sequence[str]]) -> Sides:
    first, *others = runs
    pairs: list[tuple[Named, Named]] = []
    left: list[str] = []
    for run in others:
        common = [model for model in models[first] if model in models[run]]
        if not common and len(models[first]) == len(models[run]) == 1:
            pairs.append(((run, models[run][0]), (first, models[first][0])))
            continue
        if not common:
            raise SettingsError(
                "the runs have no model in common",
                got=f"{first}: {', '.join(models[first])}; {run}: {', '.join(models[run])}",
                expected=f"say which models are meant: {_SYNTAX}",
            )
        pairs += [((run, model), (first, model)) for model in common]
        left += [f"{run}:{model} ({first} has none)" for model in models[run] if model not in common]
        left += [f"{first}:{model} ({run} has none)" for model in models[first] if model not in common]
    return Sides(tuple(pairs), tuple(left))


def _only(run: str, models: Mapping[str, Sequence[str]]) -> str:
    if len(models[run]) > 1:
        raise SettingsError(
            "it is not clear which model is meant",
            got=run,
            expected=" or ".join(f"{run}:{model}" for model in models[run]),
        )
    return models[run][0]


def _like(run: str, model: str, models: Mapping[str, Sequence[str]]) -> str:
    return model if model in models[run] else _only(run, models)
