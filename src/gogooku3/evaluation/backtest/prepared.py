"""Everything of a backtest that does not depend on the capital."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.axes import FloatDN
from gogooku3.errors import EvaluationError
from gogooku3.evaluation.backtest.construction import Targets, construct
from gogooku3.evaluation.backtest.cost_grids import CostGrids, cost_grids
from gogooku3.evaluation.backtest.fills import fill_status
from gogooku3.evaluation.backtest.settings import BacktestSettings
from gogooku3.evaluation.backtest.tape import Tape


@dataclass(frozen=True, eq=False, kw_only=True)
class Prepared:
    """Targets, fills and cost inputs of one score, to be run with one capital or many.

    Attributes:
        tape: What is traded on.
        settings: What is simulated.
        targets: Target weights by session of the score.
        status: As of ``fill_status``, uint8 [D, N].
        costs: Inputs of the cost model.
    """

    tape: Tape
    settings: BacktestSettings
    targets: Targets
    status: np.ndarray
    costs: CostGrids


def prepare(
    score: FloatDN, tape: Tape, settings: BacktestSettings, *, costs: CostGrids | None = None
) -> Prepared:
    """Prepare a backtest.

    Args:
        score: Scores [D, N], NaN where none; that of a session may use anything known at its close.
        tape: What is traded on.
        settings: What is simulated.
        costs: As of ``cost_grids`` with the same tape and cost settings, to be shared by many scores.

    Raises:
        EvaluationError: The score is not aligned with the tape, sectors are wanted and not known, a long-only
            portfolio comes with a borrowable list, or entry is at the open and no session has an opening price.
    """
    if score.shape != tape.link.shape:
        raise EvaluationError(
            "the score is not aligned with the tape", got=score.shape, expected=tape.link.shape
        )
    at_open = settings.schedule.entry == "open"
    if at_open and not (tape.open > 0).any():
        raise EvaluationError(
            "nothing can be traded at the open: no bar has an opening price",
            expected="opening prices",
            remedy="choose entry = close",
        )
    grids = cost_grids(tape, settings) if costs is None else costs
    targets = construct(
        score,
        settings.construction,
        sector=tape.sector,
        borrowable=tape.borrowable,
    )
    return Prepared(
        tape=tape,
        settings=settings,
        targets=targets,
        status=fill_status(tape, settings.fills, at_open=at_open),
        costs=_checked(grids, tape, settings),
    )


def _checked(costs: CostGrids, tape: Tape, settings: BacktestSettings) -> CostGrids:
    wanted = {
        "half_spread": settings.costs.spread != "none",
        "volatility": settings.needs_capital,
        "daily_turnover": settings.needs_capital,
    }
    for name, needed in wanted.items():
        grid = getattr(costs, name)
        got, expected = None if grid is None else grid.shape, tape.link.shape if needed else None
        if got != expected:
            raise EvaluationError(
                "cost inputs were made for another tape or other settings",
                where=name,
                got=got,
                expected=expected,
            )
    return costs
