"""A report as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gogooku3.evaluation.anatomy.anatomy_to_dict import anatomy_to_dict
from gogooku3.evaluation.drift.drift_to_dict import drift_to_dict
from gogooku3.evaluation.many_tries.tries_to_dict import tries_to_dict
from gogooku3.evaluation.report.comparable import comparability, differences
from gogooku3.evaluation.report.part import Part
from gogooku3.evaluation.report.side_by_side_table import side_by_side_table
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.trading.trading_to_dict import trading_to_dict


def part_to_dict(part: Part) -> dict[str, Any]:
    """Return all that is on a run's page as data for JSON; what does not exist is None.

    The evaluation's content is as `Evaluation.to_dict` has it; the leak alarm is the page's, which knows the
    attainable RankIC. Daily series are not repeated here.
    """
    evidence, leaks = part.evidence, part.leaks
    return {
        "title": part.title,
        "verdict": [{"text": one.text, "warning": one.warning} for one in part.sentences],
        "leak_alarm": {
            "headline": leaks.headline,
            "explanation": leaks.explanation,
            "alarms": [{"text": alarm.text, "causes": list(alarm.causes)} for alarm in leaks.alarms],
        },
        "evaluation": evidence.evaluation.to_dict(),
        "anatomies": [anatomy_to_dict(one) for one in evidence.anatomies],
        "tradings": [trading_to_dict(one) for one in evidence.tradings],
        "tries": tries_to_dict(evidence.tries) if evidence.tries is not None else None,
        "drift": drift_to_dict(evidence.drift) if evidence.drift is not None else None,
        "attainable": {str(target): _plain(value) for target, value in part.known.items()},
        "references": [
            {
                "name": one.name,
                "model": one.model,
                "target": str(one.target),
                "rank_ic": one.rank_ic,
                "note": one.note,
            }
            for one in part.references
        ],
        "context": {name: _plain(section) for name, section in part.context.items()},
    }


def parts_to_dict(parts: Sequence[Part], *, title: str) -> dict[str, Any]:
    """Return several runs side by side and each of them, as data for JSON."""
    differing = differences(parts)
    return {
        "title": title,
        "comparable": differing is None,
        "comparability": comparability(differing),
        "differences": _rows(differing) if differing is not None else [],
        "side_by_side": _rows(side_by_side_table(parts)),
        "runs": [part_to_dict(part) for part in parts],
    }


def _rows(table: Table) -> list[dict[str, str]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _plain(value: Any) -> Any:
    """Return what JSON has, and the text of everything else."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
