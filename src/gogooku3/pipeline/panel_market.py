"""The market that a panel was made from, out of the grids that it keeps."""

from __future__ import annotations

import numpy as np
import polars as pl

from gogooku3.market.endings import find_ends
from gogooku3.market.market import Market
from gogooku3.market.settings import MarketSettings
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.segments import FIELDS, GRIDS


def panel_market(panel: Panel, settings: MarketSettings) -> Market | None:
    """Return the whole market of a panel; None where the panel keeps no prices, as those made of tables do not.

    Args:
        panel: A panel.
        settings: What counts as an end.
    """
    if not set(FIELDS) <= set(panel.field_names):
        return None
    grids = {name: panel.grid(name) for name in GRIDS}
    present = np.isfinite(grids["close"])
    started = np.cumsum(present, axis=0) > 1
    sectors = panel.stocks.get_column("sector").fill_null("").to_list()
    names = tuple(sorted({sector for sector in sectors if sector}))
    index = {sector: number for number, sector in enumerate(names)}
    terminal = panel.stocks["terminal_return"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    return Market(
        calendar=panel.calendar,
        sessions=panel.sessions,
        codes=panel.codes,
        names=tuple(panel.stocks.get_column("name").fill_null("")),
        sector=np.array([index.get(sector, -1) for sector in sectors], dtype=np.int16),
        sector_names=names,
        broken=present & started & ~np.isfinite(panel.grid("link")),
        ends=find_ends(present, terminal, settings),
        **grids,
    )
