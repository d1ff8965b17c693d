"""Several runs on one page: side by side, never ranked, and told apart where they are not comparable."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.evaluate import evaluate
from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.report import html as html_module
from gogooku3.evaluation.report.comparable import comparability, differences
from gogooku3.evaluation.report.html import render_parts
from gogooku3.evaluation.report.markdown import parts_to_markdown
from gogooku3.evaluation.report.part import Part
from gogooku3.evaluation.report.plain import part_to_dict, parts_to_dict
from gogooku3.evaluation.report.reference import Reference
from gogooku3.evaluation.report.side_by_side_table import side_by_side_table
from gogooku3.labels.target import Target
from tests.evaluation.report.handmade import full_evidence
from tests.evaluation.synthetic import planted

BASIS = {"data": "content 1", "folds": "2019"}


@pytest.fixture(scope="module")
def parts(evaluation):
    return [
        Part(title="a<1>", evidence=Evidence(evaluation=evaluation), basis=BASIS),
        Part(title="b", evidence=full_evidence(evaluation), basis=BASIS),
    ]


def _other(parts, **changes):
    return [parts[0], dataclasses.replace(parts[1], **changes)]


def test_runs_that_agree_are_comparable(parts):
    assert differences(parts) is None
    page = render_parts(parts, title="two")
    assert "not comparable" not in page
    assert "same data, folds and sessions" in page


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"basis": {**BASIS, "data": "content 2"}}, ["data", "content 1", "content 2"]),
        ({"basis": {"data": "content 1"}}, ["folds", "2019", "not known"]),
        ({"basis": {**BASIS, "more": "x"}}, ["more", "not known", "x"]),
    ],
)
def test_another_basis_is_named(parts, changes, expected):
    table = differences(_other(parts, **changes))
    assert [list(row) for row in table.rows] == [expected]
    assert list(table.columns) == ["What", "a<1>", "b"]


def test_other_sessions_targets_and_ways_of_judging_are_named(parts):
    inputs = planted(days=300, targets=(Target(5, 1),), strengths={"ridge": 1.0})
    settings = parts[0].evidence.evaluation.settings
    changed = settings.model_copy(
        update={"portfolio": settings.portfolio.model_copy(update={"cost_bps": 20.0})}
    )
    other = evaluate(**inputs, settings=changed)
    table = differences(_other(parts, evidence=Evidence(evaluation=other)))
    assert {row[0]: list(row[1:]) for row in table.rows} == {
        "sessions tested": [
            "2019-06-03 to 2021-01-08, 420 sessions",
            "2019-06-03 to 2020-07-24, 300 sessions",
        ],
        "targets": ["h1_d1, h5_d0, h5_d1", "h5_d1"],
        "judged by portfolio.cost_bps": ["10.0", "20.0"],
    }


def test_what_is_not_comparable_is_said_on_the_page_and_in_markdown(parts):
    differing = _other(parts, basis={**BASIS, "data": "content 2"})
    sentence = comparability(differences(differing))
    assert sentence.startswith("The runs are not comparable")
    page = render_parts(differing, title="two")
    text = parts_to_markdown(differing, title="two")
    assert f'<p class="warning">{sentence}</p>' in page
    assert (
        page.index(sentence)
        < page.index("What differs between the runs")
        < page.index("Figures side by side")
    )
    assert sentence in text
    assert "| data | content 1 | content 2 |" in text


def test_every_run_has_its_headline_and_its_sections(parts):
    page = render_parts(parts, title="two")
    assert '<li><a href="#r1-run">a&lt;1&gt;</a>: lightgbm ranks better than ridge' in page
    for prefix, keys in (
        ("r1", ["ranking", "plots", "years"]),
        ("r2", ["ranking", "plots", "anatomy", "drift"]),
    ):
        assert all(f'id="{prefix}-{key}"' in page for key in keys)
    assert 'id="r1-anatomy"' not in page
    text = parts_to_markdown(parts, title="two")
    assert text.startswith("# two\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE)[-2:] == ["a&lt;1>", "b"]
    assert "### What has moved since training" in text


def test_figures_stand_side_by_side_and_none_is_called_best(parts):
    table = side_by_side_table(parts)
    assert table.best == frozenset()
    assert [list(row[:4]) for row in table.rows[:4]] == [
        ["1", "1", "a<1>", "ridge"],
        ["1", "1", "a<1>", "lightgbm"],
        ["1", "1", "b", "ridge"],
        ["1", "1", "b", "lightgbm"],
    ]
    assert table.rows[0][4:] == table.rows[2][4:]
    assert table.groups == {4, 8 + 0}
    assert {table.rows[row][1] for row in table.quiet} == {"0"}


def test_lines_are_thinned_so_that_many_runs_stay_below_the_limit(parts, monkeypatch):
    many = [dataclasses.replace(parts[0], title=str(number)) for number in range(5)]
    size = len(render_parts(many, title="many").encode())
    assert size < 8e6
    monkeypatch.setattr(html_module, "_MOST_BYTES", size - 100_000)
    page = render_parts(many, title="many")
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert [run["stride"] for run in json.loads(data)] == [2] * 5
    monkeypatch.setattr(html_module, "_MOST_BYTES", 1_000_000)
    with pytest.raises(EvaluationError, match="fewer runs"):
        render_parts(many, title="many")


def test_no_run_is_no_page():
    with pytest.raises(EvaluationError, match="nothing to report"):
        render_parts([], title="none")


def test_plain_data_hold_all_that_is_on_the_page(parts, evaluation):
    reference = Reference(name="x", model="ridge", target=Target(5, 1), rank_ic=0.01, note="n")
    context = {"Data": {"rows": 3, "span": (1, float("nan"))}}
    part = dataclasses.replace(parts[1], context=context, references=(reference,))
    found = part_to_dict(part)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["evaluation"] == evaluation.to_dict()
    assert [row["text"] for row in found["verdict"]] == [sentence.text for sentence in part.sentences]
    assert [row["warning"] for row in found["verdict"]].count(True) == 2
    assert len(found["anatomies"]) == len(found["tradings"]) == 6
    assert found["anatomies"][0]["neutral"]["sector"]["mean"] == 0.05
    assert found["tradings"][0]["books"][0]["summary"]["net_annual"] == 0.1
    assert found["tries"]["tries"][0]["track_record"] is None  # never
    assert [row["kind"] for row in found["drift"]["alarms"]] == ["stability", "rank ic"]
    assert found["references"][0]["target"] == "h5_d1"
    assert found["context"] == {"Data": {"rows": 3, "span": [1, None]}}
    bare = part_to_dict(parts[0])
    assert (bare["tries"], bare["drift"], bare["anatomies"]) == (None, None, [])
    together = parts_to_dict(parts, title="two")
    assert (together["comparable"], together["differences"]) == (True, [])
    assert together["side_by_side"][0]["Run"] == "a<1>"
    assert [run["title"] for run in together["runs"]] == ["a<1>", "b"]
