"""The gross return from bar to bar that a table's prices imply."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from gogooku3.axes import FloatLN
from gogooku3.errors import PanelError
from gogooku3.panel.table_columns import PRICE_ROLES
from gogooku3.panel.table_grid import TableGrid


def table_link(frame: pl.DataFrame, roles: Mapping[str, str], grid: TableGrid) -> tuple[FloatLN | None, str]:
    """Return gross returns from a stock's previous price [L, Ns], NaN at its first; and a sentence on them.

    They are the column ``link``, or follow from ``adj_close``, or from ``close``; else there are none.

    Raises:
        PanelError: A price or gross return is not positive.
    """
    role = next((role for role in PRICE_ROLES if role in roles), None)
    if role is None:
        return None, "no link, adj_close or close column: a portfolio cannot be evaluated"
    column = frame[roles[role]]
    if not column.dtype.is_numeric():
        raise PanelError("a price column is not numeric", where=column.name, got=column.dtype)
    values = grid.field(column)
    if (values <= 0).any():
        raise PanelError(
            "a price or gross return is not positive",
            where=f"column {column.name}",
            got=f"{int((values <= 0).sum())} such values",
            remedy="make them null; a gross return is 1 + return",
        )
    if role == "link":
        return values, f"link is the column {column.name}"
    adjusted = "" if role == "adj_close" else " as it stands, adjusted or not"
    return _ratio(values), f"link from {column.name}{adjusted}"


def _ratio(price: FloatLN) -> FloatLN:
    index = np.where(np.isnan(price), -1, np.arange(len(price))[:, None])
    latest = np.maximum.accumulate(index, axis=0)[:-1]
    link = np.full_like(price, np.nan)
    before = np.take_along_axis(price, np.maximum(latest, 0), axis=0)
    link[1:] = price[1:] / np.where(latest >= 0, before, np.nan)
    return link
