"""What is left after allowing for everything that was tried, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.many_tries.many_tries import ManyTries, OneTry
from gogooku3.evaluation.report.tries_tables import p_value
from gogooku3.evaluation.report.wording import listed, number, percent, sessions


def tries_sentences(evidence: Evidence, model: str, lag: int) -> Iterator[str]:
    """Yield whether a model's RankIC survives false-discovery control, and its Sharpe ratio the number of tries."""
    if evidence.tries is None:
        return
    own = sorted(
        (one for one in evidence.tries.tries if one.model == model and one.target.lag == lag),
        key=lambda one: one.target,
    )
    if not own:
        return
    confidence = evidence.evaluation.settings.confidence
    means = {
        one.target: result.whole.rank_ic.mean
        for one in own
        if (result := evidence.evaluation.find(model, one.target)) is not None
    }
    yield _discoveries(evidence.tries, own, [means.get(one.target, math.nan) for one in own], 1 - confidence)
    yield _sharpe(evidence.tries, own, confidence)


def _discoveries(tries: ManyTries, own: Sequence[OneTry], means: Sequence[float], level: float) -> str:
    tested = [(one, mean) for one, mean in zip(own, means, strict=True) if math.isfinite(one.dependent)]
    untested = [one for one in own if not math.isfinite(one.dependent)]
    held = [one for one, mean in tested if one.dependent <= level and mean > 0]
    below = [one for one, mean in tested if one.dependent <= level and not mean > 0]
    lost = [one for one, _ in tested if one.dependent > level]
    control = f"false-discovery control at {percent(level, 0)}"
    clauses = [f"survives {control} {_at(held, own)}"] if held else []
    clauses += [f"is reliably below zero {_at(below, own)}"] if below else []
    clauses += [f"does not survive {'' if held else f'{control} '}{_at(lost, own)}"] if lost else []
    clauses += [f"was not tested {_at(untested, own)}"] if untested else []
    figures = _once([p_value(one.dependent) for one, _ in tested]) if tested else ""
    shown = f" (p adjusted for any dependence {figures})" if tested else ""
    count = f"Of {len(tries.tries)} tries" if len(tries.tries) > 1 else "Tried once"
    return f"{count}, {own[0].model}'s RankIC {listed(clauses)}{shown}."


def _sharpe(tries: ManyTries, own: Sequence[OneTry], confidence: float) -> str:
    measured = [one for one in own if math.isfinite(one.deflated)]
    if measured:
        held = [one for one in measured if one.deflated >= confidence]
        lost = [one for one in measured if one.deflated < confidence]
        unseen = [one for one in own if not math.isfinite(one.deflated)]
        luck = "luck among so many tries" if tries.trials > 1 else "luck"
        clauses = [f"is above what {luck} explains {_at(held, own)}"] if held else []
        clauses += [f"may be {luck} {_at(lost, own)}"] if lost else []
        clauses += [f"was not deflated {_at(unseen, own)}"] if unseen else []
        figures = listed([percent(one.deflated) for one in measured])
        text = f"Its net Sharpe ratio {listed(clauses)} (deflated, probability {figures})"
    else:
        text = "Its Sharpe ratio could not be deflated"
    if math.isfinite(tries.overfitting):
        text += f"; the probability of backtest overfitting is {percent(tries.overfitting, 0)}"
    if math.isfinite(tries.effective_trials) and tries.trials > 1:
        text += f" ({tries.trials} portfolios, about {number(tries.effective_trials, 1)} independent ones)"
    return f"{text}."


def _at(tries: Sequence[OneTry], own: Sequence[OneTry]) -> str:
    """Return where: each horizon by name, or every one."""
    if len(tries) == len(own) > 1:
        return "at every horizon"
    return f"at {sessions([one.target.horizon for one in tries])}"


def _once(figures: Sequence[str]) -> str:
    return figures[0] if len(set(figures)) == 1 else listed(figures)
