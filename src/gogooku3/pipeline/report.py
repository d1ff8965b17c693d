"""The run's evidence as one page, as Markdown and as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gogooku3.evaluation.report.causality_table import causality_table
from gogooku3.evaluation.report.html import render_parts
from gogooku3.evaluation.report.markdown import part_to_markdown
from gogooku3.evaluation.report.plain import part_to_dict
from gogooku3.evaluation.report.table import escaped
from gogooku3.pipeline.certified import read_certificate
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.lineage import code_digest
from gogooku3.pipeline.report_part import report_part
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.stage import StageRecord, run_stage
from gogooku3.storage.atomic import write_json, write_text
from gogooku3.storage.hashing import digest_file, digest_json

FILES = ("report.html", "report.md", "report.json")
_CODE = ("pipeline.report",)


def report(run: Run, judged: Judged | None = None) -> StageRecord:
    """Write ``report.html``, self-contained, ``report.md`` and ``report.json``.

    Args:
        run: An evaluated run.
        judged: Its evaluations, if they are at hand; computed again otherwise.

    Raises:
        StorageError: There are no predictions.
        SettingsError: The table of references cannot be read.
    """
    settings = run.settings
    judged = judged if judged is not None else Judged(run)
    inputs = {
        "panel": judged.panel.content_hash,
        "predictions": digest_file(judged.predictions_path),
        "settings": [list(row) for row in run.resolved.rows()],
        "references": digest_file(settings.report.references) if settings.report.references else None,
        "code": code_digest(_CODE),
        "certificate": digest_json(read_certificate(run)),
    }

    def work() -> Sequence[Mapping[str, Any]]:
        title = settings.report.title or f"gogooku3: {settings.run.name}"
        part = report_part(judged, title)
        page, text, data = map(run.path, FILES)
        write_text(page, render_parts([part], title=title))
        write_text(text, f"# {escaped(title)}\n\n{part_to_markdown(part)}{_certificate(run)}")
        write_json(data, part_to_dict(part))
        return []

    return run_stage(run, "report", inputs, FILES, work)


def _certificate(run: Run) -> str:
    found = read_certificate(run)
    return "" if found is None else f"\n{causality_table(found).to_markdown()}"
