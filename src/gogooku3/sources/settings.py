"""Which files bars are read from, and how their adjustment is understood."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Adjustment = Literal["auto", "none", "adj_factor", "daily_factor", "adj_close", "adjusted"]


class SourceSettings(BaseModel):
    """Bars from files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bars: Path | None = Field(
        default=None,
        description="a Parquet file, a CSV file (.csv, .csv.gz) or a folder with one such file per stock",
    )
    listing: Path | None = Field(default=None, description="table of code, name and sector")
    delistings: Path | None = Field(
        default=None, description="table of code, last_session and terminal_return"
    )
    statements: Path | None = Field(
        default=None,
        description="financial statements and forecasts, one row a disclosure: a table or a folder of them",
    )
    margin: Path | None = Field(
        default=None, description="margin balances by stock: a table or a folder of them"
    )
    short_selling: Path | None = Field(
        default=None, description="short sales by sector: a table or a folder of them"
    )
    pattern: str = Field(default="*", description="which files of a folder are bars, by name, such as *.csv")
    adjustment: Adjustment = Field(
        default="auto",
        description="which columns adjust prices: auto refuses where two could; none leaves prices as they "
        "are; adj_factor is cumulative, daily_factor applies on one day, adj_close is a total-return close, "
        "adjusted takes the AdjustmentOpen to AdjustmentClose columns as the prices",
    )

    @field_validator("pattern")
    @classmethod
    def _names_only(cls, pattern: str) -> str:
        if not pattern or "/" in pattern or "\\" in pattern or pattern in {".", ".."}:
            raise ValueError(f"pattern {pattern!r} must match names inside the folder: no '/', no '..'")
        return pattern
