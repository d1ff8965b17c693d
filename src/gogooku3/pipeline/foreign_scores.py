"""Scores of any other tool, as they lie in a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from gogooku3.errors import DataError
from gogooku3.labels.target import Target
from gogooku3.sources.aliases import BARS, match, require
from gogooku3.sources.cells import as_date, as_number, as_text, unparsed
from gogooku3.sources.tables import column_names, read_table
from gogooku3.storage.hashing import digest_file

_NAME = re.compile(r"(?P<model>.+)_(?P<target>h\d+_d\d+)(?:_seed(?P<seed>\d+))?")
_KEYS: dict[str, tuple[str, ...]] = {name: BARS[name] for name in ("date", "code")}
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class ScoreColumn:
    """A column of scores.

    Attributes:
        name: Its name in the file.
        model: What it is called in the evaluation.
        target: The target it is for; None for all.
        seed: Number of a member whose model has a column of its own; None for a model's score.
    """

    name: str
    model: str
    target: Target | None
    seed: int | None


@dataclass(frozen=True, eq=False, kw_only=True)
class ForeignScores:
    """Checked scores.

    Attributes:
        path: The file.
        digest: SHA-256 of its bytes.
        frame: ``date`` (Date), ``code`` (String) and a Float64 column per score, null where there is none; one row a
            (date, code), in the order of the file.
        columns: The columns of scores.
        left_out: Columns that hold no numbers or were not asked for.
    """

    path: Path
    digest: str
    frame: pl.DataFrame
    columns: tuple[ScoreColumn, ...]
    left_out: tuple[str, ...]


def read_scores(path: Path, wanted: Sequence[str] = ()) -> ForeignScores:
    """Read a Parquet or CSV file of a date, a code and scores.

    Without ``wanted`` every column of numbers beside date and code is a score. A name that ends in a target, such as
    ``mymodel_h5_d1``, is for that target alone, others for all; ``mymodel_h5_d1_seed0`` is a member of
    ``mymodel_h5_d1`` where that column is there.

    Args:
        path: The file.
        wanted: Names of the columns to judge; all columns of numbers if empty.

    Raises:
        DataError: It is no table, lacks a column, names a stock-day twice, or holds a cell that is no date, no code,
            no number or infinite.
    """
    where = str(path)
    names = column_names(path)
    found = match(names, _KEYS, where)
    require(found, list(_KEYS), names, _KEYS, where)
    others = [name for name in names if name not in found.values()]
    absent = [name for name in wanted if name not in others]
    if absent:
        raise DataError(
            "a column of scores is missing", where=where, got=", ".join(absent), expected=", ".join(others)
        )
    raw = read_table(path)
    dates = as_date(raw.get_column(found["date"]), where)
    codes = as_text(raw.get_column(found["code"]), where)
    _refuse_blank(dates, raw.get_column(found["date"]), where, "a date such as 2024-01-31 or 20240131")
    _refuse_blank(codes.replace("", None), raw.get_column(found["code"]), where, "a code")
    columns: dict[str, pl.Series] = {}
    for name in wanted or others:
        values = _numbers(raw.get_column(name), where, demanded=bool(wanted))
        if values is not None:
            columns[name] = values
    if not columns:
        raise DataError(
            "there are no scores", where=where, got=", ".join(names), expected="a column of numbers"
        )
    frame = pl.DataFrame({"date": dates, "code": codes, **columns})
    _refuse_doubled(frame, where)
    return ForeignScores(
        path=path,
        digest=digest_file(path),
        frame=frame,
        columns=_understood(list(columns)),
        left_out=tuple(name for name in others if name not in columns),
    )


def _understood(names: Sequence[str]) -> tuple[ScoreColumn, ...]:
    columns = []
    for name in names:
        parts = _NAME.fullmatch(name)
        if parts is None:
            columns.append(ScoreColumn(name=name, model=name, target=None, seed=None))
            continue
        target, model, seed = Target.parse(parts["target"]), parts["model"], parts["seed"]
        if seed is not None and f"{model}_{target}" not in names:
            model, seed = f"{model}_seed{seed}", None
        columns.append(
            ScoreColumn(name=name, model=model, target=target, seed=None if seed is None else int(seed))
        )
    return tuple(columns)


def _numbers(cells: pl.Series, where: str, *, demanded: bool) -> pl.Series | None:
    """Return Float64, NaN as null; None for a column without any number that was not asked for."""
    textual = isinstance(cells.dtype, pl.String | pl.Categorical | pl.Enum)
    if not (textual or cells.dtype.is_numeric() or cells.dtype == pl.Null):
        if demanded:
            as_number(cells, where)  # says what is wrong
        return None
    values = as_number(cells, where)
    lost = unparsed(cells, values, cells.name)
    if lost.height and (demanded or values.count()):
        row, column, text = lost.row(0)
        raise DataError(
            "a score is no number",
            where=f"{where}, row {row}, column {column}",
            got=text,
            expected="a number, or an empty cell where there is no score",
        )
    if values.count() == 0:
        return None
    infinite = values.is_infinite().fill_null(value=False)
    if infinite.any():
        raise DataError(
            "scores are infinite",
            where=f"{where}, row {infinite.arg_true()[0] + 1}, column {cells.name}",
            got=f"{infinite.sum():,} rows",
            expected="finite numbers, or empty cells where there is no score",
        )
    return values.fill_nan(None)


def _refuse_blank(values: pl.Series, raw: pl.Series, where: str, expected: str) -> None:
    lost = values.is_null().arg_true()
    if len(lost):
        raise DataError(
            "a row has no readable date or code",
            where=f"{where}, row {lost[0] + 1}, column {raw.name}",
            got=f"{raw[lost[0]]!r}, and so on in {len(lost):,} rows",
            expected=expected,
        )


def _refuse_doubled(frame: pl.DataFrame, where: str) -> None:
    doubled = frame.select("date", "code").is_duplicated()
    if doubled.any():
        some = frame.filter(doubled).select("date", "code").unique(maintain_order=True).head(_SHOWN)
        raise DataError(
            "a stock-day is scored twice",
            where=where,
            got=f"{doubled.sum():,} rows, such as {', '.join(f'{day} {code}' for day, code in some.rows())}",
            expected="one row per date and code",
        )
