"""The whole main job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.pipeline.build import build
from gogooku3.pipeline.evaluate import Judged, evaluate
from gogooku3.pipeline.predict import predict
from gogooku3.pipeline.ranked import Ranking
from gogooku3.pipeline.report import report
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.stage import StageRecord
from gogooku3.pipeline.train import train


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """What the main job made.

    Attributes:
        stages: Records of all stages, in order; those that were there already say so.
        ranking: The last session's ranking.
        report: The page.
        judged: The evaluations, computed when asked for.
    """

    stages: tuple[StageRecord, ...]
    ranking: Ranking
    report: Path
    judged: Judged

    @property
    def evaluation(self) -> Evaluation:
        """The evaluation of the test years."""
        return self.judged.tested


def run_all(run: Run) -> Outcome:
    """Build, train, evaluate, report and rank the last session; what is there and valid is skipped."""
    stages = [build(run), *train(run)]
    judged = Judged(run)
    stages += evaluate(run, judged)
    stages.append(report(run, judged))
    return Outcome(stages=tuple(stages), ranking=predict(run), report=run.path("report.html"), judged=judged)
