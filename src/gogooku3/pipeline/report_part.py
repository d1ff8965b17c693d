"""What a report shows of a run."""

from __future__ import annotations

from gogooku3.evaluation.report.part import Part
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.references import read_references
from gogooku3.pipeline.report_context import report_basis, report_context


def report_part(judged: Judged, title: str) -> Part:
    """Return a run's evidence with how it came about.

    Args:
        judged: The run's evaluations.
        title: Heading.

    Raises:
        StorageError: There are no predictions.
        SettingsError: The table of references cannot be read.
    """
    references = judged.run.settings.report.references
    return Part(
        title=title,
        evidence=judged.evidence,
        context=report_context(judged.run, judged),
        references=read_references(references) if references else (),
        basis=report_basis(judged),
    )
