"""Rows of a long table laid out as dense grids."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import polars as pl
from jaxtyping import Float32

from gogooku3.axes import BoolLN, FloatLN
from gogooku3.errors import PanelError
from gogooku3.panel.segment import VALUE_LIMIT


class TableGrid:
    """Where each row of a table stands among L sessions and Ns stocks.

    Attributes:
        sessions: datetime64[D] array of shape [L]: the dates of the table.
        codes: Codes of the table, sorted, length Ns.
    """

    def __init__(self, keys: pl.DataFrame) -> None:
        """Lay out the rows of ``keys`` (``date``, ``code``)."""
        dates = keys["date"].to_numpy().astype("datetime64[D]")
        self.sessions, session = np.unique(dates, return_inverse=True)
        self.codes = tuple(keys["code"].unique().sort())
        stock = keys["code"].replace_strict(list(self.codes), range(len(self.codes)), return_dtype=pl.Int64)
        self._place = session * len(self.codes) + stock.to_numpy()

    def check_size(self, features: int) -> None:
        """Raise a PanelError when a dense grid of that many features would be too large for one segment."""
        shape = (len(self.sessions), len(self.codes), features)
        size = math.prod(shape)
        if size >= VALUE_LIMIT:
            raise PanelError(
                "a table is too large for one segment",
                got=f"sessions x stocks x features {shape} = {size:,} values",
                expected=f"fewer than {VALUE_LIMIT:,}",
                remedy="split the table into more segments by date, or name fewer features",
            )

    def flags(self, column: pl.Series | None) -> BoolLN:
        """Return a Boolean (or 0 and 1) column as a grid, False where no row is; None for all True.

        Raises:
            PanelError: A value is null or neither True nor False.
        """
        grid = np.zeros(len(self.sessions) * len(self.codes), dtype=np.bool_)
        if column is None:
            grid[self._place] = True
        elif column.null_count() or not (column.dtype == pl.Boolean or column.is_in([0, 1]).all()):
            raise PanelError(
                "a universe column has other values", where=column.name, expected="True or False"
            )
        else:
            grid[self._place] = column.cast(pl.Boolean).to_numpy()
        return grid.reshape(len(self.sessions), len(self.codes))

    def field(self, column: pl.Series) -> FloatLN:
        """Return a numeric column as a float64 grid [L, Ns], NaN where no row or value is.

        Raises:
            PanelError: A value is infinite.
        """
        grid = np.full(len(self.sessions) * len(self.codes), np.nan)
        grid[self._place] = _finite(column, 64)
        return grid.reshape(len(self.sessions), len(self.codes))

    def floats(self, columns: Sequence[pl.Series]) -> Float32[np.ndarray, "L N K"]:
        """Return K numeric columns as float32 [L, Ns, K], NaN where no row or value is.

        Raises:
            PanelError: A value is infinite or beyond float32.
        """
        grid = np.full((len(self.sessions) * len(self.codes), len(columns)), np.nan, dtype=np.float32)
        for k, column in enumerate(columns):
            grid[self._place, k] = _finite(column, 32)
        return grid.reshape(len(self.sessions), len(self.codes), len(columns))


def _finite(column: pl.Series, bits: int) -> np.ndarray:
    dtype = pl.Float32() if bits == 32 else pl.Float64()
    values = column.cast(dtype)
    infinite = values.is_infinite()
    if infinite.any():
        row = int(infinite.arg_max() or 0)
        raise PanelError(
            f"a value is infinite or beyond {dtype}",
            where=f"column {column.name}, row {row + 1}",
            got=f"{column[row]}; {infinite.sum()} such values",
            expected="finite values or null",
        )
    return values.fill_null(float("nan")).to_numpy()
