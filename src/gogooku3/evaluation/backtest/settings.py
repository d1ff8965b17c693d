"""What is simulated."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gogooku3.evaluation.backtest.account_settings import AccountSettings
from gogooku3.evaluation.backtest.construction_settings import ConstructionSettings
from gogooku3.evaluation.backtest.cost_settings import CostSettings
from gogooku3.evaluation.backtest.fill_settings import FillSettings
from gogooku3.evaluation.backtest.schedule_settings import ScheduleSettings


class BacktestSettings(BaseModel):
    """Construction, schedule, fills, costs and books of a backtest; the default portfolio of the metrics page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    construction: ConstructionSettings = Field(
        default=ConstructionSettings(), description="weights of a session's scores"
    )
    schedule: ScheduleSettings = Field(default=ScheduleSettings(), description="entry and holding")
    fills: FillSettings = Field(default=FillSettings(), description="what can be traded")
    costs: CostSettings = Field(default=CostSettings(), description="what trading costs")
    account: AccountSettings = Field(default=AccountSettings(), description="how the books are kept")

    @model_validator(mode="after")
    def _consistent(self) -> BacktestSettings:
        if self.construction.side == "long_only" and self.costs.borrow_bps_per_year:
            raise ValueError("borrow_bps_per_year has no effect with side = long_only: nothing is borrowed")
        if self.needs_capital and self.account.capital is None:
            raise ValueError("impact and max_participation need a capital to compare with daily turnover")
        if self.account.books == "weights" and self.account.capital is not None and not self.needs_capital:
            raise ValueError(
                "capital has no effect on weights without impact or max_participation; choose books = cash"
            )
        if not self.needs_capital and "window" in self.costs.model_fields_set:
            raise ValueError("window has no effect without impact or max_participation")
        return self

    @property
    def needs_capital(self) -> bool:
        """Whether orders are compared with daily turnover."""
        return self.costs.impact != "none" or self.fills.max_participation is not None
