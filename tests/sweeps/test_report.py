from __future__ import annotations

import re
from pathlib import Path

import pytest

from gogooku3.sweeps.driver import Driver
from gogooku3.sweeps.engines.protocol import Facts, Report
from gogooku3.sweeps.honesty import judge
from gogooku3.sweeps.report import HTML, MARKDOWN, importance_of, write_report
from tests.sweeps.stand_in import SETTINGS, driver, rate


def sometimes(task: Facts, report: Report) -> Facts:
    if task["number"] == 1:
        raise ValueError("<b>broken</b> | twice")
    return rate(task, report)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    settings = SETTINGS.model_copy(update={"trials": 12, "pruner": "none"})
    made = driver(tmp_path_factory.mktemp("report"), sometimes, settings=settings)
    made.run()
    return made


def test_the_page_holds_everything_and_asks_for_nothing(done: Driver) -> None:
    folder, study = done.course.folder, done.studies[0]
    honesty = judge(done.ledger)
    assert write_report(folder, study, done.ledger, honesty) == folder / HTML
    page, text = (folder / HTML).read_text(), (folder / MARKDOWN).read_text()
    for name in (
        "What was found, and what may be believed",
        "Trials",
        "What mattered",
        "Value by each setting",
    ):
        assert name in page
    assert not re.search(r'<(?:script|link|img|iframe)[^>]*(?:src|href)="', page)
    assert "<b>broken" not in page
    assert "&lt;b&gt;broken" in page
    assert honesty.sentence() in text
    best = study.best_trial
    assert re.search(rf"\| {best.number} \| complete \| {best.value:.4f} ", text)
    assert r"\| twice" in text


def test_what_decides_the_value_mattered_most(done: Driver) -> None:
    found = importance_of(done.studies[0])
    assert next(iter(found)) == "optimizer.learning_rate"
    assert sum(found.values()) == pytest.approx(1.0)


def test_a_search_that_has_just_begun_has_a_page(tmp_path: Path) -> None:
    made = driver(tmp_path)
    page = write_report(tmp_path, made.studies[0], made.ledger, judge(made.ledger))
    assert "Nothing can be believed" in page.read_text()
    assert importance_of(made.studies[0]) == {}
