"""The columns of bars, and the two contracts that pandera holds: before validation and after it.

Types and columns are checked by pandera on the way in. The faults themselves are located by polars
expressions (``rules.py``), because pandera's failure cases name neither the file nor its row,
and turn every failing row into JSON. On the way out pandera checks the values again, independently, so that
nothing unsound can pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from gogooku3.errors import DataError

if TYPE_CHECKING:
    from pandera.polars import DataFrameSchema

PRICES = ("open", "high", "low", "close")
REQUIRED: dict[str, type[pl.DataType]] = {
    "date": pl.Date,
    "code": pl.String,
    "open": pl.Float64,
    "high": pl.Float64,
    "low": pl.Float64,
    "close": pl.Float64,
    "volume": pl.Float64,
}
OPTIONAL: dict[str, type[pl.DataType]] = {
    "turnover": pl.Float64,
    "adj_factor": pl.Float64,
    "sector": pl.String,
}
ORIGIN = ("source_file", "source_row")


def check_columns(frame: pl.DataFrame) -> None:
    """Check columns and types of unvalidated bars.

    Raises:
        DataError: A column is missing or has another type.
    """
    import pandera.polars as pa

    columns = {name: pa.Column(dtype, nullable=True) for name, dtype in REQUIRED.items()}
    columns |= {name: pa.Column(dtype, nullable=True, required=False) for name, dtype in OPTIONAL.items()}
    _run(pa.DataFrameSchema(columns), frame.head(0), "the bars do not have the expected columns")


def check_values(frame: pl.DataFrame) -> None:
    """Check that validated bars hold what the market promises.

    Raises:
        DataError: A value that validation should have removed is still there.
    """
    import pandera.polars as pa

    def price(*, nullable: bool) -> pa.Column:
        return pa.Column(pl.Float64, pa.Check.in_range(0, float("inf"), False, False), nullable=nullable)

    def amount() -> pa.Column:
        return pa.Column(
            pl.Float64, pa.Check.in_range(0, float("inf"), True, False), nullable=True, required=False
        )

    columns = {
        "date": pa.Column(pl.Date),
        "code": pa.Column(pl.String),
        "open": price(nullable=True),
        "high": price(nullable=True),
        "low": price(nullable=True),
        "close": price(nullable=False),
        "volume": amount(),
        "turnover": amount(),
    }
    if "adj_factor" in frame.columns:
        columns["adj_factor"] = price(nullable=False)
    _run(pa.DataFrameSchema(columns), frame, "validated bars still hold a fault")


def _run(schema: DataFrameSchema, frame: pl.DataFrame, what: str) -> None:
    from pandera.errors import SchemaErrors

    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        case = error.failure_cases.row(0, named=True)
        raise DataError(
            what,
            where=f"column {case['column'] or case['failure_case']}",
            got=case["failure_case"],
            expected=case["check"],
            remedy="compare the source's columns with the documented ones",
        ) from error
