"""Everything that speaks for or against the scores of a run."""

from __future__ import annotations

from dataclasses import dataclass

from gogooku3.evaluation.anatomy.anatomy import Anatomy
from gogooku3.evaluation.drift.drift_report import DriftReport
from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.many_tries.many_tries import ManyTries
from gogooku3.evaluation.trading.trading import Trading


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """An evaluation with what goes beyond correlations and the default portfolio.

    Attributes:
        evaluation: Every model at every target.
        anatomies: What the scores are made of.
        tradings: What they would have earned.
        tries: What is left after allowing for the number of things tried; None where nothing can be said.
        drift: What has moved since training; None for scores whose training is not known.
    """

    evaluation: Evaluation
    anatomies: tuple[Anatomy, ...] = ()
    tradings: tuple[Trading, ...] = ()
    tries: ManyTries | None = None
    drift: DriftReport | None = None
