"""What the user can choose about a market."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from gogooku3.market.faults import REFUSED_BY_DEFAULT, Fault, Policy


class MarketSettings(BaseModel):
    """How bars become a market: its calendar, and what is done about faults, jumps and ends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calendar: str = Field(
        default="XTKS", description="exchange_calendars code: XTKS Tokyo, XNYS New York and NASDAQ"
    )
    calendar_tolerance: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="share of dates (beyond five) that may be no session before the calendar is doubted",
    )
    on_fault: Policy = Field(
        default="quarantine",
        description="refuse: any fault ends the run; quarantine: faulty rows or cells are set aside",
    )
    policies: Mapping[Fault, Policy] = Field(
        default_factory=dict,
        description="policy of single fault classes; future_date, outside_calendar and duplicate_conflicting "
        "are refused unless named here",
    )
    price_tolerance: float = Field(
        default=1e-4,
        ge=0,
        lt=0.1,
        description="relative slack of low <= open, close <= high, for float32 rounding",
    )
    jump_limit: float = Field(
        default=4.0,
        gt=1,
        description="a total return over one bar beyond this ratio, or its inverse, breaks the link",
    )
    suspicious_return: float = Field(
        default=0.5, gt=0, lt=1, description="absolute total return over one bar from which a jump is listed"
    )
    delisting_return: float = Field(
        default=0.0,
        ge=-1,
        description="return from the last close of a stock that ended without a known terminal return; 0 "
        "holds it at its last close, -0.3 is the pessimistic choice (Shumway 1997, performance delistings)",
    )
    ended_after: int = Field(
        default=20,
        ge=1,
        description="sessions without a bar after which a stock counts as ended, whether or not it comes back "
        "later; labels are known only then, so folds are purged by as much",
    )
    examples: int = Field(default=5, ge=1, description="examples kept per fault class")

    def policy(self, fault: Fault) -> Policy:
        """Return what is done about a class of fault."""
        default: Policy = "refuse" if fault in REFUSED_BY_DEFAULT else self.on_fault
        return self.policies.get(fault, default)
