"""What the numbers say, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.report.wording import listed, number, percent, sessions
from gogooku3.evaluation.summary import SeriesSummary
from gogooku3.evaluation.target_evaluation import TargetEvaluation
from gogooku3.labels.target import Target


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One statement; a warning is shown as such."""

    text: str
    warning: bool = False


def verdict(evaluation: Evaluation, attainable: Mapping[Target, float]) -> tuple[Sentence, ...]:
    """Return the findings at the tradable lag, most important first, then the warnings.

    The tradable lag is the smallest one of at least 1 that was evaluated, else the smallest.
    """
    best, lag = _leader(evaluation), _lag(evaluation)
    said: list[Sentence] = []
    others = [model for model in evaluation.contestants if model != best]
    said += [Sentence(text=text) for other in others for text in _duel(evaluation, best, other, lag)]
    for model in [best, *others]:
        results = _at_lag(evaluation, model, lag)
        if results:
            said.append(Sentence(text=_ranks(model, results, lag)))
            said.append(Sentence(text=_earns(evaluation, model, results)))
    said += [Sentence(text=text) for text in _reach(evaluation, best, lag, attainable)]
    said += [Sentence(text=text, warning=True) for text in _warnings(evaluation)]
    return tuple(said)


def _lag(evaluation: Evaluation) -> int:
    lags = sorted({target.lag for target in evaluation.targets})
    return next((lag for lag in lags if lag >= 1), lags[0])


def _leader(evaluation: Evaluation) -> str:
    lag = _lag(evaluation)

    def strength(model: str) -> float:
        means = [result.whole.rank_ic.mean for result in _at_lag(evaluation, model, lag)]
        return float(np.mean(means)) if means else -np.inf

    return max(evaluation.contestants or evaluation.models, key=strength)


def _at_lag(evaluation: Evaluation, model: str, lag: int) -> list[TargetEvaluation]:
    found = (evaluation.find(model, target) for target in evaluation.targets if target.lag == lag)
    return [result for result in found if result is not None]


def _duel(evaluation: Evaluation, best: str, other: str, lag: int) -> Iterator[str]:
    outcome: dict[int, list[int]] = {1: [], 0: [], -1: []}
    for pair in evaluation.comparisons:
        if pair.period == "all" and pair.target.lag == lag and {pair.model, pair.against} == {best, other}:
            sign = 1 if pair.model == best else -1
            outcome[sign * pair.verdict].append(pair.target.horizon)
    parts = [
        (outcome[1], f"{best} ranks better than {other} at {{}}", "better at {}"),
        (outcome[-1], f"{best} ranks worse than {other} at {{}}", "worse at {}"),
        (outcome[0], f"{best} and {other} cannot be told apart at {{}}", "not distinguishable at {}"),
    ]
    held = [(horizons, first, later) for horizons, first, later in parts if horizons]
    if held:
        clauses = [
            (later if index else first).format(sessions(horizons))
            for index, (horizons, first, later) in enumerate(held)
        ]
        yield f"{', '.join(clauses)} (lag {lag})."


def _ranks(model: str, results: Sequence[TargetEvaluation], lag: int) -> str:
    figures = listed([number(result.whole.rank_ic.mean) for result in results])
    horizons = sessions([result.target.horizon for result in results])
    text = f"{model}: mean RankIC {figures} at {horizons} (lag {lag})"
    signs = _signs(results, lambda result: result.whole.rank_ic)
    if signs.above == signs.everywhere:
        return f"{text}, better than chance at every horizon."
    if signs.unmeasured == signs.everywhere:
        return f"{text}, not measured against chance."
    text += (
        f", better than chance at {sessions(signs.above)}" if signs.above else ", nowhere better than chance"
    )
    if signs.between and (signs.above or signs.unmeasured):
        text += f", not distinguishable from chance at {sessions(signs.between)}"
    text += f", worse than chance at {sessions(signs.below)}" if signs.below else ""
    text += f", not measured against chance at {sessions(signs.unmeasured)}" if signs.unmeasured else ""
    return f"{text}."


def _earns(evaluation: Evaluation, model: str, results: Sequence[TargetEvaluation]) -> str:
    settings = evaluation.settings.portfolio
    kind = "long-only" if settings.long_only else "long-short"
    text = f"After {number(settings.cost_bps, 0)} bps, {model}'s {kind} portfolio "
    signs = _signs(results, lambda result: result.whole.portfolio.net)
    if signs.unmeasured == signs.everywhere:
        return f"{text}was not measured."
    clauses = [f"gains at {sessions(signs.above)}"] if signs.above else []
    clauses += [f"cannot be told from zero at {sessions(signs.between)}"] if signs.between else []
    clauses += [f"loses at {sessions(signs.below)}"] if signs.below else []
    clauses += [f"was not measured at {sessions(signs.unmeasured)}"] if signs.unmeasured else []
    text += listed(clauses)
    costs = [result.whole.portfolio.break_even_bps for result in results]
    if all(np.isfinite(costs)):
        figures = ["below 0" if cost < 0 else number(cost, 0 if cost >= 10 else 1) for cost in costs]
        horizons = sessions([result.target.horizon for result in results])
        text += f"; it breaks even at {listed(figures)} bps ({horizons})"
    return f"{text}."


def _reach(evaluation: Evaluation, best: str, lag: int, attainable: Mapping[Target, float]) -> Iterator[str]:
    results = [result for result in _at_lag(evaluation, best, lag) if attainable.get(result.target)]
    if results:
        shares = [percent(result.whole.rank_ic.mean / attainable[result.target], 0) for result in results]
        horizons = sessions([result.target.horizon for result in results])
        yield f"{best} reaches {listed(shares)} of the attainable RankIC at {horizons} (lag {lag})."


def _warnings(evaluation: Evaluation) -> Iterator[str]:
    for result in evaluation.results:
        where = f"{result.model} at {sessions([result.target.horizon])}, lag {result.target.lag}"
        if result.portfolio.ruined is not None:
            day = evaluation.sessions[result.portfolio.ruined]
            yield f"The portfolio of {where} lost everything on {day}; nothing is held after that."
        if result.whole.constant:
            yield f"The score of {where} is the same for every stock on {result.whole.constant} sessions."


@dataclass(frozen=True, kw_only=True)
class _Signs:
    """Horizons whose interval lies above, holds and lies below zero, and those that have no interval."""

    above: list[int] = field(default_factory=list)
    between: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)
    unmeasured: list[int] = field(default_factory=list)
    everywhere: list[int] = field(default_factory=list)


def _signs(
    results: Sequence[TargetEvaluation], series: Callable[[TargetEvaluation], SeriesSummary]
) -> _Signs:
    signs = _Signs()
    for result in results:
        summary = series(result)
        signs.everywhere.append(result.target.horizon)
        if not (np.isfinite(summary.low) and np.isfinite(summary.high)):
            chosen = signs.unmeasured
        elif summary.low > 0:
            chosen = signs.above
        else:
            chosen = signs.below if summary.high < 0 else signs.between
        chosen.append(result.target.horizon)
    return signs
