"""The words match the numbers."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from gogooku3.evaluation.evaluate import evaluate
from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.report.attainable import attainable_rank_ic
from gogooku3.evaluation.report.verdict import verdict
from gogooku3.evaluation.report.wording import NONE, interval, listed, number, percent, sessions
from gogooku3.labels.target import Target
from tests.evaluation.synthetic import planted

NAN = float("nan")


def _texts(evaluation, attainable=None, *, warning=False):
    said = verdict(Evidence(evaluation=evaluation), attainable_rank_ic(evaluation, attainable))
    return [sentence.text for sentence in said if sentence.warning == warning]


def _altered(evaluation, model: str, changes: dict[Target, dict]):
    """Replace means, intervals and break-even costs of one model over the whole period."""
    results = []
    for result in evaluation.results:
        change = changes.get(result.target) if result.model == model else None
        if change is not None:
            whole = result.whole
            rank_ic = dataclasses.replace(whole.rank_ic, **change.get("rank_ic", {}))
            net = dataclasses.replace(whole.portfolio.net, **change.get("net", {}))
            portfolio = dataclasses.replace(whole.portfolio, net=net, **change.get("portfolio", {}))
            whole = dataclasses.replace(whole, rank_ic=rank_ic, portfolio=portfolio)
            results.append(dataclasses.replace(result, periods=(whole, *result.periods[1:])))
        else:
            results.append(result)
    return dataclasses.replace(evaluation, results=tuple(results))


def _compared(evaluation, low_high: dict[Target, tuple[float, float]]):
    pairs = []
    for pair in evaluation.comparisons:
        low, high = low_high.get(pair.target, (-1.0, 1.0))
        pairs.append(
            dataclasses.replace(pair, difference=dataclasses.replace(pair.difference, low=low, high=high))
        )
    return dataclasses.replace(evaluation, comparisons=tuple(pairs))


def test_the_duel_follows_the_paired_intervals(evaluation):
    one, five = Target(1, 1), Target(5, 1)
    cases = {
        ((0.1, 0.2), (0.1, 0.2)): "lightgbm ranks better than ridge at 1 and 5 sessions (lag 1).",
        ((-0.1, 0.2), (0.1, 0.2)): (
            "lightgbm ranks better than ridge at 5 sessions, not distinguishable at 1 session (lag 1)."
        ),
        ((-0.2, -0.1), (0.1, 0.2)): (
            "lightgbm ranks better than ridge at 5 sessions, worse at 1 session (lag 1)."
        ),
        ((NAN, NAN), (-0.1, 0.2)): "lightgbm and ridge cannot be told apart at 1 and 5 sessions (lag 1).",
    }
    for (first, second), expected in cases.items():
        assert _texts(_compared(evaluation, {one: first, five: second}))[0] == expected


def test_the_real_duel_agrees_with_the_comparison(evaluation):
    pairs = {p.target: p for p in evaluation.comparisons if p.period == "all"}
    assert all(pairs[target].difference.low > 0 for target in (Target(1, 1), Target(5, 1)))
    assert _texts(evaluation)[0] == "lightgbm ranks better than ridge at 1 and 5 sessions (lag 1)."


def test_the_better_model_is_named_first_whatever_the_order():
    inputs = planted(strengths={"strong": 3.0, "weak": 0.2})
    assert _texts(evaluate(**inputs))[0] == "strong ranks better than weak at 1 and 5 sessions (lag 1)."


def test_ranks_and_earnings_follow_the_intervals(evaluation):
    changed = _altered(
        evaluation,
        "lightgbm",
        {
            Target(1, 1): {
                "rank_ic": {"mean": 0.031, "low": -0.01, "high": 0.05},
                "net": {"low": -0.2, "high": -0.1},
                "portfolio": {"break_even_bps": -3.0},
            },
            Target(5, 1): {
                "rank_ic": {"mean": 0.0567, "low": 0.01, "high": 0.08},
                "net": {"low": -0.1, "high": 0.1},
                "portfolio": {"break_even_bps": 14.2},
            },
        },
    )
    texts = _texts(changed)
    assert (
        "lightgbm: mean RankIC 0.031 and 0.057 at 1 and 5 sessions (lag 1), better than chance at 5 "
        "sessions, not distinguishable from chance at 1 session."
    ) in texts
    assert (
        "After 10 bps, lightgbm's long-short portfolio cannot be told from zero at 5 sessions and loses at "
        "1 session; it breaks even at below 0 and 14 bps (1 and 5 sessions)."
    ) in texts


def test_what_has_no_interval_was_not_measured(evaluation):
    absent = {"low": NAN, "high": NAN}
    one, five = Target(1, 1), Target(5, 1)
    partly = _altered(
        evaluation,
        "lightgbm",
        {
            one: {
                "rank_ic": {"mean": 0.03, **absent},
                "net": absent,
                "portfolio": {"break_even_bps": NAN},
            },
            five: {"rank_ic": {"mean": 0.01, "low": -0.1, "high": 0.1}, "net": {"low": -0.1, "high": 0.1}},
        },
    )
    texts = _texts(partly)
    assert (
        "lightgbm: mean RankIC 0.030 and 0.010 at 1 and 5 sessions (lag 1), nowhere better than chance, not "
        "distinguishable from chance at 5 sessions, not measured against chance at 1 session."
    ) in texts
    assert (
        "After 10 bps, lightgbm's long-short portfolio cannot be told from zero at 5 sessions and was not "
        "measured at 1 session."
    ) in texts
    wholly = {"rank_ic": {"mean": NAN, **absent}, "net": absent, "portfolio": {"break_even_bps": NAN}}
    texts = _texts(_altered(evaluation, "lightgbm", {one: wholly, five: wholly}))
    assert (
        f"lightgbm: mean RankIC {NONE} and {NONE} at 1 and 5 sessions (lag 1), not measured against chance."
        in texts
    )
    assert "After 10 bps, lightgbm's long-short portfolio was not measured." in texts


def test_a_market_without_prices_has_no_portfolio():
    inputs = planted(targets=(Target(1, 1),), strengths={"m": 1.0}, days=100)
    inputs["link"][:] = NAN
    texts = _texts(evaluate(**inputs))
    assert texts[-1] == "After 10 bps, m's long-short portfolio was not measured."


def test_the_share_of_the_attainable_is_told(evaluation):
    target = Target(5, 1)
    share = evaluation.find("lightgbm", target).whole.rank_ic.mean / (
        evaluation.find("attainable", target).whole.rank_ic.mean
    )
    assert f"lightgbm reaches {100 * share:.0f} % of the attainable RankIC at 5 sessions (lag 1)." in _texts(
        evaluation
    )
    ours = evaluation.find("lightgbm", Target(1, 1)).whole.rank_ic.mean
    text = _texts(evaluation, {Target(1, 1): 2 * ours})[-1]
    assert text.startswith("lightgbm reaches 50 % and ")


def test_ruin_and_constant_days_are_warnings():
    inputs = planted(targets=(Target(1, 0),), strengths={"m": 1.0}, days=100)
    score = inputs["scores"]["m"][Target(1, 0)]
    score[10] = np.where(np.isnan(score[10]), np.nan, 0.0)
    inputs["link"][31, np.nanargmin(score[30])] = 40.0
    warnings = _texts(evaluate(**inputs), warning=True)
    assert len(warnings) == 2
    assert f"lost everything on {inputs['sessions'][31]}" in warnings[0]
    assert "same for every stock on 1 session" in warnings[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (number(-0.0001), "0.000"),
        (number(-0.0016), "-0.002"),
        (number(NAN), NONE),
        (number(None), NONE),
        (percent(0.1234), "12.3 %"),
        (interval(-0.1, 0.25, 2), "-0.10 to 0.25"),
        (interval(NAN, 1.0), NONE),
        (listed([1]), "1"),
        (listed([1, 2, 3]), "1, 2 and 3"),
        (sessions([1]), "1 session"),
        (sessions([1, 5]), "1 and 5 sessions"),
        (percent(math.inf), NONE),
    ],
)
def test_wording(text, expected):
    assert text == expected
