"""How data are fetched from J-Quants; the key is no setting."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

EndpointName = Literal[
    "calendar",
    "listed",
    "bars_daily",
    "topix",
    "indices",
    "statements",
    "margin_interest",
    "short_ratio",
]
_HOST = "api.jquants.com"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class JQuantsSettings(BaseModel):
    """The plan, the store, and how patient the client is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: Literal["free", "light", "standard", "premium"] = Field(
        default="free", description="the plan of your contract: 5, 60, 120 or 500 requests a minute"
    )
    folder: Path = Field(default=Path("data/jquants"), description="folder of the store")
    endpoints: tuple[EndpointName, ...] = Field(
        default=(),
        description="what is fetched; everything that the plan includes if empty. The calendar always is",
    )
    only_stocks: bool = Field(
        default=True,
        description="mark in listing.parquet what is no common stock (ETFs, REITs, preferred shares and the like), "
        "so that bars which are read with it leave that out",
    )
    refetch_sessions: int = Field(
        default=5,
        ge=0,
        description="last sessions of the store that are fetched again and compared, to find corrections",
    )
    least_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="rows of a day, as a share of the median of the 20 stored days before it, below which "
        "the day counts as half a day and is refused",
    )
    timeout: float = Field(
        default=30.0,
        gt=0,
        description="seconds that the server may be silent; an answer may take four times that",
    )
    attempts: int = Field(default=8, ge=1, description="times that one request is made before the fetch ends")
    key_file: Path | None = Field(
        default=None,
        description="file of mode 0600 that holds the key, instead of JQUANTS_API_KEY, "
        "~/.config/gogooku3/jquants.key and the system's keyring",
    )
    base_url: str = Field(
        default="https://api.jquants.com/v2",
        description=f"address of the API; the key is sent there, so https and {_HOST} only, or this computer",
    )

    @field_validator("base_url")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        """Refuse an address that the key would be sent to in the clear, or that is somebody else's."""
        parts = urlsplit(value)
        here = parts.hostname in _LOOPBACK and parts.scheme in {"http", "https"}
        safe = here or (parts.scheme == "https" and parts.hostname == _HOST)
        if not safe or parts.query or parts.fragment or parts.username:
            raise ValueError(f"https://{_HOST}, or this computer, is expected: the key is sent there")
        return value.rstrip("/")

    @property
    def is_local(self) -> bool:
        """Whether the API is on this computer."""
        return urlsplit(self.base_url).hostname in _LOOPBACK
