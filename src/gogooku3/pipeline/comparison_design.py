"""What is under test between two contestants, and whether anything else differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from gogooku3.errors import EvaluationError
from gogooku3.models.names import DEEP, OF_ROWS, ModelName, sections_of
from gogooku3.pipeline.comparison_data import fold_differences, same_data, yardstick_differences
from gogooku3.pipeline.contestant import Contestant

LEAST_SEEDS = 3
_CODE = "code"
_NOT_READ: dict[str, Any] = {"run": {"name", "folder", "open_locked"}, "evaluation": True, "report": True}
_PANEL = ("panel.features", "panel.dtype", "panel.file")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A setting that differs.

    Attributes:
        key: Dotted name.
        against: Its value on the side that is compared with; None where that side does not have it.
        model: Its value on the side that counts positively.
    """

    key: str
    against: Any
    model: Any


@dataclass(frozen=True, kw_only=True)
class Design:
    """Why a difference between two contestants can be put down to settings.

    Attributes:
        model, against: ``run:model``.
        under_test: Settings that differ and reach the scores.
        without_effect: Settings that differ and cannot, as all that they lead to is the same.
    """

    model: str
    against: str
    under_test: tuple[Setting, ...]
    without_effect: tuple[Setting, ...]


def design(model: Contestant, against: Contestant, *, other_code: bool = False) -> Design:
    """Return what is under test; refuse if anything else differs.

    Sessions, folds, seeds, targets, code and every value that was trained on, scored and judged have to be the same.
    Where settings of the panel (features, their type) are under test, features may differ; bars, universe, market
    fields, targets and labels may not.

    Args:
        model: The side that counts positively.
        against: The side that it is compared with.
        other_code: Let the code of training differ, as something under test.

    Raises:
        EvaluationError: The two cannot be compared; says every reason.
    """
    differing = list(_differing(model, against))
    same = same_data(against, model)
    reasons = [*fold_differences(against, model), *_seeds(model, against)]
    panel_under_test = not same and any(setting.key in _PANEL for setting in differing)
    if not same:
        data = yardstick_differences(against, model)
        if not (data or reasons or panel_under_test):
            data = ["features, although no setting of the panel is under test"]
        reasons += data
    codes = _codes(against, features=panel_under_test), _codes(model, features=panel_under_test)
    if codes[0] != codes[1] and not other_code and _kind(model.model) == _kind(against.model):
        reasons.append("code of training (--other-code puts it under test)")
    tested = [s for s in differing if _reaches(s.key, model, against, panel=panel_under_test)]
    if codes[0] != codes[1]:
        tested.append(Setting(key=_CODE, against=codes[0], model=codes[1]))
    if reasons:
        raise _refused(model, against, reasons, tested)
    if not tested:
        raise EvaluationError(
            "there is nothing to compare: no setting is under test",
            where=f"{against.label} and {model.label}",
            got="the same model with the same settings",
        )
    return Design(
        model=model.label,
        against=against.label,
        under_test=tuple(tested),
        without_effect=tuple(s for s in differing if s not in tested),
    )


def _kind(model: ModelName) -> str:
    """Return what models are trained by the same code; between kinds the code is part of the model."""
    return "rows" if model in OF_ROWS else "deep" if model in DEEP else model


def _refused(
    model: Contestant, against: Contestant, reasons: list[str], tested: list[Setting]
) -> EvaluationError:
    keys = ", ".join(setting.key for setting in tested) or "no setting"
    return EvaluationError(
        f"this would be no comparison, as more differs than {keys}",
        where=f"{against.label} and {model.label}",
        got="; ".join(reasons),
        expected="the same sessions, folds, seeds, data and code, so that what is under test is all that differs",
        remedy="run both with the same version, bars and settings but for those under test",
    )


def _reaches(key: str, model: Contestant, against: Contestant, *, panel: bool) -> bool:
    """Tell whether a setting that differs reaches the scores, given that all else is the same."""
    sections = sections_of(model.model) | sections_of(against.model)
    own = ("train.models", "train.refit", *(f"{section}." for section in sections))
    return key.startswith(own) or (panel and key in _PANEL)


def _differing(model: Contestant, against: Contestant) -> Iterator[Setting]:
    mine, theirs = dict(_settings(model)), dict(_settings(against))
    for key in [*theirs, *(key for key in mine if key not in theirs)]:
        if mine.get(key) != theirs.get(key):
            yield Setting(key=key, against=theirs.get(key), model=mine.get(key))


def _settings(side: Contestant) -> Iterator[tuple[str, Any]]:
    """Yield what can reach a contestant's scores: not its run's name, how it is judged, or the other models."""
    settings = side.run.settings
    tree = settings.model_dump(mode="json", exclude=_NOT_READ)
    models: tuple[ModelName, ...] = get_args(ModelName)
    for section in frozenset().union(*map(sections_of, models)) - sections_of(side.model):
        tree.pop(section)
    tree["train"]["models"] = side.model
    for section in ("lightgbm", "deep"):
        if section in tree and side.seeds:
            tree[section]["seeds"] = len(side.seeds)  # those that count
    yield from _flat(tree)


def _flat(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            yield from _flat(item, f"{before}{key}.")
        else:
            yield f"{before}{key}", item


def _seeds(model: Contestant, against: Contestant) -> Iterator[str]:
    if model.seeds and against.seeds and model.seeds != against.seeds:
        yield f"seeds: {against.label} {_listed(against.seeds)}, {model.label} {_listed(model.seeds)}"
    for side in (against, model):
        if side.seeds and len(side.seeds) < LEAST_SEEDS:
            yield f"{side.label} is random and has {len(side.seeds)} seeds, fewer than {LEAST_SEEDS}"


def _listed(seeds: tuple[int, ...]) -> str:
    return f"{seeds[0]} to {seeds[-1]}"


def _codes(side: Contestant, *, features: bool) -> list[str]:
    """Return digests of the code that trained, and of the code that computed features where those differ."""
    found = {str(record.inputs.get("code")) for record in side.records.values()}
    return sorted(found) + ([str(side.panel.lineage.get("code"))] if features else [])
