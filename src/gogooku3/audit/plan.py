"""Which sessions an audit looks from, and which folds it trains for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gogooku3.audit.variant_name import VariantName
from gogooku3.audit.witnesses.models import learnt_by
from gogooku3.errors import SettingsError
from gogooku3.splits.fold import Fold
from gogooku3.splits.fold_years import fold_years


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A session t after which the bars are changed.

    Attributes:
        session: Its index.
        reason: Why it was chosen.
        last: Whether it is the last one that the audit looks from.
    """

    session: int
    reason: str
    last: bool = False


def plan_moments(
    folds: Sequence[Fold], usable: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[Moment, ...]:
    """Draw sessions: edges of folds first, one before any test, then test sessions, spread over the folds.

    Args:
        folds: The run's folds in order.
        usable: Indices of the sessions that have a universe, increasing; something follows each but the last.
        count: Sessions wanted; fewer come out where there are not as many.
        rng: Source of randomness.

    Raises:
        SettingsError: There is no session to look from.
    """
    order = rng.permutation(len(folds))
    moments: dict[int, str] = {}

    def add(session: int, reason: str) -> None:
        fits = session in usable and session < usable[-1]
        if fits and session not in moments and len(moments) < count:
            moments[session] = reason

    first, second = folds[order[0]], folds[order[1 % len(order)]]
    add(int(first.test[0]), f"first test session of fold {first.name}")
    add(learnt_by(second), f"end of the last training label of fold {second.name}")
    before = usable[usable < folds[0].test[0] - 1]
    if before.size:
        add(int(rng.choice(before)), "before any test")
    covered = {first.name}
    pending = [folds[n] for n in order if folds[n].name not in covered]
    while len(moments) < min(count, len(usable) - 1):
        for fold in pending or [folds[n] for n in order]:
            free = np.setdiff1d(fold.test, [*moments, usable[-1]])
            if free.size:
                add(int(rng.choice(free)), f"in fold {fold.name}")
        if not pending and all(np.setdiff1d(f.test, [*moments, usable[-1]]).size == 0 for f in folds):
            break
        pending = []
    if not moments:
        raise SettingsError("there is no session to audit from", got=f"{len(usable)} usable sessions")
    return tuple(Moment(session=t, reason=moments[t], last=t == max(moments)) for t in sorted(moments))


def trained_folds(
    folds: Sequence[Fold], session: int, variant: VariantName, *, all_of_them: bool = False
) -> tuple[Fold, ...]:
    """Return the folds that a rebuild is held to: the last one that it can train, which the change comes closest to.

    Where bars end at t, that is the last fold with a test session by t; where they go on, the last one whose labels
    are over by t. Earlier folds are as far from the change as from that of an earlier session, and are fitted
    blindfolded besides. Where folds are shorter than a year, those before it in its year are trained with it.

    Args:
        folds: The run's folds in order.
        session: The session t.
        variant: What is done to the bars.
        all_of_them: Train every such fold, as the run would have on that day.
    """
    if variant == "delete":
        possible = [fold for fold in folds if fold.test[0] <= session]
    else:
        possible = [fold for fold in folds if learnt_by(fold) <= session]
    if all_of_them:
        return tuple(possible)
    return tuple(fold for fold in possible if fold_years([fold]) == fold_years(possible[-1:]))
