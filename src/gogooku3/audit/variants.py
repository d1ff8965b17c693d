"""Bars whose future is another one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from gogooku3.audit.variant_name import VariantName
from gogooku3.market.bars import Bars
from gogooku3.market.schema import PRICES

_ENDING, _ABSENT, _JUMPING, _ANCHORS = 0.15, 0.03, 0.05, 0.05
_JUMPS = (0.5, 2.0, 1.25, 0.8)


def changed(bars: Bars, variant: VariantName, known: date, last: date, rng: np.random.Generator) -> Bars:
    """Return the same bars up to and including ``known``, and something else after it, until ``last``.

    * ``delete``: nothing is there.
    * ``perturb``: prices walk elsewhere, volumes and values traded are drawn anew, adjustment factors jump on other
      days, sectors change where bars date them, some stocks end, some are halted.
    * ``null``: rows are there without prices; a few stocks go on, perturbed, so that the sessions stay.

    Args:
        bars: Bars sorted by date and code.
        variant: What to do.
        known: Last date that stays as it is.
        last: Last date of the changed bars.
        rng: Source of randomness.
    """
    past = bars.frame.filter(pl.col("date") <= known)
    ended = None if bars.delistings is None else bars.delistings.filter(pl.col("last_session") <= known)
    if variant == "delete":
        return replace(bars, frame=past, delistings=ended)
    future = bars.frame.filter((pl.col("date") > known) & (pl.col("date") <= last))
    future, ends = _perturbed(future, rng)
    if variant == "null":
        future, ends = _nulled(future, rng), ends.clear()
    if ended is not None:
        ended = pl.concat([ended, ends.select(ended.columns)]).unique("code", keep="first").sort("code")
    return replace(bars, frame=pl.concat([past, future]), delistings=ended)


def _perturbed(future: pl.DataFrame, rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    codes = future.get_column("code").unique().sort()
    dates = future.get_column("date").unique().sort()
    day = np.searchsorted(dates.to_numpy(), future.get_column("date").to_numpy())
    stock = np.searchsorted(codes.to_numpy(), future.get_column("code").to_numpy())
    shape = (len(dates), len(codes))
    move = np.exp(np.cumsum(rng.normal(0, 0.08, shape), axis=0))[day, stock]
    jump = np.where(rng.random(shape) < _JUMPING, rng.choice(_JUMPS, shape), 1.0)
    jump[0] = rng.choice(_JUMPS, len(codes))
    grids: dict[str, pl.Expr | pl.Series] = {name: pl.col(name) * pl.Series(move) for name in PRICES}
    for name, width in (("volume", 1.5), ("turnover", 1.5)):
        if name in future.columns:
            grids[name] = (pl.col(name) * pl.Series(np.exp(rng.normal(0, width, future.height)))).round()
    if "adj_factor" in future.columns:
        grids["adj_factor"] = pl.col("adj_factor") * pl.Series(np.cumprod(jump, axis=0)[day, stock])
    if "sector" in future.columns:
        grids["sector"] = pl.Series(rng.permutation(future.get_column("sector").to_numpy()), dtype=pl.String)
    last = np.where(rng.random(len(codes)) < _ENDING, rng.integers(0, len(dates), len(codes)), len(dates))
    kept = (day <= last[stock]) & (rng.random(future.height) >= _ABSENT)
    ends = pl.DataFrame(
        {
            "code": codes.filter(pl.Series(last < len(dates))),
            "last_session": dates.gather(last[last < len(dates)]),
            "terminal_return": rng.uniform(-1, 0, int((last < len(dates)).sum())),
        },
        schema={"code": pl.String, "last_session": pl.Date, "terminal_return": pl.Float64},
    )
    return future.with_columns(**grids).filter(pl.Series(kept)), ends


def _nulled(future: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    codes = future.get_column("code").unique().sort().to_numpy()
    anchors = rng.permutation(codes)[: max(2, round(_ANCHORS * len(codes)))].tolist()
    bare = ~pl.col("code").is_in(anchors)
    return future.with_columns(
        pl.when(bare).then(None).otherwise(pl.col(name)).alias(name)
        for name in (*PRICES, "adj_factor")
        if name in future.columns
    )
