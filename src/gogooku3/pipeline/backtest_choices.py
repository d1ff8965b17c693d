"""What is asked of a backtest of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gogooku3.errors import SettingsError
from gogooku3.evaluation.backtest.settings import BacktestSettings
from gogooku3.evaluation.portfolio_settings import PortfolioSettings
from gogooku3.labels.target import Target

_LOTS = {"XTKS": 100}


class BacktestChoices(BaseModel):
    """What to trade and how; what is not chosen is as in the run's default portfolio."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = Field(default=None, description="whose scores; the last of the run's models if None")
    target: str | None = Field(default=None, description="horizon and lag; 5 sessions at lag 1 if None")
    construction: Literal["decile", "top_k", "rank"] = Field(
        default="decile", description="which names, and how much of each"
    )
    k: int | None = Field(default=None, description="names per leg of top_k")
    side: Literal["long_short", "long_only"] | None = Field(
        default=None, description="both legs, or the long one"
    )
    sector_neutral: bool = Field(default=False, description="rank within sectors")
    max_weight: float | None = Field(default=None, description="largest absolute weight of one stock")
    entry: Literal["close", "open"] = Field(default="close", description="price traded at")
    capital: float | None = Field(
        default=None, description="keep an account of shares and cash that begins with this"
    )
    lot: int | None = Field(
        default=None, description="shares of a trading unit of the account; 100 in Tokyo, else 1 if None"
    )
    cost_bps: float | None = Field(default=None, description="cost per traded value, in basis points")
    spread: bool = Field(default=False, description="pay half the spread, estimated from the bars")
    impact: bool = Field(default=False, description="pay square-root impact; needs a capital")
    max_participation: float | None = Field(
        default=None, description="largest share of the average daily turnover; needs a capital"
    )
    borrow_bps: float | None = Field(
        default=None, description="fee per year on the short value, in basis points"
    )
    borrowable: Path | None = Field(default=None, description="table of stocks that can be sold short")
    benchmark: Path | None = Field(default=None, description="table of an index's closes")
    folder: str | None = Field(default=None, description="name of the folder that is written")

    def settings(self, target: Target, portfolio: PortfolioSettings, calendar: str) -> BacktestSettings:
        """Return what is simulated.

        Args:
            target: Its horizon is the holding time.
            portfolio: The run's default portfolio.
            calendar: Code of the exchange calendar, for the usual lot.

        Raises:
            SettingsError: Choices contradict each other.
        """
        alone = self.side == "long_only" or (self.side is None and portfolio.long_only)
        if alone and self.borrowable is not None:
            raise SettingsError(
                "a long-only portfolio borrows nothing",
                got="a borrowable list",
                remedy="leave it out, or choose the side long_short",
            )
        if self.capital is None and self.lot is not None:
            raise SettingsError(
                "lots are of shares", got=f"lot {self.lot} without a capital", remedy="give a capital, too"
            )
        parts = {
            "construction": self._construction(portfolio, "long_only" if alone else "long_short"),
            "schedule": {"holding": target.horizon, "lag": target.lag, "entry": self.entry},
            "fills": {"max_participation": self.max_participation},
            "costs": self._costs(portfolio, alone),
            "account": self._account(calendar),
        }
        try:
            return BacktestSettings.model_validate(parts)
        except ValidationError as error:
            raise _explained(error) from error

    def _construction(self, portfolio: PortfolioSettings, side: str) -> dict[str, Any]:
        buckets = {"quantiles": portfolio.quantiles} if self.construction == "decile" else {}
        return buckets | {
            "kind": self.construction,
            "side": side,
            "k": self.k,
            "min_names": portfolio.min_names,
            "sector_neutral": self.sector_neutral,
            "max_weight": self.max_weight,
        }

    def _costs(self, portfolio: PortfolioSettings, alone: bool) -> dict[str, Any]:
        usual = 0.0 if alone else portfolio.borrow_bps_per_year
        return {
            "bps": portfolio.cost_bps if self.cost_bps is None else self.cost_bps,
            "spread": "edge" if self.spread else "none",
            "impact": "power" if self.impact else "none",
            "borrow_bps_per_year": usual if self.borrow_bps is None else self.borrow_bps,
        }

    def _account(self, calendar: str) -> dict[str, Any]:
        if self.capital is None:
            return {}
        lot = _LOTS.get(calendar, 1) if self.lot is None else self.lot
        return {"books": "cash", "capital": self.capital, "lot": lot}


def _explained(error: ValidationError) -> SettingsError:
    """Return the error that says every fault, in the words of the engine's settings."""
    faults = []
    for fault in error.errors(include_url=False):
        said = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        name = str(fault["loc"][-1]) if len(fault["loc"]) > 1 else ""
        faults.append(f"{name}: got {fault['input']}, expected {said}" if name else said)
    return SettingsError(
        "the options of the backtest do not go together",
        got="; ".join(faults),
        remedy="`gogooku3 backtest --help` says what each option needs",
    )
