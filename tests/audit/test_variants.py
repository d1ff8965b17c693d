"""Another future, the same past, and bars that a pipeline can still be run on."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from gogooku3.audit.base import Base
from gogooku3.audit.variants import changed
from gogooku3.market.assemble import assemble
from gogooku3.market.bars import Bars
from gogooku3.market.faults import Fault
from gogooku3.market.settings import MarketSettings

KNOWN, LAST = date(2024, 1, 17), date(2024, 3, 15)
LENIENT = MarketSettings(policies=dict.fromkeys(Fault, "quarantine"))


def made(base: Base, variant: str, seed: int = 0) -> Bars:
    return changed(base.material.bars, variant, KNOWN, LAST, np.random.default_rng(seed))


def late(bars: Bars) -> pl.DataFrame:
    return bars.frame.filter(pl.col("date") > KNOWN)


@pytest.mark.parametrize("variant", ["delete", "perturb", "null"])
@pytest.mark.parametrize("seed", range(5))
def test_the_past_stays_and_the_market_lives(base: Base, variant: str, seed: int) -> None:
    bars, true = made(base, variant, seed), base.material.bars
    early = pl.col("date") <= KNOWN
    assert bars.frame.filter(early).equals(true.frame.filter(early))
    assert bars.frame.columns == true.frame.columns
    assert bars.frame["date"].max() <= LAST
    market, _ = assemble(bars, LENIENT)
    assert market.sessions[-1] == np.datetime64(KNOWN if variant == "delete" else LAST)
    assert market.present[-1].any()
    before, _ = assemble(true, LENIENT)
    rows = int(np.searchsorted(before.sessions, np.datetime64(KNOWN))) + 1
    place = [before.codes.index(code) for code in market.codes]
    np.testing.assert_array_equal(market.present[:rows], before.present[:rows, place])


def test_nothing_is_left_or_almost_everything_is_another(base: Base) -> None:
    assert late(made(base, "delete")).is_empty()
    both = late(made(base, "perturb")).join(base.material.bars.frame, on=["date", "code"], suffix="_true")
    for name in ("open", "close", "volume", "adj_factor"):
        same = (both[name] == both[f"{name}_true"]).mean()
        assert same < 0.15, name
    assert not both["sector"].equals(both["sector_true"])
    bare = late(made(base, "null"))
    assert 0.9 < bare["close"].is_null().mean() < 1
    assert bare.filter(pl.col("close").is_null())["code"].n_unique() > 30
    assert bare["date"].n_unique() == both["date"].n_unique()


def test_perturbed_stocks_end_halt_and_split_otherwise(base: Base) -> None:
    bars, true = made(base, "perturb"), base.material.bars
    assert bars.delistings is not None
    assert true.delistings is not None
    early = pl.col("last_session") <= KNOWN
    assert bars.delistings.filter(early).equals(true.delistings.filter(early))
    ends = bars.delistings.filter(~early)
    assert ends.height > 2
    for code, last in ends.select("code", "last_session").iter_rows():
        assert late(bars).filter(pl.col("code") == code)["date"].max() in {None, last} or (
            late(bars).filter(pl.col("code") == code)["date"].max() <= last
        )
    first = late(bars).sort("date").group_by("code", maintain_order=True).first().sort("code")
    own = true.frame.join(first.select("date", "code"), on=["date", "code"]).sort("code")
    assert (first["adj_factor"] != own["adj_factor"]).mean() > 0.9


def test_the_same_seed_gives_the_same_future(base: Base) -> None:
    assert made(base, "perturb", 3).frame.equals(made(base, "perturb", 3).frame)
    assert not made(base, "perturb", 3).frame.equals(made(base, "perturb", 4).frame)
