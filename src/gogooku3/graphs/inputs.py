"""What graphs read of a panel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from gogooku3.axes import BoolDN, FloatDN
from gogooku3.errors import PanelError
from gogooku3.panel.panel import Panel

RETURN, TURNOVER = "link", "turnover"


@dataclass(frozen=True, eq=False, kw_only=True)
class GraphInputs:
    """Some sessions on the panel's stock axis; D is how many.

    Attributes:
        first: Session of the panel that the first row is.
        returns: Log total return from the stock's previous bar, NaN where there is none, [D, N].
        turnover: Value traded, NaN where there is none, [D, N].
        universe: Who can be ranked, [D, N].
        sector: Number of each stock's sector, -1 where it has none, int64 [N].
    """

    first: int
    returns: FloatDN
    turnover: FloatDN
    universe: BoolDN
    sector: Int64[np.ndarray, " N"]

    @classmethod
    def read(cls, panel: Panel, first: int, stop: int) -> GraphInputs:
        """Read sessions [first, stop) of a panel.

        Raises:
            PanelError: The panel keeps no returns.
        """
        if RETURN not in panel.field_names:
            raise PanelError(
                "a graph needs the returns of the stocks, which this panel does not keep",
                got=", ".join(panel.field_names) or "no market field",
                expected=f"the field {RETURN}",
                remedy="build the panel from bars, give the table returns (a column `link`), or leave the graph out: "
                "--set atft.gat_layers=0",
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            returns = np.log(_field(panel, RETURN, first, stop))
        returns[~np.isfinite(returns)] = np.nan
        return cls(
            first=first,
            returns=returns,
            turnover=_field(panel, TURNOVER, first, stop),
            universe=panel.universe[first:stop],
            sector=_sectors(panel),
        )


def _field(panel: Panel, name: str, first: int, stop: int) -> FloatDN:
    """Return a market field of some sessions; one that the panel does not keep is NaN."""
    grid = np.full((stop - first, len(panel.codes)), np.nan)
    if name in panel.field_names:
        for block in panel.blocks(first, stop):
            start = block.first - first
            grid[start : start + len(block.sessions), block.stock] = block.field(name)
    return grid


def _sectors(panel: Panel) -> Int64[np.ndarray, " N"]:
    names = panel.stocks["sector"].fill_null("").to_list()
    number = {name: place for place, name in enumerate(sorted({*names} - {""}))}
    return np.array([number.get(name, -1) for name in names], dtype=np.int64)
