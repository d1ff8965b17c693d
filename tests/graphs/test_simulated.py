"""The default graph finds the simulated market's hidden groups and leaders; the guide's table is what is measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gogooku3.graphs.settings import GraphSettings
from gogooku3.sources.simulation.settings import SimulationSettings
from tests.graphs.groups import found, truth

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "graphs.md"


def test_most_followers_have_their_group_and_their_leader_among_their_neighbours() -> None:
    market = truth(SimulationSettings(stocks=120, sessions=330, seed=3))
    sessions = range(300, 330, 10)
    default = found(market, GraphSettings(), sessions)
    assert default.group > 0.85
    assert default.leader > 0.85
    assert default.largest > 0.8  # so its relative turnover tells the leader from the rest of the group
    short = found(market, GraphSettings(window=60, min_common=30), sessions)
    assert short.group < default.group - 0.05
    raw = found(market, GraphSettings(by="return"), sessions)
    assert raw.group < default.group - 0.02


@pytest.mark.slow
def test_the_guide_says_what_is_measured() -> None:
    market = truth(SimulationSettings(stocks=400, sessions=600, seed=1))
    rows = re.findall(
        r"^\| (\w+) \| (\d+) \| (\d+) \| (.+) \|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(rows) >= 9
    for by, window, neighbours, figures in rows:
        settings = GraphSettings.model_validate(
            {
                "by": by,
                "window": int(window),
                "min_common": min(60, int(window) // 2),
                "neighbours": int(neighbours),
            }
        )
        got = found(market, settings, range(520, 600, 20))
        said = [float(figure) for figure in figures.split(" | ")]
        assert said == pytest.approx([got.group, got.leader, got.largest], abs=0.006), (
            by,
            window,
            neighbours,
        )
