"""The leak alarm stands right after the verdict, loud or calm."""

from __future__ import annotations

import re

import pytest

from gogooku3.cli.show import show_evaluation
from gogooku3.evaluation.evaluate import evaluate
from gogooku3.evaluation.report.html import render_report
from gogooku3.evaluation.report.markdown import to_markdown
from gogooku3.labels.target import Target
from tests.evaluation.synthetic import planted

H5 = Target(5, 1)


@pytest.fixture(scope="module")
def leaking():
    inputs = planted(strengths={"<leak>": 1.0}, targets=(H5,), days=120)
    inputs["scores"]["<leak>"] = {H5: inputs["labels"][H5]}
    return evaluate(**inputs)


def _section(evaluation, **given) -> tuple[str, str]:
    html = render_report(evaluation, title="t", **given)
    found = re.search(r'<section class="(alarms[^"]*)"[^>]*>(.*?)</section>', html, re.DOTALL)
    assert found is not None
    before = html[: found.start()]
    assert before.count("<section") == 1  # the verdict
    assert "<table" not in before
    return found[1], found[2]


def test_an_alarm_is_loud_on_the_page(leaking):
    kind, text = _section(leaking)
    assert kind == "alarms raised"
    assert "<strong>Leak alarm: 1.</strong> Flagged are" in text
    assert '<p class="warning">&lt;leak&gt; at 5 sessions, lag 1, has a RankIC of 1.000' in text
    assert text.count("<li>") == 4
    assert "Not looked at, for want of that target" in text


def test_no_alarm_is_one_calm_line(evaluation):
    kind, text = _section(evaluation)
    assert kind == "alarms"
    assert "<strong>No leak alarm.</strong> Flagged are a mean RankIC beyond 0.10" in text
    assert text.count("<p") == 1
    assert "warning" not in text


def test_the_attainable_that_is_given_is_heeded(leaking):
    assert _section(leaking, attainable={H5: 1.0})[0] == "alarms"


def test_in_markdown_it_follows_the_verdict(leaking, evaluation):
    calm = to_markdown(evaluation)
    assert calm.startswith("## Verdict\n\n- lightgbm ranks better than ridge")
    said = calm[calm.index("**No leak alarm.** Flagged are") :]
    assert said.splitlines()[1:5] == ["", "## Ranking and earnings", "", "### How well each model ranks"]
    loud = to_markdown(leaking)
    loud = loud[loud.index("**Leak alarm") :].splitlines()
    assert loud[0].startswith("**Leak alarm: 1.** Flagged are")
    assert loud[2].startswith("**&lt;leak> at 5 sessions, lag 1, has a RankIC of 1.000")
    assert loud[2].endswith("** Likely causes:")
    assert [line[:2] for line in loud[4:8]] == ["- "] * 4
    assert loud[8:10] == ["", "## Ranking and earnings"]


def test_the_terminal_shows_it_after_the_table(leaking, evaluation, capsys):
    show_evaluation(evaluation)
    calm = capsys.readouterr().out
    assert calm.index("No leak alarm. Flagged are") > calm.index("RankIC")
    assert "likely causes" not in calm
    show_evaluation(leaking)
    loud = capsys.readouterr().out
    assert loud.index("Leak alarm: 1. Flagged are") > loud.index("RankIC")
    assert "<leak> at 5 sessions, lag 1, has a RankIC of 1.000" in loud
    assert loud.count("  - ") == 4
