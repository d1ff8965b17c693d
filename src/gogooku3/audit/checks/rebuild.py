"""Change everything after t, run the pipeline again, and let all witnesses speak."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from gogooku3.audit.base import Base
from gogooku3.audit.compare import compare
from gogooku3.audit.material import write_bars
from gogooku3.audit.part import Part
from gogooku3.audit.plan import Moment, trained_folds
from gogooku3.audit.told import retold, write_told
from gogooku3.audit.variant_name import VariantName
from gogooku3.audit.variants import changed
from gogooku3.audit.violation import Violation
from gogooku3.errors import Gogooku3Error
from gogooku3.market.calendar import close_minutes
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import build, panel_of
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.train import train
from gogooku3.splits.fold import Fold
from gogooku3.splits.fold_years import fold_years


def check_rebuild(base: Base, moment: Moment, variant: VariantName) -> Part:
    """Rebuild on bars that are another story after ``moment`` and compare what is known by then.

    A rebuild that fails is a violation too: the pipeline could not have run on that day.
    """
    panel, until = base.panel, moment.session
    name = f"{variant} after {panel.sessions[until]}"
    whole = moment.last and variant == "delete"
    folds = trained_folds(base.folds, until, variant, all_of_them=whole)
    facts: dict[str, Any] = {
        "session": str(panel.sessions[until]),
        "reason": moment.reason,
        "variant": variant,
        "folds": [fold.name for fold in folds],
        "stages": {},
    }
    work = base.folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        other = _made(base, moment, variant, folds)
        found = _compared(base, other, until, folds, facts["stages"])
        if variant == "delete":
            found += _premature(panel_of(other), until)
    except Gogooku3Error as error:
        found = [Violation(stage="rebuild", name=name, detail=f"it cannot be made: {error.what}")]
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Part(name=name, facts=facts, violations=tuple(replace(one, cause=name) for one in found))


def _made(base: Base, moment: Moment, variant: VariantName, folds: Sequence[Fold]) -> Run:
    sessions, audit = base.panel.sessions, base.audit
    rng = np.random.default_rng([audit.seed, 1, moment.session, get_args(VariantName).index(variant)])
    known = sessions[moment.session].item()
    last = sessions[min(moment.session + audit.tail, len(sessions) - 1)].item()
    work = base.folder / "work"
    files = write_bars(changed(base.material.bars, variant, known, last, rng), work)
    (close,) = close_minutes(base.panel.calendar, sessions[moment.session : moment.session + 1])
    told = retold(base.material.told, known, close, delete=variant == "delete", rng=rng)
    files |= write_told(told, work)
    other = base.rebuild(work, files, fold_years(folds))
    build(other)
    if folds:
        train(other)
    return other


def _compared(
    base: Base, other: Run, until: int, folds: Sequence[Fold], stages: dict[str, Any]
) -> list[Violation]:
    before, names = base.trained(folds), {fold.name for fold in folds}
    found: list[Violation] = []
    for witness in base.witnesses:
        if witness.needs_models and not folds:
            continue
        after = (one for one in witness.observe(other, until) if not one.fold or one.fold in names)
        result = compare(witness.name, witness.observe(before, until), after, names)
        stages[witness.name] = {
            "verdict": "fail" if result.violation else "pass",
            "values": result.values,
            "digest": result.digest,
        }
        if result.violation is not None:
            found.append(result.violation)
    return found


def _premature(panel: Panel, until: int) -> list[Violation]:
    """Labels that a panel ending at t has although their spans reach beyond t."""
    found = []
    for target in panel.targets:
        late = panel.target(target)[max(0, until - target.reach + 1) :]
        known = np.argwhere(np.isfinite(late))
        if len(known):
            session = until - target.reach + 1 + int(known[0, 0])
            found.append(
                Violation(
                    stage="targets",
                    name=str(target),
                    detail=f"{len(known):,} labels are known before their span is over",
                    session=str(panel.sessions[session]),
                    stock=panel.codes[known[0, 1]],
                )
            )
    return found
