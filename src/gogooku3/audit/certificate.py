"""What an audit ends in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gogooku3.audit.part import Part
from gogooku3.audit.violation import Violation

FORMAT = "gogooku3-causality"


@dataclass(frozen=True, eq=False, kw_only=True)
class Certificate:
    """All that was looked at, from what, and every violation found.

    Attributes:
        path: Where it is written.
        subject: What was audited: bars, code, settings, seeds, sampled stocks and sessions, each with its hash.
        parts: Rebuilds and checks, in order.
    """

    path: Path
    subject: Mapping[str, Any]
    parts: Sequence[Part]

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Every violation, in the order in which it was found."""
        return tuple(violation for part in self.parts for violation in part.violations)

    @property
    def verdict(self) -> str:
        """``pass`` or ``fail``."""
        return "fail" if self.violations else "pass"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "format": FORMAT,
            "version": 1,
            "verdict": self.verdict,
            **self.subject,
            "seconds": round(sum(part.seconds for part in self.parts), 3),
            "violations": [violation.to_json() for violation in self.violations],
            "parts": [part.to_json() for part in self.parts],
        }
