"""What the numbers say, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.report.leader import at_lag, leader, tradable_lag
from gogooku3.evaluation.report.sentence import Sentence
from gogooku3.evaluation.report.signs import signs
from gogooku3.evaluation.report.verdict_drift import drift_sentences
from gogooku3.evaluation.report.verdict_neutral import neutral_sentence
from gogooku3.evaluation.report.verdict_trading import trading_sentences
from gogooku3.evaluation.report.verdict_tries import tries_sentences
from gogooku3.evaluation.report.wording import listed, number, percent, sessions
from gogooku3.evaluation.target_evaluation import TargetEvaluation
from gogooku3.labels.target import Target

_MOST = (
    10  # findings; the models that do not lead are told of while there is room, and are in the tables anyway
)


def verdict(evidence: Evidence, attainable: Mapping[Target, float]) -> tuple[Sentence, ...]:
    """Return the findings at the tradable lag, most important first, then the warnings.

    The findings are those of the model that ranks best; the tradable lag is the smallest one of at least 1 that
    was evaluated, else the smallest.

    Args:
        evidence: What was measured; what was not has no sentence, or one that says so.
        attainable: Known attainable RankIC per target.
    """
    evaluation = evidence.evaluation
    best, lag = leader(evaluation), tradable_lag(evaluation)
    others = [model for model in evaluation.contestants if model != best]
    first = [text for other in others for text in _duel(evaluation, best, other, lag)]
    first += _alone(evaluation, best, lag)
    last = [*tries_sentences(evidence, best, lag), *neutral_sentence(evidence, best, lag)]
    last += [*trading_sentences(evidence, best, lag), *_reach(evaluation, best, lag, attainable)]
    drifted = drift_sentences(evidence.drift)
    last += [sentence.text for sentence in drifted if not sentence.warning]
    between: list[str] = []
    for other in others:
        told = _alone(evaluation, other, lag)
        if len(first) + len(between) + len(told) + len(last) <= _MOST:
            between += told
    said = [Sentence(text=text) for text in [*first, *between, *last]]
    said += [Sentence(text=text, warning=True) for text in _warnings(evidence)]
    said += [sentence for sentence in drifted if sentence.warning]
    return tuple(said)


def _alone(evaluation: Evaluation, model: str, lag: int) -> list[str]:
    results = at_lag(evaluation, model, lag)
    return [_ranks(model, results, lag), _earns(evaluation, model, results)] if results else []


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
    found = signs((result.target.horizon, result.whole.rank_ic) for result in results)
    return f"{model}: mean RankIC {figures} at {horizons} (lag {lag}), {found.against_chance}."


def _earns(evaluation: Evaluation, model: str, results: Sequence[TargetEvaluation]) -> str:
    settings = evaluation.settings.portfolio
    kind = "long-only" if settings.long_only else "long-short"
    text = f"After {number(settings.cost_bps, 0)} bps, {model}'s {kind} portfolio "
    found = signs((result.target.horizon, result.whole.portfolio.net) for result in results)
    if found.unmeasured == found.everywhere:
        return f"{text}was not measured."
    text += listed(found.earned)
    costs = [result.whole.portfolio.break_even_bps for result in results]
    if all(np.isfinite(costs)):
        figures = ["below 0" if cost < 0 else number(cost, 0 if cost >= 10 else 1) for cost in costs]
        horizons = sessions([result.target.horizon for result in results])
        text += f"; it breaks even at {listed(figures)} bps ({horizons})"
    return f"{text}."


def _reach(evaluation: Evaluation, best: str, lag: int, attainable: Mapping[Target, float]) -> Iterator[str]:
    results = [result for result in at_lag(evaluation, best, lag) if attainable.get(result.target)]
    if results:
        shares = [percent(result.whole.rank_ic.mean / attainable[result.target], 0) for result in results]
        horizons = sessions([result.target.horizon for result in results])
        yield f"{best} reaches {listed(shares)} of the attainable RankIC at {horizons} (lag {lag})."


def _warnings(evidence: Evidence) -> Iterator[str]:
    evaluation = evidence.evaluation
    for result in evaluation.results:
        where = f"{result.model} at {sessions([result.target.horizon])}, lag {result.target.lag}"
        if result.portfolio.ruined is not None:
            day = evaluation.sessions[result.portfolio.ruined]
            yield f"The portfolio of {where} lost everything on {day}; nothing is held after that."
        if result.whole.constant:
            yield f"The score of {where} is the same for every stock on {result.whole.constant} sessions."
    for trading in evidence.tradings:
        for book in trading.books[1:]:  # the first is the default portfolio
            if book.ruined is not None:
                where = f"{trading.model} at {sessions([trading.target.horizon])}, lag {trading.target.lag}"
                yield f"The book {book.name} of {where} lost everything on {book.ruined}; nothing is held after that."
