"""Every sentence beyond the evaluation's own, and when it is said."""

from __future__ import annotations

import dataclasses

import pytest

from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.report.verdict import verdict
from gogooku3.evaluation.report.verdict_trading import carried
from gogooku3.labels.target import Target
from tests.evaluation.report.handmade import (
    NAN,
    alarm,
    anatomy,
    drift,
    full_evidence,
    neutral,
    one_try,
    series,
    trading,
    tries,
)
from tests.evaluation.report.test_verdict import _altered

ONE, FIVE = Target(1, 1), Target(5, 1)


def said(evaluation, *, warning: bool = False, **parts) -> list[str]:
    found = verdict(Evidence(evaluation=evaluation, **parts), {})
    return [sentence.text for sentence in found if sentence.warning == warning]


def beyond(evaluation, **parts) -> list[str]:
    """What is said besides the evaluation's own sentences."""
    own = said(evaluation)
    return [text for text in said(evaluation, **parts) if text not in own]


def test_an_evaluation_alone_says_nothing_more(evaluation):
    assert len(said(evaluation)) == 5
    assert beyond(evaluation, tries=None, drift=None) == []
    stranger = [trading("ridge", FIVE), trading("lightgbm", Target(5, 0))]  # not the leader, not the lag
    assert beyond(evaluation, tradings=tuple(stranger), anatomies=(anatomy("ridge", FIVE, None),)) == []
    assert beyond(evaluation, tries=tries([one_try("ridge", FIVE)])) == []


SURVIVES, LOST = "survives false-discovery control at 5 %", "does not survive"


@pytest.mark.parametrize(
    ("one", "five", "expected", "adjusted"),
    [
        (0.0004, 0.05, f"{SURVIVES} at every horizon", "< 0.001 and 0.050"),
        (0.051, 0.01, f"{SURVIVES} at 5 sessions and {LOST} at 1 session", "0.051 and 0.010"),
        (0.4, 1.0, f"{LOST} false-discovery control at 5 % at every horizon", "0.400 and 1.000"),
        (NAN, 0.01, f"{SURVIVES} at 5 sessions and was not tested at 1 session", "0.010"),
        (0.2, 0.2, f"{LOST} false-discovery control at 5 % at every horizon", "0.200"),
        (NAN, NAN, "was not tested at every horizon", None),
    ],
)
def test_what_survives_false_discovery_control(evaluation, one, five, expected, adjusted):
    found = tries([one_try("lightgbm", FIVE, five), one_try("lightgbm", ONE, one), one_try("ridge", ONE)])
    shown = f" (p adjusted for any dependence {adjusted})" if adjusted else ""
    assert beyond(evaluation, tries=found)[0] == f"Of 3 tries, lightgbm's RankIC {expected}{shown}."


def test_a_ranking_that_is_surely_bad_does_not_survive(evaluation):
    turned = _altered(
        evaluation, "lightgbm", {ONE: {"rank_ic": {"mean": -0.02, "low": -0.03, "high": -0.01}}}
    )
    found = tries([one_try("lightgbm", ONE), one_try("lightgbm", FIVE)])
    (first, _) = beyond(turned, tries=found)
    assert (
        "survives false-discovery control at 5 % at 5 sessions and is reliably below zero at 1 session"
        in first
    )


ABOVE, LUCK = "is above what luck among so many tries explains", "may be luck among so many tries"
PBO = "; the probability of backtest overfitting is 12 %"
COUNT = " (2 portfolios, about 2.4 independent ones)"


@pytest.mark.parametrize(
    ("one", "five", "changes", "expected", "rest"),
    [
        (0.95, 0.99, {}, f"{ABOVE} at every horizon", f"95.0 % and 99.0 %){PBO}{COUNT}"),
        (
            0.949,
            0.97,
            {},
            f"{ABOVE} at 5 sessions and {LUCK} at 1 session",
            f"94.9 % and 97.0 %){PBO}{COUNT}",
        ),
        (
            NAN,
            0.3,
            {"overfitting": NAN},
            f"{LUCK} at 5 sessions and was not deflated at 1 session",
            f"30.0 %){COUNT}",
        ),
        (0.1, 0.3, {"effective_trials": NAN}, f"{LUCK} at every horizon", f"10.0 % and 30.0 %){PBO}"),
    ],
)
def test_the_deflated_sharpe_ratio(evaluation, one, five, changes, expected, rest):
    found = tries(
        [one_try("lightgbm", ONE, deflated=one), one_try("lightgbm", FIVE, deflated=five)], **changes
    )
    assert (
        beyond(evaluation, tries=found)[1]
        == f"Its net Sharpe ratio {expected} (deflated, probability {rest}."
    )


def test_a_sharpe_ratio_that_cannot_be_deflated(evaluation):
    found = tries([one_try("lightgbm", ONE, deflated=NAN)], overfitting=NAN, effective_trials=NAN)
    assert beyond(evaluation, tries=found)[1] == "Its Sharpe ratio could not be deflated."


def test_a_single_try(evaluation):
    alone = tries([one_try("lightgbm", ONE, deflated=0.97)], trials=1, effective_trials=1.0, overfitting=NAN)
    found = beyond(evaluation, tries=alone)
    assert found[0].startswith(
        "Tried once, lightgbm's RankIC survives false-discovery control at 5 % at 1 session"
    )
    assert found[1] == (
        "Its net Sharpe ratio is above what luck explains at 1 session (deflated, probability 97.0 %)."
    )


def test_what_is_left_without_sectors_and_styles(evaluation):
    styles = "the linear effects of size (log turnover), beta and volatility"
    both = (anatomy("lightgbm", FIVE, neutral(0.03, -0.05)), anatomy("lightgbm", ONE, neutral(0.02, 0.005)))
    assert beyond(evaluation, anatomies=both) == [
        "Without sector means lightgbm's RankIC is 0.020 and 0.030, better than chance at every horizon; without "
        f"{styles} it is 0.005 and -0.050, nowhere better than chance, not distinguishable from chance at 1 session, "
        "worse than chance at 5 sessions (1 and 5 sessions)."
    ]
    unknown = dataclasses.replace(neutral(), sector=series(NAN))
    assert beyond(evaluation, anatomies=(anatomy("lightgbm", FIVE, unknown),)) == [
        f"Without sector means lightgbm's RankIC was not measured; without {styles} it is 0.040, better than chance "
        "at every horizon (5 sessions)."
    ]
    assert beyond(evaluation, anatomies=(anatomy("lightgbm", FIVE, None),)) == [
        "Whether sectors, size, beta or volatility carry lightgbm's ranking was not measured."
    ]


def test_long_only_against_the_universe(evaluation):
    found = beyond(evaluation, tradings=(trading("lightgbm", FIVE, active=-0.01), trading("lightgbm", ONE)))
    assert found[0] == (
        "Long only after costs, lightgbm returned 8.0 % and 8.0 % a year at 1 and 5 sessions, which is 3.0 % and "
        "-1.0 % beyond equal weights in the universe without costs (information ratio 0.60 and -0.20)."
    )
    for active in (None, NAN):
        found = beyond(evaluation, tradings=(trading("lightgbm", FIVE, active=active),))
        assert found[0] == "Long only, lightgbm was not measured against the universe."


def test_the_account(evaluation):
    terms = (
        "capital of 100 million, lots of 100, commission of 1 bp, half the spread as estimated from daily bars, "
        "impact and borrowing at 115 bps a year"
    )
    found = beyond(
        evaluation,
        tradings=(trading("lightgbm", ONE, account=-0.02), trading("lightgbm", FIVE, account=0.005)),
    )
    assert found[1] == (
        f"A realistic account ({terms}) cannot be told from zero at 5 sessions and loses at 1 session: -2.0 % and "
        "0.5 % a year net."
    )
    found = beyond(evaluation, tradings=(trading("lightgbm", FIVE, account=NAN),))
    assert found[1] == f"A realistic account ({terms}) could not be measured."
    found = beyond(evaluation, tradings=(trading("lightgbm", FIVE, account=None, capacity=()),))
    assert found[1:] == ["No account with lots, spread and impact was simulated for lightgbm."]


def test_capital_is_told_for_horizons_that_agree_together(evaluation):
    found = beyond(evaluation, tradings=(trading("lightgbm", ONE), trading("lightgbm", FIVE)))
    span, stops = "from 10 million to 1 billion", "stops paying between 100 million and 1 billion"
    assert found[2] == f"With other capital, {span}, that account {stops} at any horizon."
    never = trading("lightgbm", ONE, capacity=(-0.1, -0.2, -0.3))
    found = beyond(evaluation, tradings=(never, trading("lightgbm", FIVE)))
    assert found[2] == (
        f"With other capital, {span}, that account does not pay at 1 session, {stops} at 5 sessions."
    )


@pytest.mark.parametrize(
    ("nets", "expected"),
    [
        ((0.1, 0.05, -0.1), "stops paying between 100 million and 1 billion"),
        ((0.1, 0.05, 0.01), "always pays"),
        ((-0.1, 0.0, -0.1), "does not pay"),
        ((-0.1, 0.1, 0.2), "pays from 100 million on"),
        ((-0.1, 0.1, -0.2), "pays from 100 million on and stops paying between 100 million and 1 billion"),
        ((0.1, -0.1, 0.2), "pays with 10 million and 1 billion only"),
        ((NAN, 0.1, -0.2), "pays from 100 million on and stops paying between 100 million and 1 billion"),
        ((NAN, NAN), "was not measured"),
    ],
)
def test_what_capital_is_carried(nets, expected):
    assert carried(trading("m", FIVE, capacity=nets).capacity) == expected


def test_drift_is_a_warning_a_kind_or_a_calm_sentence(evaluation):
    found = drift(
        alarm("stability", "2019: a has moved."),
        alarm("stability", "2020: b has moved."),
        alarm("rank ic", "2020: ridge fell."),
    )
    assert said(evaluation, drift=found, warning=True) == [
        "Drift, a distribution has moved: 2019: a has moved. (1 more of this kind in the table of drift)",
        "Drift, the ranking may have stopped working: 2020: ridge fell.",
    ]
    assert beyond(evaluation, drift=found) == []
    assert beyond(evaluation, drift=drift()) == ["No drift alarm. Watched: 2 folds, 1 feature and 1 score."]


def test_a_ruined_book_is_a_warning(evaluation):
    found = trading("lightgbm", FIVE)
    default, alone, *rest = found.books
    lost = [dataclasses.replace(book, ruined="2020-03-09") for book in (default, alone)]
    ruined = dataclasses.replace(found, books=(*lost, *rest))
    assert said(evaluation, tradings=(ruined,), warning=True) == [  # the default portfolio speaks for itself
        "The book decile long-only of lightgbm at 5 sessions, lag 1 lost everything on 2020-03-09; nothing is held "
        "after that."
    ]


def test_other_models_are_told_of_while_there_is_room(evaluation):
    everything = full_evidence(evaluation)
    texts = [sentence.text for sentence in verdict(everything, {}) if not sentence.warning]
    assert len(texts) <= 10
    assert not any(text.startswith("ridge: ") for text in texts)
    fewer = dataclasses.replace(everything, tradings=())
    texts = [sentence.text for sentence in verdict(fewer, {}) if not sentence.warning]
    assert len(texts) == 8
    assert texts[3].startswith("ridge: mean RankIC ")
    assert texts[5].startswith("Of 6 tries, lightgbm's ")
