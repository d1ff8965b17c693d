"""Label spans of training and stopping against those of testing, pair by pair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gogooku3.audit.base import Base
from gogooku3.audit.part import Part
from gogooku3.audit.violation import Violation
from gogooku3.labels.target import Target
from gogooku3.models.names import ModelName
from gogooku3.pipeline.stage import read_stage
from gogooku3.splits.fold import Fold


def check_spans(base: Base) -> Part:
    """Hold every label span of training and stopping against every label span of testing, fold by fold.

    A span reaches from the session whose close the inputs know to the one at whose close the label is
    known. The sessions are those that the training stages recorded, not what the splitter says it would do, and they
    have to agree with the splitter. A blend learns its weights from a part of them.
    """
    found: list[Violation] = []
    pairs = 0
    ended_after = base.run.settings.market.ended_after
    for fold in base.folds:
        for model in base.run.settings.train.models:
            record = read_stage(base.whole, f"train-{model}-{fold.name}")
            if record is None or not _agrees(record.inputs, model, fold):
                found.append(_strange(model, fold))
        for part, rows in (("train", fold.train), ("validation", fold.validation)):
            for other, tested in (("validation", fold.validation), ("test", fold.test)):
                if other == part:
                    continue
                for one in base.panel.targets:
                    for two in base.panel.targets:
                        pairs += rows.size * tested.size
                        reach = one.known_after(ended_after), two.known_after(ended_after)
                        found += _touching(base, fold, (part, rows, one), (other, tested, two), reach)
    return Part(name="spans", facts={"pairs_of_spans": pairs}, violations=tuple(found))


def _agrees(inputs: Mapping[str, Any], model: ModelName, fold: Fold) -> bool:
    """Return whether a stage recorded the fold's own sessions."""
    if inputs["test"] != fold.test.tolist():
        return False
    if model == "blend":
        return bool(np.isin(inputs["learnt"], [*fold.train, *fold.validation]).all())
    own: dict[str, list[int]] = {part: getattr(fold, part).tolist() for part in ("train", "validation")}
    return bool(inputs["fold"] == own)


def _touching(
    base: Base,
    fold: Fold,
    left: tuple[str, np.ndarray, Target],
    right: tuple[str, np.ndarray, Target],
    reach: tuple[int, int],
) -> list[Violation]:
    (part, rows, one), (other, tested, two) = left, right
    meets = (rows[:, None] <= tested[None, :] + reach[1]) & (tested[None, :] <= rows[:, None] + reach[0])
    if not meets.any():
        return []
    row, test = (int(i) for i in np.argwhere(meets)[0])
    return [
        Violation(
            stage="spans",
            name=f"fold {fold.name}, {part} {one}",
            detail=f"{int(meets.sum()):,} spans touch {other} spans of {two}, the first that of "
            f"{base.panel.sessions[tested[test]]}",
            session=str(base.panel.sessions[rows[row]]),
        )
    ]


def _strange(model: str, fold: Fold) -> Violation:
    return Violation(
        stage="spans",
        name=f"fold {fold.name}, {model}",
        detail="training recorded other sessions than the fold's, or nothing",
    )
