"""The page: self-contained, escaped, of bearable size, and drawn without an error."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.evaluate import evaluate
from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.report.figures import figure_data
from gogooku3.evaluation.report.html import render_report
from gogooku3.evaluation.report.reference import Reference
from gogooku3.evaluation.report.wording import number, percent
from gogooku3.labels.target import Target
from tests.evaluation.synthetic import planted

NASTY = "</script><script>alert('x')</script>"
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Elements with their attributes, and the text of each kind of element."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.text.setdefault(tag, []).append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"{tag} is closed out of order"

    def handle_data(self, data):
        if self.open:
            self.text[self.open[-1]][-1] += data


@pytest.fixture(scope="module")
def html(evaluation):
    return render_report(
        evaluation,
        title=f"Report of {NASTY}",
        context={
            "Data & <lineage>": {"file": NASTY, "rows": 3, "absent": None},
            "Settings": [{"setting": "a.b", "value": (1, 5), "origin": "default"}],
            "Faults": [],
        },
        references=[
            Reference(
                name=NASTY, model="ridge", target=Target(5, 1), rank_ic=0.01, note="A simulated market."
            )
        ],
    )


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_every_element_is_closed(page):
    assert page.open == []
    assert page.elements[0][0] == "html"


def test_nothing_is_loaded_from_outside(page):
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data"):
            value = attributes.get(name)
            assert value in (None, "data:,") or value.startswith("#"), (tag, attributes)
    style = " ".join(page.text["style"])
    assert "url(" not in style
    assert "@import" not in style


def test_size_is_bearable(html):
    assert 4e6 < len(html.encode()) < 8e6


def test_text_from_outside_is_escaped(html, page):
    assert NASTY not in html
    assert sum(tag == "script" for tag, _ in page.elements) == 3
    assert page.text["title"] == [f"Report of {NASTY}"]
    assert NASTY in page.text["td"]


def test_the_context_is_shown(page):
    assert {"Data & <lineage>", "Settings", "Faults"} <= set(page.text["summary"])
    cells = page.text["td"] + page.text["th"]
    assert {"a.b", "[1, 5]", "default", "none", "nothing"} <= set(cells)


def test_the_numbers_of_the_evaluation_are_in_the_table(page, evaluation):
    cells = page.text["td"]
    for result in evaluation.results:
        assert f"{result.whole.rank_ic.mean:.3f}" in cells
        assert f"{result.whole.portfolio.sharpe_daily:.3f}" in cells
    assert "Of attainable" in page.text["th"]
    assert "Theirs" in page.text["th"]


def _rows(page) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of a page that is one table."""
    texts = {kind: iter(page.text.get(kind, ())) for kind in ("th", "td")}
    head, rows = [], []
    for tag, attributes in page.elements:
        if tag == "tr":
            rows.append([])
        elif tag in texts:
            (head if attributes.get("scope") == "col" else rows[-1]).append(next(texts[tag]))
    return head, rows[1:]


def test_every_figure_of_every_year_is_in_the_table_of_its_target(html, evaluation):
    tables = dict(
        re.findall(r'<div class="years" data-run="r1-" data-target="(\w+)">(.*?)</table>', html, re.DOTALL)
    )
    assert list(tables) == ["h1_d1", "h5_d0", "h5_d1"]
    for result in evaluation.results:
        page = Page(tables[str(result.target)] + "</table></div>")
        head, rows = _rows(page)
        assert head == [
            "Model",
            "Year",
            "RankIC",
            "IC",
            "Decile spread",
            "Turnover a session",
            "Gross a year",
            "Net a year",
        ]
        for period in result.periods:
            year = "All" if period.period == "all" else period.period
            shares = [period.spread.mean, period.portfolio.turnover]
            shares += [period.portfolio.gross_annual, period.portfolio.net_annual]
            cells = [percent(x, 2 - min(k, 1)) for k, x in enumerate(shares)]
            expected = [number(period.rank_ic.mean), number(period.ic.mean), *cells]
            assert [result.model, year, *expected] in rows


def test_icir_and_spread_have_their_t(page, evaluation):
    start = page.text["th"].index("ICIR")
    assert page.text["th"][start : start + 4] == ["ICIR", "t of IC", "Decile spread", "t of spread"]
    whole = evaluation.find("lightgbm", Target(5, 1)).whole
    cells = [f"{whole.ic.ratio:.2f}", f"{whole.ic.t:.1f}"]
    cells += [f"{100 * whole.spread.mean:.2f} %", f"{whole.spread.t:.1f}"]
    assert any(page.text["td"][at : at + 4] == cells for at in range(len(page.text["td"])))


def test_the_data_of_the_plots_is_the_evaluation(page, evaluation):
    (data,) = json.loads(page.text["script"][0])
    assert data["stride"] == 1
    assert data["first"] == "h5_d1"
    assert [model["name"] for model in data["models"]] == ["ridge", "lightgbm", "attainable"]
    assert [model["benchmark"] for model in data["models"]] == [False, False, True]
    series = data["targets"]["h5_d1"]["models"]["lightgbm"]
    whole = evaluation.find("lightgbm", Target(5, 1)).whole
    last = [value for value in series["rank_ic"] if value is not None][-1]
    assert last == pytest.approx(whole.rank_ic.mean * whole.rank_ic.days, rel=1e-4)
    assert series["deciles"] == pytest.approx([100 * mean for mean in whole.decile_means], rel=1e-4)
    assert min(v for v in series["drawdown"] if v is not None) == pytest.approx(
        -100 * whole.portfolio.max_drawdown, rel=1e-4
    )
    assert len(series["net"]) == len(data["dates"]) == len(evaluation.sessions)


def test_every_table_and_plot_says_how_to_read_it(page, html):
    assert len(re.findall(r'<figcaption class="note">[^<]{20,}', html)) == 5
    headed = re.findall(r'<div class="block">\s*<h3[^>]*>[^<]+</h3>\s*(<p class="note">[^<]{20,})?', html)
    assert len(headed) == 8
    assert all(headed)


def test_a_single_model_and_year_has_a_page_without_comparisons():
    inputs = planted(days=120, targets=(Target(1, 0),), strengths={NASTY: 2.0}, start="2020-02-03", stocks=25)
    html = render_report(evaluate(**inputs), title="small")
    page = Page(html)
    assert NASTY not in html
    assert "Which model ranks better" not in html
    assert any(NASTY in cell for cell in page.text["th"])
    assert json.loads(page.text["script"][0])[0]["models"][0]["name"] == NASTY


def test_many_series_are_thinned_to_stay_small(evaluation):
    data = figure_data(Evidence(evaluation=evaluation), {}, most_points=3000)
    assert data["stride"] == 5
    assert data["dates"][-1] == str(evaluation.sessions[-1])
    assert len(data["dates"]) == 84
    assert len(data["targets"]["h1_d1"]["models"]["ridge"]["net"]) == 84


def test_context_rows_must_agree(evaluation):
    with pytest.raises(EvaluationError, match="columns"):
        render_report(evaluation, title="t", context={"rows": [{"a": 1}, {"b": 2}]})
