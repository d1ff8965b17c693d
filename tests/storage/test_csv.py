"""No cell that the product writes is run by a spreadsheet; everything else comes back as it was."""

from __future__ import annotations

import csv
import io
import re
import tempfile
import unicodedata
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gogooku3.errors import StorageError
from gogooku3.storage.csv import write_csv

ROOT = Path(__file__).resolve().parents[2]
STARTERS = "=+-@\t\r\n" + "\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
CELLS = st.one_of(
    st.text(),
    st.builds(str.__add__, st.text(" \t\r\n\u3000\ufeff", max_size=2), st.sampled_from(STARTERS)),
    st.builds(str.__add__, st.sampled_from(STARTERS), st.text()),
    st.builds(str, st.floats(allow_nan=False, allow_infinity=False)),
)


def written(frame: pl.DataFrame) -> list[list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        write_csv(frame, path)
        text = path.read_bytes().decode("utf-8")
    return list(csv.reader(io.StringIO(text, newline="")))


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii() and not re.search(r"[a-df-z_\s]", cell, re.IGNORECASE)


def would_run(cell: str) -> bool:
    """The same rule in other words: by compatibility form, and by what Python calls a number."""
    if is_number(cell):
        return False
    seen = (mark for mark in cell if not mark.isspace() and unicodedata.category(mark) not in {"Cc", "Cf"})
    return cell[:1] in {"\t", "\r", "\n"} or next(seen, "a") in STARTERS


@given(cell=CELLS)
@example(cell='=HYPERLINK("http://x")')
@example(cell="-5")
@example(cell="-5+cmd|' /C calc'!A0")
@example(cell="a\r=1+1")
@example(cell=" =1+1")
@example(cell="'=1")
@example(cell="-\u0663")  # a digit, but of no plain number
def test_a_cell_and_a_name_never_run_and_safe_text_is_unchanged(cell: str) -> None:
    kept = [["'" + cell if would_run(cell) else cell]]
    assert written(pl.DataFrame({"x": [cell], "y": ["safe"]}))[1:] == [[*kept[0], "safe"]]
    ((name, other),) = written(pl.DataFrame({cell: ["x"], "other column": ["y"]}).clear())
    assert (name, other) == (kept[0][0], "other column")
    assert is_number(name) or name[:1] not in {*STARTERS}


def test_numbers_dates_and_gaps_are_left_alone() -> None:
    frame = pl.DataFrame(
        {"a": [-1.5, None], "b": ["-1.5e-3", None], "c": ["+.5", ""]},
    ).with_columns(d=pl.lit("2024-01-05").str.to_date())
    assert written(frame) == [
        ["a", "b", "c", "d"],
        ["-1.5", "-1.5e-3", "+.5", "2024-01-05"],
        ["", "", "", "2024-01-05"],
    ]


def test_categories_are_text_too() -> None:
    frame = pl.DataFrame({"x": ["=1", "b"]}).with_columns(
        y=pl.col("x").cast(pl.Categorical), z=pl.col("x").cast(pl.Enum(["=1", "b"]))
    )
    assert written(frame)[1] == ["'=1"] * 3


def test_a_name_and_its_quoted_form_may_stand_side_by_side() -> None:
    assert written(pl.DataFrame({"=a": [1], "'=a": [2]})) == [["'=a", "'=a"], ["1", "2"]]


def test_nothing_at_all_is_an_empty_file() -> None:
    assert written(pl.DataFrame()) == []


def test_an_older_file_stays_when_a_write_fails(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_csv(pl.DataFrame({"a": [1]}), path)
    with pytest.raises(pl.exceptions.ComputeError):
        write_csv(pl.DataFrame({"a": [[1]]}), path)  # a list is no cell
    assert path.read_text() == "a\n1\n"
    assert [file.name for file in tmp_path.iterdir()] == ["t.csv"]
    with pytest.raises(StorageError, match="cannot be written"):
        write_csv(pl.DataFrame({"a": [1]}), path / "below")


def test_nothing_else_writes_csv() -> None:
    pattern = re.compile(r"\.(write|sink|to)_csv\(|csv\.(Dict)?[wW]riter\(")
    found = [
        str(path.relative_to(ROOT))
        for folder in ("src", "scripts")
        for path in (ROOT / folder).rglob("*.py")
        if pattern.search(path.read_text(encoding="utf-8"))
    ]
    assert found == ["src/gogooku3/storage/csv.py"]
