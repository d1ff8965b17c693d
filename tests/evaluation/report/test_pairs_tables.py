"""Sentences and tables of comparisons."""

from __future__ import annotations

import numpy as np

from gogooku3.evaluation.paired import Paired, PairedCoverage
from gogooku3.evaluation.report.pairs_tables import (
    coverage_sentence,
    pairs_by_year,
    pairs_table,
    pairs_verdict,
    seeds_table,
    short_names,
)
from gogooku3.evaluation.seed_split import SeedSplit
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.summary import summarise
from gogooku3.labels.target import Target

NAMES = {"jp:lightgbm": "lightgbm", "jp:ridge": "ridge"}
SPLIT = SeedSplit(
    seeds=4,
    days=300,
    mean=0.009,
    seed_means=(0.008, 0.0085, 0.0095, 0.010),
    seed_sd=0.0009,
    seed_error=0.0003,
    period_error=0.0004,
    joint_error=0.0,
)


def pair(
    target: Target, mean: float, verdict: int, *, split: SeedSplit | None = SPLIT, more: int = 0
) -> Paired:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 0.05, 300)
    values += mean - values.mean()
    settings = EvaluationSettings(bootstrap_samples=100)
    periods = {
        name: summarise(part, horizon=target.horizon, settings=settings)
        for name, part in (("all", values), ("2021", values[:150]), ("2022", values[150:]))
    }
    return Paired(
        model="jp:lightgbm",
        against="jp:ridge",
        target=target,
        coverage=PairedCoverage(compared=1000, model=1000, against=1000 + more),
        periods=periods,
        split=split,
        seed_error=0.0003,
        low=mean - 0.004,
        high=mean + 0.004,
        t=2.0,
        freedom=20.0,
        p_value=0.00001,
        independent=0.02,
        dependent=0.05,
        verdict=verdict,
    )


def test_the_verdict_in_words() -> None:
    pairs = [
        pair(Target(1, 0), 0.001, 0),
        pair(Target(1, 1), 0.001, 0),
        pair(Target(5, 1), 0.0102, 1),
        pair(Target(20, 1), 0.0098, 1),
        pair(Target(40, 1), -0.0071, -1),
    ]
    assert pairs_verdict(pairs, NAMES) == [
        "lightgbm ranks better than ridge at 5 sessions by 0.0102 [0.0062, 0.0142] and 20 sessions by 0.0098 "
        "[0.0058, 0.0138] and ranks worse than ridge at 40 sessions by 0.0071 [0.0031, 0.0111]; "
        "not distinguishable at 1 session (lag 1).",
        "lightgbm and ridge cannot be told apart at 1 session (lag 0).",
    ]


def test_tables() -> None:
    pairs = [pair(Target(5, 1), 0.0102, 1), pair(Target(5, 1), 0.001, 0, split=None)]
    table = pairs_table(pairs, NAMES, confidence=0.95)
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert row["Pair"] == "lightgbm - ridge"
    assert row["Difference"] == "0.0102"
    assert row["95 % interval, days and seeds"] == "0.0062 to 0.0142"
    assert (row["p"], row["Adjusted, BH"], row["Verdict"]) == ("under 0.0001", "0.0200", "better")
    years = pairs_by_year(pairs, NAMES)
    assert list(years.columns[3:]) == ["All", "2021", "2022", "Years above 0"]
    above = sum(pairs[0].periods[year].mean > 0 for year in ("2021", "2022"))
    assert years.rows[0][-1] == f"{above} of 2"
    seeds = seeds_table(pairs, NAMES)
    assert seeds is not None
    assert len(seeds.rows) == 1
    row = dict(zip(seeds.columns, seeds.rows[0], strict=True))
    assert (row["Of it seeds"], row["Of it period"], row["Of it both"]) == ("36 %", "64 %", "0 %")
    assert row["Least to greatest seed"] == "0.0080 to 0.0100"
    assert seeds_table(pairs[1:], NAMES) is None


def test_coverage_that_differs_is_said() -> None:
    same = [pair(Target(5, 1), 0.01, 1)]
    assert coverage_sentence(same, NAMES).endswith("all models score the same ones.")
    other = [pair(Target(5, 1), 0.01, 1, more=1234)]
    assert "ridge also scores 1,234 others, which do not count" in coverage_sentence(other, NAMES)


def test_names_are_as_short_as_they_can_be() -> None:
    assert short_names(["jp:ridge", "jp:lightgbm"]) == {"jp:ridge": "ridge", "jp:lightgbm": "lightgbm"}
    assert short_names(["a:ridge", "b:ridge"]) == {"a:ridge": "a", "b:ridge": "b"}
    assert short_names(["a:ridge", "b:gru"]) == {"a:ridge": "a:ridge", "b:gru": "b:gru"}
