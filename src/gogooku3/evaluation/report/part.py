"""One run on a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.leak_alarm import LeakCheck, look_for_leaks
from gogooku3.evaluation.report.attainable import attainable_rank_ic
from gogooku3.evaluation.report.reference import Reference
from gogooku3.evaluation.report.sentence import Sentence
from gogooku3.evaluation.report.verdict import verdict
from gogooku3.labels.target import Target

_HEADLINE = 3  # sentences

ContextSection = Mapping[str, object] | Sequence[Mapping[str, object]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Part:
    """What is shown of one run.

    Attributes:
        title: Its heading.
        evidence: What was measured.
        context: How it came about, a table per section: names and values, or rows with the same names.
        references: Figures measured elsewhere.
        attainable: Known attainable RankIC per target; scores named as the benchmark take precedence.
        basis: What has to be the same before figures of two runs may be compared, such as the data, in words.
    """

    title: str
    evidence: Evidence
    context: Mapping[str, ContextSection] = field(default_factory=dict)
    references: Sequence[Reference] = ()
    attainable: Mapping[Target, float] | None = None
    basis: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def known(self) -> dict[Target, float]:
        """Attainable RankIC per target, measured or given."""
        return attainable_rank_ic(self.evidence.evaluation, self.attainable)

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """The verdict."""
        return verdict(self.evidence, self.known)

    @property
    def headline(self) -> str:
        """The first findings, for a list of several runs."""
        return " ".join(sentence.text for sentence in self.sentences[:_HEADLINE])

    @cached_property
    def leaks(self) -> LeakCheck:
        """What the leak alarm found."""
        evaluation = self.evidence.evaluation
        return look_for_leaks(evaluation.results, settings=evaluation.settings, attainable=self.known)


def as_evidence(measured: Evidence | Evaluation) -> Evidence:
    """Return evidence; an evaluation alone is evidence without the rest."""
    return measured if isinstance(measured, Evidence) else Evidence(evaluation=measured)
