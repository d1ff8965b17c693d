"""How a run came about, as tables."""

from __future__ import annotations

import json
from collections.abc import Mapping

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.report.part import ContextSection
from gogooku3.evaluation.report.table import Table


def context_table(name: str, section: ContextSection) -> Table:
    """Return names and values, or rows, as a table of texts.

    Raises:
        EvaluationError: The rows differ in their columns.
    """
    if isinstance(section, Mapping):
        rows = [[str(key), _text(value)] for key, value in section.items()]
        return Table(title=name, note="", columns=["Name", "Value"], rows=rows, text_columns=2)
    columns = list(section[0]) if section else ["nothing"]
    if any(list(row) != columns for row in section):
        raise EvaluationError(
            "the rows of a context table differ in their columns", where=name, expected=columns
        )
    rows = [[_text(row[column]) for column in columns] for row in section]
    return Table(title=name, note="", columns=columns, rows=rows, text_columns=len(columns))


def _text(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
