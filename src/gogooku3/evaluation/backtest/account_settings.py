"""How the books are kept."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class AccountSettings(BaseModel):
    """Weights of an equity that costs leave alone, or an account in currency that pays them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    books: Literal["weights", "cash"] = Field(
        default="weights",
        description="weights: fractions of a stock, costs lower the net return only; cash: shares and cash, costs "
        "are paid from it",
    )
    capital: float | None = Field(
        default=None,
        gt=0.0,
        description="currency units at the start (cash), or always (weights, for the share of daily turnover)",
    )
    lot: int = Field(
        default=0, ge=0, description="shares of a trading unit, 100 in Tokyo; 0 trades fractions of a share"
    )
    split_from: float = Field(
        default=0.05,
        gt=0.0,
        lt=1.0,
        description="change of the adjustment factor from which it multiplies shares; a smaller one is paid in cash",
    )

    @model_validator(mode="after")
    def _consistent(self) -> AccountSettings:
        if self.books == "cash" and self.capital is None:
            raise ValueError("books = cash needs a capital")
        if self.books == "weights" and self.lot:
            raise ValueError("lots are of shares: lot needs books = cash")
        if self.books == "weights" and "split_from" in self.model_fields_set:
            raise ValueError("split_from is of shares: it needs books = cash")
        return self
