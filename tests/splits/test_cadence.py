from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from gogooku3.errors import SplitError
from gogooku3.splits.cadence import Cadence
from gogooku3.splits.fold import Fold
from gogooku3.splits.fold_years import fold_years
from gogooku3.splits.settings import SplitSettings
from gogooku3.splits.walk_forward import WalkForward
from tests.splits.oracle import as_list, clear, span
from tests.splits.test_walk_forward import ALL, TOKYO, calendar


def cadence(name: str, reach: int = 21, **changes: object) -> Cadence:
    return Cadence(settings=SplitSettings(**changes), cadence=name, reach=reach)  # type: ignore[arg-type]


def period_of(day: np.datetime64, name: str) -> str:
    """The name of the period that a day lies in, by reading its date."""
    year, month = str(day)[:4], int(str(day)[5:7])
    if name == "monthly":
        return str(day)[:7]
    return f"{year}Q{1 + (month > 3) + (month > 6) + (month > 9)}"


def begin(name: str) -> np.datetime64:
    """The first day of a period."""
    month = 3 * int(name[5:]) - 2 if "Q" in name else int(name[5:])
    return np.datetime64(f"{name[:4]}-{month:02d}-01")


def same(mine: Fold, other: Fold) -> bool:
    parts = ("train", "validation", "test")
    return all(np.array_equal(getattr(mine, part), getattr(other, part)) for part in parts)


def test_quarters_of_tokyo() -> None:
    folds = cadence("quarterly").folds(TOKYO, ALL)
    assert [fold.name for fold in folds] == [f"{y}Q{q}" for y in range(2018, 2023) for q in range(1, 5)]
    third = folds[2]  # 2018Q3
    assert str(TOKYO[third.test[0]]) == "2018-07-02"
    assert str(TOKYO[third.test[-1]]) == "2018-09-28"
    assert str(TOKYO[third.validation[0]]) == "2017-07-03"
    assert third.validation[-1] + 21 == third.test[0] - 1
    assert third.train[0] == 0
    assert third.train[-1] + 21 == third.validation[0] - 1
    assert fold_years(folds) == (2018, 2019, 2020, 2021, 2022)


def test_the_first_period_of_a_year_is_fitted_as_its_year() -> None:
    years = WalkForward(settings=SplitSettings(), reach=21).folds(TOKYO, ALL)
    assert all(same(a, b) for a, b in zip(cadence("yearly").folds(TOKYO, ALL), years, strict=True))
    for name, each in (("quarterly", 4), ("monthly", 12)):
        folds = cadence(name).folds(TOKYO, ALL)
        assert len(folds) == 5 * each
        for year, first in zip(years, folds[::each], strict=True):
            assert np.array_equal(first.train, year.train)
            assert np.array_equal(first.validation, year.validation)
    assert fold_years(years) == (2018, 2019, 2020, 2021, 2022)


@pytest.mark.parametrize("name", ["quarterly", "monthly"])
def test_locked_years_are_cut_only_when_asked(name: str) -> None:
    closed = cadence(name).folds(TOKYO, ALL)
    assert not any(fold.locked for fold in closed)
    assert str(TOKYO[max(part[-1] for f in closed for part in (f.train, f.validation, f.test))]) < "2023"
    opened = cadence(name).folds(TOKYO, ALL, locked=True)
    assert all(fold.locked and fold.name.startswith("2023") for fold in opened)
    assert len(opened) == {"quarterly": 4, "monthly": 12}[name]


def test_a_period_without_sessions_has_no_fold() -> None:
    usable = ALL & ~np.isin(TOKYO.astype("datetime64[M]"), np.array(["2019-05"], dtype="datetime64[M]"))
    names = [fold.name for fold in cadence("monthly").folds(TOKYO, usable)]
    assert "2019-05" not in names
    assert len(names) == 59


def test_a_period_without_a_year_to_stop_on_is_refused() -> None:
    sessions = calendar("2013-01-01", "2020-12-31")
    months = sessions.astype("datetime64[M]").astype(str)
    usable = (months < "2018-03") | (months >= "2019-05")  # the year before is enough, the 12 months are not
    chosen = {"first_test_year": 2019, "test_years": 1}
    assert WalkForward(settings=SplitSettings(**chosen), reach=30).folds(sessions, usable)
    with pytest.raises(SplitError, match="no session is left for stopping") as error:
        cadence("monthly", 30, **chosen).folds(sessions, usable)
    assert "2019-05" in str(error.value)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(["quarterly", "monthly"]),
    start=st.integers(0, 300),
    length=st.integers(1200, 2200),
    reach=st.integers(1, 120),
    thin=st.floats(0, 0.9),
    seed=st.integers(0, 1000),
    test_years=st.integers(1, 3),
)
def test_agrees_with_sets_of_sessions(
    name: str, start: int, length: int, reach: int, thin: float, seed: int, test_years: int
) -> None:
    sessions = calendar("2010-01-01", "2020-12-31")[start : start + length]
    rng = np.random.default_rng(seed)
    usable = (rng.random(len(sessions)) >= thin) & (np.arange(len(sessions)) >= rng.integers(0, 300))
    chosen = {"test_years": test_years, "min_train_sessions": 1}
    try:
        folds = cadence(name, reach, **chosen).folds(sessions, usable)
    except SplitError:
        reject()  # hypothesis complains if too few draws fit
    years = WalkForward(settings=SplitSettings(**chosen), reach=reach).folds(sessions, usable)
    tested = [int(t) for fold in folds for t in fold.test]
    assert tested == [int(t) for year in years for t in year.test], "every tested session exactly once"
    for fold in folds:
        assert {period_of(day, name) for day in sessions[fold.test]} == {fold.name}
        first = begin(fold.name)
        year_before = np.datetime64(f"{int(fold.name[:4]) - 1}{str(first)[4:]}")
        before = np.flatnonzero((sessions < year_before) & usable)
        between = np.flatnonzero((sessions >= year_before) & (sessions < first) & usable)
        validation = clear(between, fold.test, reach)
        assert as_list(fold.validation) == validation
        assert as_list(fold.train) == clear(clear(before, validation, reach), fold.test, reach)
        known = max(span(fold.train, reach) | span(fold.validation, reach))
        assert known < fold.test[0], "a label that is learned from is known before the period is scored"
        assert span(fold.train, reach).isdisjoint(span(fold.validation, reach))
