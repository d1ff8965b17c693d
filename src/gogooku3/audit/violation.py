"""A difference that must not be."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Violation:
    """Where the pipeline was seen to know the future.

    Attributes:
        stage: Stage or check that saw it.
        name: What differs: a feature, a label, a model file.
        detail: What was found.
        session: First session concerned; None where there is none.
        stock: First stock concerned; None where there is none.
        cause: What had been changed, such as ``delete after 2020-03-04``; empty where nothing was.
    """

    stage: str
    name: str
    detail: str
    session: str | None = None
    stock: str | None = None
    cause: str = ""

    def __str__(self) -> str:
        stock = f"stock {self.stock}" if self.stock else None
        where = ", ".join(part for part in (self.session, stock, self.cause) if part)
        return f"{self.stage}: {self.name}{f' ({where})' if where else ''}: {self.detail}"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)
