"""Where the value of a setting came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Origin:
    """The layer that decided a value, and which file or variable of it.

    Attributes:
        kind: The layer.
        name: Name of the run, the file or of the environment variable; empty for a default and for a flag.
    """

    kind: Literal["default", "run", "file", "environment", "flag"]
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".rstrip()
