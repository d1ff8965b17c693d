"""The page as a screen reader meets it: headings, captions, scopes, names; the order of its sections."""

from __future__ import annotations

import itertools
import re

import pytest

from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.report.html import render_parts, render_report
from gogooku3.evaluation.report.part import Part
from tests.evaluation.report.handmade import full_evidence
from tests.evaluation.report.test_html import Page

CONTEXT = {"Data": {"rows": 3}, "Settings": [{"setting": "a", "value": 1, "origin": "default"}]}


@pytest.fixture(scope="module", params=["full", "bare", "several"])
def html(request, evaluation):
    full, bare = full_evidence(evaluation), Evidence(evaluation=evaluation)
    if request.param == "several":
        parts = [
            Part(title="<a>", evidence=full, context=CONTEXT),
            Part(title="b", evidence=bare, basis={"data": "y"}),
        ]
        return render_parts(parts, title="two")
    return render_report(full if request.param == "full" else bare, title="one", context=CONTEXT)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_headings_go_down_one_level_at_a_time(page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_table_has_a_caption_and_scoped_headers(html, page):
    tables = re.findall(r"<table>(.*?)</table>", html, re.DOTALL)
    assert len(tables) > 10
    for table in tables:
        assert re.match(r'\s*<caption class="unseen">[^<]+</caption>', table)
        head, body = table.split("</thead>")
        assert 'scope="col"' in head
        rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.DOTALL)
        assert all(row.startswith('<th scope="row"') or "colspan" in row for row in rows)
    assert all(attributes.get("scope") in {"row", "col"} for tag, attributes in page.elements if tag == "th")


def test_ids_are_unique_and_what_refers_to_them_finds_them(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        href = attributes.get("href") or ""
        wanted = [
            attributes.get("for"),
            attributes.get("aria-labelledby"),
            href[1:] if href[:1] == "#" else None,
        ]
        assert all(name in ids for name in wanted if name is not None)


def test_regions_navigations_and_plots_have_names(page):
    for tag, attributes in page.elements:
        if tag in {"nav", "section"} or attributes.get("role") in {"region", "img"}:
            assert attributes.get("aria-label") or attributes.get("aria-labelledby"), (tag, attributes)
    names = [attributes["aria-label"] for tag, attributes in page.elements if tag == "nav"]
    assert len(names) == len(set(names))


def test_the_page_says_what_it_may_load(page):
    policy = next(
        a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.split("; ") == [
        "default-src 'none'",
        "script-src 'unsafe-inline'",
        "style-src 'unsafe-inline'",
        "img-src data:",
    ]


def test_sections_stand_in_the_order_of_a_bettor(evaluation):
    html = render_report(full_evidence(evaluation), title="one", context=CONTEXT)
    order = re.findall(r'<h2 id="r1-(\w+)"', html)
    assert order == [
        "verdict", "ranking", "plots", "anatomy", "trading", "tries", "drift", "years", "checks", "context",
    ]  # fmt: skip
    assert re.findall(r'href="#r1-(\w+)"', html) == ["verdict", *order[1:]]
    assert html.index('class="alarms') < html.index('id="r1-ranking"')


def test_only_long_tables_are_folded(evaluation):
    html = render_report(full_evidence(evaluation), title="one")
    folded = re.findall(
        r'<h3 id="[^"]+">([^<]+)</h3>\s*<p class="note">[^<]+</p>\s*<details><summary>(\d+) rows', html
    )
    assert [(title.split(" (")[0], int(rows) > 30) for title, rows in folded] == [
        ("RankIC within each sector", True)
    ]
