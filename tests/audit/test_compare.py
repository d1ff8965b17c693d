"""A comparison of bits that says where two runs part first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogooku3.audit.compare import compare
from gogooku3.audit.witness import Sighting

DAYS = np.array(["2020-01-06", "2020-01-07", "2020-01-08"], dtype="datetime64[D]")


def sighting(seed: int = 0, **changes: object) -> Sighting:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(3, 2, 4)).astype(np.float32)
    values[rng.random(values.shape) < 0.2] = np.nan
    made = Sighting(name="x", values=values, sessions=DAYS, codes=("a", "b"), columns=("p", "q", "r", "s"))
    return replace(made, **changes)


def changed(s: Sighting, place: tuple[int, int, int], value: float) -> Sighting:
    values = s.values.copy()
    values[place] = value
    return replace(s, values=values)


@given(st.integers(0, 2), st.integers(0, 1), st.integers(0, 3), st.integers(0, 50))
def test_one_changed_bit_is_found_and_located(day: int, stock: int, column: int, seed: int) -> None:
    before = sighting(seed)
    old = before.values[day, stock, column]
    new = np.nextafter(old, np.float32(9)) if np.isfinite(old) else np.float32(0)
    after = changed(before, (day, stock, column), new)
    assert compare("s", [before], [before], ()).violation is None
    result = compare("s", [before], [after], ())
    found = result.violation
    assert found is not None
    assert (found.stage, found.session, found.stock) == ("s", str(DAYS[day]), "ab"[stock])
    assert found.name.endswith("pqrs"[column])
    assert "1 of 24 values differ" in found.detail
    assert result.values == 24
    digest = compare("s", [after], [after], ()).digest
    assert digest != result.digest


def test_the_sign_of_zero_counts_and_that_of_nan_does_not() -> None:
    zero = changed(sighting(), (0, 0, 0), 0.0)
    assert compare("s", [zero], [changed(zero, (0, 0, 0), -0.0)], ()).violation is not None
    nan = changed(sighting(), (0, 0, 0), np.nan)
    other = changed(nan, (0, 0, 0), -np.nan)
    assert compare("s", [nan], [other], ()).violation is None


def test_a_stock_that_the_rebuild_never_saw_counts_as_missing() -> None:
    before = sighting()
    values = before.values.copy()
    values[:, 1] = np.nan
    without = replace(before, values=before.values[:, :1], codes=("a",))
    empty = replace(before, values=values)
    assert compare("s", [empty], [without], ()).violation is None
    assert compare("s", [without], [empty], ()).violation is None
    found = compare("s", [before], [without], ()).violation
    assert found is not None
    assert found.stock == "b"


def test_the_first_difference_in_time_is_reported() -> None:
    one, two = sighting(name="one"), sighting(1, name="two")
    found = compare(
        "s", [one, two], [changed(one, (2, 0, 0), 5.0), changed(two, (0, 1, 1), 5.0)], ()
    ).violation
    assert found is not None
    assert found.name == "two, q"
    assert found.session == "2020-01-06"


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ([sighting()], [], "nothing"),
        ([sighting()], [sighting(name="y")], "y instead"),
        ([sighting()], [sighting(), sighting(name="z")], "only the rebuild"),
        ([sighting()], [sighting(sessions=DAYS + 1)], "other sessions"),
        ([sighting()], [sighting(columns=("p", "q", "s", "r"))], "other columns"),
        ([sighting()], [sighting(values=sighting().values.astype(np.float64))], "float64"),
    ],
)
def test_what_is_missing_or_of_another_form_differs(
    before: list[Sighting], after: list[Sighting], word: str
) -> None:
    found = compare("s", before, after, ()).violation
    assert found is not None
    assert word in found.detail


def test_only_folds_that_were_not_trained_may_be_missing() -> None:
    plain, fold = sighting(), sighting(name="m", fold="2020")
    assert compare("s", [plain, fold], [plain], {"2019"}).violation is None
    assert compare("s", [plain, fold], [plain], {"2020"}).violation is not None
