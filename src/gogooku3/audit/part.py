"""One finished piece of an audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gogooku3.audit.violation import Violation


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a rebuild or a check found.

    Attributes:
        name: Unique name, such as ``delete after 2020-03-04``.
        facts: What was looked at, as JSON: numbers of values, digests, bounds.
        violations: What must not be; empty if all is well.
        seconds: How long it took.
    """

    name: str
    facts: Mapping[str, Any]
    violations: Sequence[Violation] = ()
    seconds: float = field(default=0.0)

    @property
    def verdict(self) -> str:
        """``pass`` or ``fail``."""
        return "fail" if self.violations else "pass"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "facts": dict(self.facts),
            "violations": [violation.to_json() for violation in self.violations],
            "seconds": self.seconds,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Part:
        """Read what ``to_json`` wrote."""
        return cls(
            name=value["name"],
            facts=value["facts"],
            violations=tuple(Violation(**one) for one in value["violations"]),
            seconds=value["seconds"],
        )
