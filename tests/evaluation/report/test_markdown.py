"""Tables for a page of results."""

from __future__ import annotations

from gogooku3.evaluation.report.markdown import to_markdown
from gogooku3.evaluation.report.reference import Reference
from gogooku3.evaluation.report.table import Table
from gogooku3.labels.target import Target


def test_every_row_has_the_columns_of_its_heading(evaluation):
    text = to_markdown(
        evaluation,
        references=[
            Reference(name="a|b", model="ridge", target=Target(5, 1), rank_ic=0.01, note="Simulated.")
        ],
    )
    widths = None
    for line in text.splitlines():
        if not line.startswith("|"):
            widths = None
            continue
        width = line.replace("\\|", "").count("|")
        assert widths in (None, width)
        widths = width
    assert text.count("\n### ") == 8
    result = evaluation.find("lightgbm", Target(5, 1)).whole
    assert f"| 5 | 1 | lightgbm | **{result.rank_ic.mean:.3f}** |" in text
    assert "a\\|b" in text


def test_cells_cannot_break_the_table():
    table = Table(
        title="t", note="n", columns=["a", "b"], rows=[["x|y\nz", "<b>&"]], text_columns=1, text_tail=False
    )
    assert table.to_markdown().splitlines()[-2:] == ["| --- | ---: |", "| x\\|y z | &lt;b>&amp; |"]
