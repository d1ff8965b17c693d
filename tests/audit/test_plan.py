"""Which sessions are looked from."""

from __future__ import annotations

import numpy as np
import pytest

from gogooku3.audit.plan import plan_moments, trained_folds
from gogooku3.audit.witnesses.models import learnt_by
from gogooku3.splits.fold import Fold

REACH = 6


def folds(years: int) -> tuple[Fold, ...]:
    """Years of 100 sessions, training from session 20 on."""
    made = []
    for year in range(2, 2 + years):
        start = 100 * year
        made.append(
            Fold(
                name=str(year),
                train=np.arange(20, start - 100 - REACH),
                validation=np.arange(start - 100, start - REACH),
                test=np.arange(start, start + 100),
                reach=REACH,
            )
        )
    return tuple(made)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("years", "count"), [(5, 8), (5, 12), (1, 8), (2, 3)])
def test_edges_come_first_and_every_fold_is_looked_at(years: int, count: int, seed: int) -> None:
    made = folds(years)
    usable = np.arange(20, 100 * (2 + years))
    moments = plan_moments(made, usable, count, np.random.default_rng(seed))
    sessions = [moment.session for moment in moments]
    assert len(sessions) == count
    assert sessions == sorted(set(sessions))
    assert sessions[-1] < usable[-1]
    assert [moment.last for moment in moments] == [False] * (count - 1) + [True]
    assert {int(fold.test[0]) for fold in made} & set(sessions)
    assert {learnt_by(fold) for fold in made} & set(sessions)
    assert any(session < made[0].test[0] - 1 for session in sessions)
    if count >= years + 2:
        for fold in made:
            assert set(fold.test) & set(sessions), fold.name


def test_few_sessions_are_all_taken() -> None:
    (fold,) = folds(1)
    short = Fold(name="2", train=fold.train, validation=fold.validation, test=fold.test[:2], reach=REACH)
    moments = plan_moments((short,), np.arange(190, 202), 50, np.random.default_rng(0))
    assert 2 <= len(moments) <= 12


def test_a_rebuild_trains_what_was_there_or_what_the_change_comes_closest_to() -> None:
    made = folds(3)
    first, second, _ = made

    def names(session: int, variant: str) -> list[str]:
        return [fold.name for fold in trained_folds(made, session, variant)]

    assert names(int(first.test[0]) - 1, "delete") == []
    assert names(int(first.test[0]), "delete") == ["2"]
    assert names(int(second.test[5]), "delete") == ["3"]
    every = trained_folds(made, int(second.test[5]), "delete", all_of_them=True)
    assert [fold.name for fold in every] == ["2", "3"]
    assert names(learnt_by(first), "perturb") == ["2"]
    assert names(learnt_by(first) - 1, "perturb") == []
    assert names(int(second.test[5]), "null") == ["3"]


def test_a_rebuild_is_held_to_the_quarters_of_a_year_that_it_can_train() -> None:
    made = []
    for start in range(200, 1000, 100):
        made.append(
            Fold(
                name=f"{2016 + start // 400}Q{start // 100 % 4 + 1}",
                train=np.arange(20, start - 100 - REACH),
                validation=np.arange(start - 100, start - REACH),
                test=np.arange(start, start + 100),
                reach=REACH,
            )
        )
    assert [fold.name for fold in made][:4] == ["2016Q3", "2016Q4", "2017Q1", "2017Q2"]

    def names(session: int, variant: str) -> list[str]:
        return [fold.name for fold in trained_folds(made, session, variant)]

    assert names(199, "delete") == []
    assert names(350, "delete") == ["2016Q3", "2016Q4"]
    assert names(550, "delete") == ["2017Q1", "2017Q2"]
    assert names(learnt_by(made[3]), "perturb") == ["2017Q1", "2017Q2"]
    assert names(learnt_by(made[3]) - 1, "null") == ["2017Q1"]
