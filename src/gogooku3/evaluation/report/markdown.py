"""Evidence as Markdown: the verdict, the leak alarm, then tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.leak_alarm import LeakCheck
from gogooku3.evaluation.report.comparable import comparability, differences
from gogooku3.evaluation.report.part import Part, as_evidence
from gogooku3.evaluation.report.reference import Reference
from gogooku3.evaluation.report.sections import sections
from gogooku3.evaluation.report.sentence import Sentence
from gogooku3.evaluation.report.side_by_side_table import side_by_side_table
from gogooku3.evaluation.report.table import escaped
from gogooku3.labels.target import Target


def to_markdown(
    measured: Evidence | Evaluation,
    *,
    references: Sequence[Reference] = (),
    attainable: Mapping[Target, float] | None = None,
) -> str:
    """Return the verdict, the leak alarm and the report's tables."""
    part = Part(title="", evidence=as_evidence(measured), references=references, attainable=attainable)
    return part_to_markdown(part)


def part_to_markdown(part: Part, level: int = 2) -> str:
    """Return a run's verdict, leak alarm and tables, in sections whose headings have the level given."""
    blocks = [_verdict(part.sentences, level), _alarms(part.leaks)]
    for section in sections(part):
        blocks.append(f"{'#' * level} {section.title}\n")
        blocks += [table.to_markdown(level + 1) for table in section.tables]
    return "\n".join(blocks)


def parts_to_markdown(parts: Sequence[Part], *, title: str) -> str:
    """Return several runs side by side, then each of them."""
    differing = differences(parts)
    blocks = [f"# {escaped(title)}\n", f"{comparability(differing)}\n"]
    blocks += [differing.to_markdown(2)] if differing else []
    blocks += [f"## Verdict of each run\n\n{_headlines(parts)}\n", side_by_side_table(parts).to_markdown(2)]
    for part in parts:
        blocks += [f"## {escaped(part.title)}\n", part_to_markdown(part, level=3)]
    return "\n".join(blocks)


def _headlines(parts: Sequence[Part]) -> str:
    return "\n".join(f"- {escaped(part.title)}: {escaped(part.headline)}" for part in parts)


def _verdict(sentences: Sequence[Sentence], level: int) -> str:
    lines = [
        f"- **{escaped(sentence.text)}**" if sentence.warning else f"- {escaped(sentence.text)}"
        for sentence in sentences
    ]
    return f"{'#' * level} Verdict\n\n" + "\n".join(lines) + "\n"


def _alarms(leaks: LeakCheck) -> str:
    lines = [f"**{leaks.headline}.** {escaped(leaks.explanation)}"]
    for alarm in leaks.alarms:
        lines += [
            "",
            f"**{escaped(alarm.text)}** Likely causes:",
            "",
            *(f"- {cause}" for cause in alarm.causes),
        ]
    return "\n".join(lines) + "\n"
