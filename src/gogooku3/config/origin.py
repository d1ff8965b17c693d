"""Where the value of a setting came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Layer = Literal["default", "file", "environment", "flag"]


@dataclass(frozen=True)
class Origin:
    """The layer that decided a value, and which file or variable of it.

    A value that an earlier step of the run was given keeps the origin it had then.

    Attributes:
        kind: The layer.
        name: Name of the file or of the environment variable; empty for a default and for a flag.
    """

    kind: Layer
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".rstrip()

    @classmethod
    def parse(cls, text: str) -> Origin:
        """Read what ``str`` wrote.

        Raises:
            ValueError: There is no such layer.
        """
        kind, _, name = text.partition(" ")
        for known in get_args(Layer):
            if kind == known:
                return cls(known, name)
        raise ValueError(f"{text!r} is no origin")
