"""The tables of the anatomy: what is shown, in which order, and what is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gogooku3.evaluation.anatomy.anatomy import Anatomy, Exposure
from gogooku3.evaluation.anatomy.dissect import dissect
from gogooku3.evaluation.anatomy.settings import AnatomySettings
from gogooku3.evaluation.report.anatomy_tables import anatomy_tables
from gogooku3.labels.target import Target
from tests.evaluation.anatomy.markets import SETTINGS, grids, view

TITLES = (
    "How long the ranking lasts",
    "RankIC within each sector",
    "Within each size bucket",
    "How long the scores stay the same",
    "What is left of the RankIC",
    "What the scores resemble",
)


def _anatomy(model: str, target: Target, seed: int = 0, **changes) -> Anatomy:
    score, label = grids(seed)
    return dissect(
        model,
        target,
        score,
        label,
        view=view(**changes),
        label_of=lambda horizon: grids(horizon)[1],
        settings=SETTINGS.model_copy(
            update={"anatomy": AnatomySettings(decay_horizons=(1, 5), persistence_sessions=(1, 5))}
        ),
    )


@pytest.fixture(scope="module")
def anatomies() -> list[Anatomy]:
    made = [_anatomy("a", Target(5, 1)), _anatomy("b", Target(5, 1), 3), _anatomy("a", Target(1, 0))]
    series = made[0].decay[0].rank_ic
    exposures = tuple(Exposure(feature=f"f{n}", correlation=replace(series, mean=-0.1)) for n in range(12))
    return [made[2], replace(made[0], exposures=exposures), made[1]]


def test_every_part_has_its_table_of_the_headline_target(anatomies):
    tables = anatomy_tables(anatomies)
    assert [table.title.startswith(title) for table, title in zip(tables, TITLES, strict=True)] == [True] * 6
    for table in tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert table.note.endswith(".")
        assert table.to_markdown()
    decay, sectors, sizes, persistence, neutral, exposures = tables
    assert "5 sessions, lag 1" in decay.title
    assert decay.columns[1:4] == ["a: RankIC", "a: interval", "a: t"]
    assert [row[0] for row in decay.rows] == ["1", "5"]
    assert decay.rows[1][1] == f"{anatomies[1].decay[1].rank_ic.mean:.3f}"
    assert "1 group with too few names left out" in sectors.note
    assert [row[0] for row in sizes.rows] == ["a"] * 5 + ["b"] * 5
    assert sizes.groups == {5}
    assert [row[:3] for row in persistence.rows] == [["5", "1", "a"], ["5", "1", "b"], ["1", "0", "a"]]
    assert persistence.groups == {2}
    assert "made up" in neutral.note
    assert len(exposures.rows) == 10
    assert "10 strongest of 12" in exposures.note


def test_sectors_stand_best_first(anatomies):
    table = anatomy_tables(anatomies)[1]
    means = [np.mean([float(row[2]), float(row[4])]) for row in table.rows]
    assert means == sorted(means, reverse=True)
    assert {row[0] for row in table.rows} == {"banks", "steel"}


def test_what_is_not_known_has_no_table(anatomies):
    assert anatomy_tables([]) == []
    nothing = np.full((30, 70), np.nan)
    blind = _anatomy("a", Target(5, 1), sector=np.full(70, -1, dtype=np.int16), size=nothing)
    assert [table.title.split(" (")[0] for table in anatomy_tables([blind])] == [TITLES[0], TITLES[3]]


def test_a_model_without_neutral_does_not_hide_the_others(anatomies):
    only = [replace(anatomies[1], neutral=None), anatomies[2]]
    neutral = next(table for table in anatomy_tables(only) if table.title.startswith("What is left"))
    assert [row[2] for row in neutral.rows] == ["b"]
