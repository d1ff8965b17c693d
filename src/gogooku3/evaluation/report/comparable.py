"""Whether the figures of several runs may be set against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gogooku3.evaluation.report.part import Part
from gogooku3.evaluation.report.table import Table


def differences(parts: Sequence[Part]) -> Table | None:
    """Return what differs between runs and makes their figures incomparable; None where nothing does.

    Runs are comparable if they were tested on the same sessions and targets, judged in the same way, and agree in
    all that each gives as its ``basis``. Something that only some of them give counts as a difference.
    """
    found = [_basis(part) for part in parts]
    keys = list(dict.fromkeys(key for basis in found for key in basis))
    rows = [[key, *(basis.get(key, "not known") for basis in found)] for key in keys]
    rows = [row for row in rows if len(set(row[1:])) > 1]
    if not rows:
        return None
    return Table(
        title="What differs between the runs",
        note="A figure of one run says nothing about another that was measured on something else.",
        columns=["What", *(part.title for part in parts)],
        rows=rows,
        text_columns=1 + len(parts),
    )


def comparability(differing: Table | None) -> str:
    """Return in words what ``differences`` found."""
    if differing is None:
        return (
            "The runs were tested on the same data, folds and sessions and judged in the same way. They stand side "
            "by side and are not ranked here: `gogooku3 compare` tests their differences."
        )
    return (
        "The runs are not comparable: their figures stand side by side to be read, each for itself, and none of them "
        "ranks one run above another."
    )


def _basis(part: Part) -> dict[str, str]:
    evaluation = part.evidence.evaluation
    days = evaluation.sessions
    judged = dict(_flat(evaluation.settings.model_dump(mode="json")))
    return {
        "sessions tested": f"{days[0]} to {days[-1]}, {len(days)} sessions",
        "targets": ", ".join(map(str, evaluation.targets)),
        **{f"judged by {key}": str(value) for key, value in judged.items()},
        **part.basis,
    }


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
