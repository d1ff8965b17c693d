"""Settings by name."""

from __future__ import annotations

from typing import Literal

from gogooku3.evaluation.backtest.account_settings import AccountSettings
from gogooku3.evaluation.backtest.construction_settings import ConstructionSettings
from gogooku3.evaluation.backtest.cost_settings import CostSettings
from gogooku3.evaluation.backtest.fill_settings import FillSettings
from gogooku3.evaluation.backtest.schedule_settings import ScheduleSettings
from gogooku3.evaluation.backtest.settings import BacktestSettings

LENDING_FEE_BPS = 115.0


def tokyo_account(
    capital: float,
    *,
    holding: int = 5,
    side: Literal["long_short", "long_only"] = "long_short",
    lag: int = 1,
    lot: int = 100,
    borrow_bps_per_year: float = LENDING_FEE_BPS,
    construction: ConstructionSettings | None = None,
) -> BacktestSettings:
    """Return an account of lots of 100 shares that pays commission, spread, impact and, for shorts, borrowing.

    It enters at the next open and takes at most a tenth of the average daily turnover. The commission of 1 bp and
    the lending fee of 115 bps a year are assumptions to be replaced by one's own terms.

    Args:
        capital: Yen at the start.
        holding: Sessions a tranche is held.
        side: Both legs, or the long one.
        lag: Sessions between the score and the opening traded at, at least 1.
        lot: Shares of a trading unit.
        borrow_bps_per_year: Lending fee; without a short leg it is not charged.
        construction: Instead of deciles; it says the side itself.
    """
    chosen = ConstructionSettings(side=side) if construction is None else construction
    fee = borrow_bps_per_year if chosen.side == "long_short" else 0.0
    return BacktestSettings(
        construction=chosen,
        schedule=ScheduleSettings(holding=holding, lag=lag, entry="open"),
        fills=FillSettings(max_participation=0.1),
        costs=CostSettings(bps=1.0, spread="edge", impact="power", borrow_bps_per_year=fee),
        account=AccountSettings(books="cash", capital=capital, lot=lot),
    )
