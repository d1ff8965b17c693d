"""The page in a browser: no error, no request, readable on a phone, usable by keyboard and screen reader."""

from __future__ import annotations

import re

import pytest

from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.report.html import render_parts, render_report
from gogooku3.evaluation.report.part import Part
from tests.evaluation.report.browser import open_page
from tests.evaluation.report.handmade import full_evidence

PLOTS = ["rank_ic", "deciles", "decay", "size", "equity", "cost", "capacity", "drawdown", "coverage"]
SETTINGS = [
    {"setting": f"a_rather.long_name_of_a_setting_{i}", "value": "x" * 90, "origin": "default"}
    for i in range(40)
]

STATE = """(function () {
  const all = (css) => [...document.querySelectorAll(css)];
  const change = () => {
    const chooser = document.getElementById("r1-target");
    chooser.value = "h1_d1";
    chooser.dispatchEvent(new Event("change"));
  };
  const shown = () => all(".years:not([hidden])").map((one) => one.dataset.target);
  const told = () => document.getElementById("r1-plot-rank_ic").getAttribute("aria-label");
  const first = { shown: shown(), told: told(), said: document.getElementById("r1-said").textContent };
  change();
  const then = { shown: shown(), told: told(), said: document.getElementById("r1-said").textContent };
  dispatchEvent(new Event("beforeprint"));
  const printed = {
    folded: all("details:not([open])").length,
    widths: all(".plot .main-svg").map((one) => one.getBoundingClientRect().width),
    paper: getComputedStyle(document.body).backgroundColor,
  };
  dispatchEvent(new Event("afterprint"));
  return {
    first, then, printed, folded: all("details:not([open])").length,
    drawn: all(".js-plotly-plot").map((one) => one.id),
    empty: all(".plot").filter((one) => one.data.length === 0).map((one) => one.id),
  };
})()"""

KEYBOARD = """(function () {
  const name = (one) => one.className || one.tagName.toLowerCase();
  const stops = [...document.querySelectorAll("a[href], select, summary, [tabindex]")]
    .filter((one) => one.checkVisibility());
  const outline = (one) => { one.focus({ focusVisible: true }); return getComputedStyle(one).outlineWidth; };
  const skip = document.querySelector(".skip");
  const away = skip.getBoundingClientRect().right;
  skip.focus();
  const near = skip.getBoundingClientRect().left;
  const scrolls = (box) => box.scrollWidth > box.clientWidth + 1;
  return {
    order: stops.map(name), jumps: stops.map((one) => one.tabIndex).filter((index) => index !== 0),
    outlines: [...new Set(stops.map(outline))], away, near,
    boxes: [...document.querySelectorAll(".scroll")]
      .map((box) => [scrolls(box), box.tabIndex, box.getAttribute("role")]),
  };
})()"""

WIDTH = """(function () {
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  const wide = [...document.querySelectorAll("body *")].filter((one) => !one.closest(".scroll, .skip, svg, .plot")
    && one.getBoundingClientRect().right > innerWidth + 0.5);
  return {
    page: document.scrollingElement.scrollWidth, window: innerWidth,
    wide: wide.map((one) => one.outerHTML.slice(0, 80)),
    boxes: [...document.querySelectorAll(".scroll")].some((box) => box.scrollWidth > box.clientWidth + 1),
  };
})()"""


@pytest.fixture(scope="module")
def page(evaluation):
    return render_report(full_evidence(evaluation), title="Report", context={"Settings": SETTINGS})


@pytest.fixture(scope="module")
def opened(page, tmp_path_factory):
    return open_page(page, tmp_path_factory.mktemp("open"), probe=STATE)


def test_every_plot_is_drawn_without_an_error(opened):
    assert opened.console == []
    assert opened.probed["drawn"] == [f"r1-plot-{name}" for name in PLOTS]
    assert opened.probed["empty"] == []


def test_the_chooser_changes_plots_years_and_what_is_announced(opened):
    first, then = opened.probed["first"], opened.probed["then"]
    assert first["shown"] == ["h5_d1"]
    assert first["said"] == ""  # nothing is announced before anything was chosen
    assert then["shown"] == ["h1_d1"]
    assert then["said"] == "Plots and years now show 1 session, lag 1."
    assert first["told"].startswith("Cumulative RankIC, 5 sessions, lag 1. ridge: ")
    assert then["told"].startswith("Cumulative RankIC, 1 session, lag 1. ridge: ")


def test_print_opens_what_is_folded_and_fits_the_plots_on_light_paper(opened):
    assert opened.probed["folded"] >= 1
    assert opened.probed["printed"]["folded"] == 0
    assert {round(width) for width in opened.probed["printed"]["widths"]} == {680}
    assert opened.probed["printed"]["paper"] == "rgb(255, 255, 255)"


def test_without_a_network_it_is_the_same(page, opened, tmp_path):
    alone = open_page(page, tmp_path, probe=STATE, more=["--host-resolver-rules=MAP * ~NOTFOUND"])
    assert alone.probed == opened.probed
    assert alone.console == []


def test_dark_is_dark_and_has_the_same_plots(page, opened, tmp_path):
    colours = """[getComputedStyle(document.body).backgroundColor,
      document.querySelector("#r1-plot-equity").layout.font.color]"""
    dark = open_page(page, tmp_path, probe=colours, more=["--blink-settings=preferredColorScheme=0"])
    assert dark.probed == ["rgb(18, 22, 29)", "#e7ebf2"]
    assert dark.console == []


def test_a_phone_scrolls_in_boxes_only(page, tmp_path):
    found = open_page(page, tmp_path, probe=WIDTH, width=375).probed
    assert found["window"] == 375
    assert found["wide"] == []
    assert found["page"] <= 375
    assert found["boxes"]  # there was something to scroll


def test_the_keyboard_reaches_everything_in_order(page, tmp_path):
    found = open_page(page, tmp_path, probe=KEYBOARD, width=700).probed
    order = found["order"]
    assert found["jumps"] == []  # no positive index, and nothing visible that is out of reach
    assert order[0] == "skip"
    assert order.index("select") > order.index("scroll") > 1  # the first tables stand before the plots
    assert order.count("select") == 1
    assert order.count("summary") == 2
    assert found["outlines"] == ["3px"]
    assert found["away"] < 0 <= found["near"]
    for scrolls, index, role in found["boxes"]:
        assert (index, role) == ((0, "region") if scrolls else (-1, None))


def test_several_runs_share_a_page(evaluation, tmp_path):
    parts = [
        Part(title="first", evidence=full_evidence(evaluation), basis={"data": "x"}),
        Part(title="second", evidence=Evidence(evaluation=evaluation), basis={"data": "x"}),
    ]
    probe = """[...document.querySelectorAll(".js-plotly-plot")].map((one) => one.id)"""
    html = render_parts(parts, title="two")
    found = open_page(html, tmp_path, probe=probe)
    assert found.console == []
    bare = [name for name in PLOTS if name not in {"decay", "size", "cost", "capacity"}]
    assert found.probed == [f"r1-plot-{name}" for name in PLOTS] + [f"r2-plot-{name}" for name in bare]
    phone = open_page(html, tmp_path, probe=WIDTH, width=375).probed
    assert (phone["page"], phone["wide"]) == (375, [])


def test_colours_have_contrast(page):
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in style.split("@media", 2)[:2]
    )
    for scheme in (light, dark):
        for back in ("page", "card"):
            assert all(_contrast(scheme[name], scheme[back]) >= 4.5 for name in ("text", "quiet", "accent"))
            lines = [name for name in scheme if re.fullmatch(r"c\d|bench", name)]
            assert len(lines) == 7
            assert all(_contrast(scheme[name], scheme[back]) >= 3 for name in lines)
        assert _contrast(scheme["warn"], scheme["warn-back"]) >= 4.5
        assert _contrast(scheme["text"], scheme["warn-back"]) >= 4.5


def _contrast(one: str, two: str) -> float:
    """Of WCAG 2: relative luminances, the lighter over the darker."""
    light, dark = sorted((_luminance(one), _luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
