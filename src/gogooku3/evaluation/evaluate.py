"""From scores and labels to an evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gogooku3.axes import BoolDN, FloatD, FloatDN, FloatN
from gogooku3.errors import EvaluationError
from gogooku3.evaluation.comparison import Comparison
from gogooku3.evaluation.daily_correlation import DailyCorrelation
from gogooku3.evaluation.deciles import daily_deciles
from gogooku3.evaluation.evaluation import WHOLE, Evaluation
from gogooku3.evaluation.information_coefficient import daily_ic
from gogooku3.evaluation.portfolio import simulate_portfolio
from gogooku3.evaluation.portfolio_summary import sessions_per_year, summarise_portfolio
from gogooku3.evaluation.rank_ic import daily_rank_ic
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.summary import summarise
from gogooku3.evaluation.target_evaluation import PeriodEvaluation, TargetEvaluation
from gogooku3.labels.target import Target
from gogooku3.progress import Silent

if TYPE_CHECKING:
    from gogooku3.progress import Progress


def evaluate(
    scores: Mapping[str, Mapping[Target, np.ndarray]],
    labels: Mapping[Target, np.ndarray],
    *,
    sessions: np.ndarray,
    universe: BoolDN,
    link: FloatDN,
    terminal_return: FloatN,
    last_bar: np.ndarray,
    traded: BoolDN | None = None,
    settings: EvaluationSettings | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Judge every model at every target it has scores for.

    All grids share rows and columns: the sessions of the test period by the stocks.

    Args:
        scores: Per model and target a grid [D, N], NaN outside test days and universe. Each grid is read
            once, target by target, so a mapping may load it when asked.
        labels: Per target a grid [D, N], NaN where a label's span leaves the data or the period.
        sessions: datetime64[D] array, strictly increasing, [D].
        universe: Membership, [D, N].
        link: Gross total return from the previous bar, NaN where there is no bar or no trust, [D, N].
        terminal_return: Return from a stock's last close to what a holder received, NaN where unknown, [N].
        last_bar: Row of each stock's last bar in these grids, int64 [N]; may be negative or beyond
            the last row.
        traded: True where something traded; None for wherever there is a link, [D, N].
        settings: How to judge; the defaults of metrics where None.
        progress: Listener.

    Raises:
        EvaluationError: Grids are not aligned, a model is constant on every session, there is nothing to
            evaluate, or a model has no session that can be evaluated.
    """
    chosen = settings if settings is not None else EvaluationSettings()
    listener: Progress = progress if progress is not None else Silent()
    _check(scores, labels, sessions, [grid for grid in (universe, link, traded) if grid is not None])
    frame = _Frame(
        sessions=sessions,
        universe=universe,
        link=link,
        terminal_return=terminal_return,
        last_bar=last_bar,
        traded=traded,
        per_year=sessions_per_year(sessions),
        periods=tuple(_periods(sessions)),
        settings=chosen,
    )
    jobs = [(target, model) for target in sorted(labels) for model in scores if target in scores[model]]
    listener.start("evaluate", len(jobs), "scores")
    results = []
    for target, model in jobs:
        results.append(_evaluate_one(model, target, scores[model][target], labels[target], frame))
        listener.advance()
    return Evaluation(
        settings=chosen,
        sessions=sessions,
        sessions_per_year=frame.per_year,
        models=tuple(scores),
        targets=tuple(sorted({target for target, _ in jobs})),
        results=tuple(results),
        comparisons=tuple(_compare(results, frame)),
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class _Frame:
    sessions: np.ndarray
    universe: BoolDN
    link: FloatDN
    terminal_return: FloatN
    last_bar: np.ndarray
    traded: BoolDN | None
    per_year: float
    periods: tuple[tuple[str, np.ndarray], ...]
    settings: EvaluationSettings


def _periods(sessions: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield WHOLE, np.ones(len(sessions), dtype=bool)
    years = sessions.astype("datetime64[Y]")
    for year in np.unique(years):
        yield str(year), years == year


def _evaluate_one(
    model: str, target: Target, score: np.ndarray, label: np.ndarray, frame: _Frame
) -> TargetEvaluation:
    label = _aligned(label, frame, f"labels of target {target}")
    score = _aligned(score, frame, f"scores of model {model}, target {target}")
    rank_ic, ic = _correlations(score, label, f"model {model}, target {target}", frame.settings.min_names)
    settings = frame.settings
    parts = TargetEvaluation(
        model=model,
        target=target,
        rank_ic=rank_ic,
        ic=ic,
        deciles=daily_deciles(score, label, quantiles=settings.quantiles, min_names=settings.min_names),
        portfolio=simulate_portfolio(
            score,
            frame.link,
            sessions=frame.sessions,
            horizon=target.horizon,
            lag=target.lag,
            terminal_return=frame.terminal_return,
            last_bar=frame.last_bar,
            settings=settings.portfolio,
            traded=frame.traded,
        ),
        coverage=_coverage(score, frame.universe),
        periods=(),
    )
    return replace(parts, periods=tuple(_period(parts, name, rows, frame) for name, rows in frame.periods))


def _aligned(grid: np.ndarray, frame: _Frame, where: str) -> FloatDN:
    if grid.shape != frame.universe.shape:
        raise EvaluationError(
            "grids are not aligned", where=where, got=grid.shape, expected=frame.universe.shape
        )
    return grid.astype(np.float64, copy=False)


def _correlations(
    score: FloatDN, label: FloatDN, where: str, least: int
) -> tuple[DailyCorrelation, DailyCorrelation]:
    try:
        rank_ic = daily_rank_ic(score, label, min_names=least)
        ic = daily_ic(score, label, min_names=least)
    except EvaluationError as error:
        raise EvaluationError(
            error.what,
            where=", ".join(filter(None, [where, error.where])),
            got=error.got,
            expected=error.expected,
            remedy=error.remedy,
        ) from error
    if rank_ic.days == 0:
        raise EvaluationError(
            "no session can be evaluated",
            where=where,
            got=f"at most {rank_ic.names.max()} names with both score and label on {len(score)} sessions",
            expected=f"a session with {least} names",
            remedy="check that scores and labels cover the same days, more of them than the horizon",
        )
    return rank_ic, ic


def _period(parts: TargetEvaluation, name: str, rows: np.ndarray, frame: _Frame) -> PeriodEvaluation:
    settings, horizon = frame.settings, parts.target.horizon
    coverage = parts.coverage[rows]
    coverage = coverage[np.isfinite(coverage)]
    daily: DailyCorrelation = parts.rank_ic
    return PeriodEvaluation(
        period=name,
        rank_ic=summarise(daily.values[rows], horizon=horizon, settings=settings),
        ic=summarise(parts.ic.values[rows], horizon=horizon, settings=settings),
        spread=summarise(parts.deciles.spread[rows], horizon=horizon, settings=settings),
        decile_means=tuple(float(mean) for mean in parts.deciles.means(rows)),
        monotonicity=parts.deciles.monotonicity(rows),
        hit_rate=parts.deciles.hit_rate(rows),
        portfolio=summarise_portfolio(
            parts.portfolio, rows, sessions_per_year=frame.per_year, settings=settings
        ),
        coverage=float(coverage.mean()) if coverage.size else float("nan"),
        coverage_min=float(coverage.min()) if coverage.size else float("nan"),
        too_few=int(daily.too_few[rows].sum()),
        constant=int(daily.constant[rows].sum()),
        constant_label=int(daily.constant_label[rows].sum()),
    )


def _coverage(score: FloatDN, universe: BoolDN) -> FloatD:
    size = universe.sum(axis=1)
    share = np.full(len(size), np.nan)
    np.divide((np.isfinite(score) & universe).sum(axis=1), size, out=share, where=size > 0)
    return share


def _compare(results: list[TargetEvaluation], frame: _Frame) -> Iterator[Comparison]:
    contestants = [result for result in results if result.model != frame.settings.attainable]
    for position, later in enumerate(contestants):
        for earlier in contestants[:position]:
            if earlier.target != later.target:
                continue
            difference = later.rank_ic.values - earlier.rank_ic.values
            for name, rows in frame.periods:
                yield Comparison(
                    model=later.model,
                    against=earlier.model,
                    target=later.target,
                    period=name,
                    difference=summarise(
                        difference[rows], horizon=later.target.horizon, settings=frame.settings
                    ),
                )


def _check(
    scores: Mapping[str, Mapping[Target, np.ndarray]],
    labels: Mapping[Target, np.ndarray],
    sessions: np.ndarray,
    grids: Sequence[np.ndarray],
) -> None:
    if not scores or not labels or not all(scores.values()):
        raise EvaluationError(
            "there is nothing to evaluate",
            got={model: len(grids) for model, grids in scores.items()},
            expected="at least one model, each with at least one target",
        )
    stray = {model: [str(t) for t in grids if t not in labels] for model, grids in scores.items()}
    if any(stray.values()):
        raise EvaluationError(
            "scores have no label to be compared with", got=stray, expected=sorted(map(str, labels))
        )
    shapes = {grid.shape for grid in grids}
    if len(shapes) > 1 or len(grids[0]) != len(sessions) or not grids[0].size:
        raise EvaluationError(
            "grids are not aligned",
            got=(len(sessions), *(grid.shape for grid in grids)),
            expected="D sessions, and [D, N] for universe, link and traded",
        )
    if (np.diff(sessions) <= np.timedelta64(0, "D")).any():
        raise EvaluationError("sessions are not in order", expected="strictly increasing dates")
