from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from gogooku3.errors import SplitError
from gogooku3.splits.settings import SplitSettings
from gogooku3.splits.walk_forward import WalkForward
from tests.splits.oracle import as_list, clear, span


def calendar(first: str, last: str) -> np.ndarray:
    days = np.arange(np.datetime64(first), np.datetime64(last) + 1)
    return days[np.is_busday(days)]


TOKYO = calendar("2013-01-04", "2023-12-29")
ALL = np.ones(len(TOKYO), dtype=np.bool_)


def years_of(sessions: np.ndarray) -> np.ndarray:
    return np.array([int(str(day)[:4]) for day in sessions])


def walk(reach: int = 21, **changes: object) -> WalkForward:
    return WalkForward(settings=SplitSettings(**changes), reach=reach)  # type: ignore[arg-type]


def test_the_protocol_of_tokyo() -> None:
    folds = walk().folds(TOKYO, ALL)
    assert [fold.name for fold in folds] == ["2018", "2019", "2020", "2021", "2022"]
    years = years_of(TOKYO)
    for fold in folds:
        year = int(fold.name)
        assert as_list(fold.test) == as_list(np.flatnonzero(years == year))
        assert set(years[fold.validation]) == {year - 1}
        assert set(years[fold.train]) == set(range(2013, year - 1))
        assert fold.validation[-1] + 21 == fold.test[0] - 1
        assert fold.train[-1] + 21 == fold.validation[0] - 1
        assert not fold.locked


def test_the_locked_year_is_built_only_when_asked() -> None:
    years = years_of(TOKYO)
    (fold,) = walk().folds(TOKYO, ALL, locked=True)
    assert (fold.name, fold.locked, set(years[fold.test])) == ("2023", True, {2023})
    assert all(years[part.test].max() < 2023 for part in walk().folds(TOKYO, ALL))
    assert TOKYO[walk().locked_from(TOKYO)] == np.datetime64("2023-01-02")
    assert walk(locked_years=0).locked_from(TOKYO) == len(TOKYO)
    assert walk(locked_years=0).folds(TOKYO, ALL)[-1].name == "2023"
    with pytest.raises(SplitError, match="no locked year"):
        walk(locked_years=0).folds(TOKYO, ALL, locked=True)
    with pytest.raises(SplitError, match="no locked year"):
        walk(locked_years=10).folds(TOKYO, ALL, locked=True)


def test_the_first_test_year_can_be_named() -> None:
    folds = walk(first_test_year=2016, test_years=2).folds(TOKYO, ALL)
    assert [fold.name for fold in folds] == ["2016", "2017"]
    for bad in (2011, 2014, 2022, 2023, 2030):
        with pytest.raises(SplitError, match="8 test years fit, from 2015"):
            walk(first_test_year=bad, test_years=2, min_train_sessions=200).folds(TOKYO, ALL)


def test_a_short_history_says_how_many_years_fit() -> None:
    sessions = calendar("2015-01-01", "2020-12-31")
    usable = np.arange(len(sessions)) >= 260  # a year of warm-up
    with pytest.raises(SplitError, match="1 test years fit, from 2019") as error:
        walk(test_years=3, min_train_sessions=300).folds(sessions, usable)
    assert "2017: 0, 2018: 241, 2019: 501" in str(error.value)
    # 2015 to 2017 hold 782 weekdays; 260 are warm-up and 21 run into the validation year
    (fold,) = walk(test_years=1, min_train_sessions=300).folds(sessions, usable)
    assert (fold.name, int(fold.train[0]), fold.train.size) == ("2019", 260, 501)
    with pytest.raises(SplitError, match="no test year fits"):
        walk(test_years=1, min_train_sessions=502).folds(sessions, usable)
    with pytest.raises(SplitError, match="no test year fits"):
        walk().folds(sessions[:200], usable[:200])
    with pytest.raises(SplitError, match="no test year fits"):
        walk().folds(sessions[:0], usable[:0])


def test_a_validation_year_too_short_for_the_label_is_refused() -> None:
    sessions = calendar("2015-01-01", "2020-12-31")
    usable = years_of(sessions) != 2018
    with pytest.raises(SplitError, match="no session is left for stopping"):
        walk(first_test_year=2019, test_years=1).folds(sessions, usable)


@settings(max_examples=60, deadline=None)
@given(
    start=st.integers(0, 300),
    length=st.integers(1200, 2200),
    reach=st.integers(1, 150),
    thin=st.floats(0, 0.9),
    seed=st.integers(0, 1000),
    test_years=st.integers(1, 3),
)
def test_nothing_overlaps_and_nothing_is_dropped_needlessly(
    start: int, length: int, reach: int, thin: float, seed: int, test_years: int
) -> None:
    sessions = calendar("2010-01-01", "2020-12-31")[start : start + length]
    rng = np.random.default_rng(seed)
    usable = (rng.random(len(sessions)) >= thin) & (np.arange(len(sessions)) >= rng.integers(0, 300))
    years = years_of(sessions)
    try:
        folds = walk(reach, test_years=test_years, min_train_sessions=1).folds(sessions, usable)
    except SplitError:
        reject()  # hypothesis complains if too few draws fit
    assert [int(fold.name) for fold in folds] == list(range(years[-1] - test_years, years[-1]))
    for fold in folds:
        year = int(fold.name)
        test = np.flatnonzero((years == year) & usable)
        validation = clear(np.flatnonzero((years == year - 1) & usable), test, reach)
        before = np.flatnonzero((years < year - 1) & usable)
        train = clear(clear(before, validation, reach), test, reach)
        assert as_list(fold.test) == as_list(test)
        assert as_list(fold.validation) == validation
        assert as_list(fold.train) == train
        spans = [span(part, reach) for part in (fold.train, fold.validation, fold.test)]
        assert spans[0].isdisjoint(spans[1])
        assert spans[0].isdisjoint(spans[2])
        assert spans[1].isdisjoint(spans[2])


def test_an_explicit_locked_year_does_not_move_when_bars_are_added() -> None:
    longer = calendar("2013-01-04", "2024-01-05")
    usable = np.ones(len(longer), dtype=np.bool_)
    moved = [fold.name for fold in walk().folds(longer, usable)]
    assert moved == ["2019", "2020", "2021", "2022", "2023"], "without it, the first bar of 2024 opens 2023"
    kept = walk(first_locked_year=2023)
    assert [fold.name for fold in kept.folds(longer, usable)] == ["2018", "2019", "2020", "2021", "2022"]
    assert [fold.name for fold in kept.folds(longer, usable, locked=True)] == ["2023", "2024"]
    assert longer[kept.locked_from(longer)] == np.datetime64("2023-01-02")
