"""One evaluation that all report tests read."""

from __future__ import annotations

import numpy as np
import pytest

from gogooku3.evaluation.evaluate import evaluate
from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.labels.target import Target
from tests.evaluation.synthetic import planted


@pytest.fixture(scope="session")
def evaluation() -> Evaluation:
    """Ridge and a better LightGBM at three targets, the attainable scores at one."""
    inputs = planted()
    target = Target(5, 1)
    best = planted(strengths={"best": 30.0}, targets=(target,))["scores"]["best"]
    inputs["scores"]["attainable"] = {target: np.where(inputs["universe"], best[target], np.nan)}
    return evaluate(**inputs)
