"""The alarm rings for what is too good, for what cannot be traded, and not for honest figures."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from gogooku3.evaluation.daily_correlation import DailyCorrelation
from gogooku3.evaluation.evaluate import evaluate
from gogooku3.evaluation.leak_alarm import look_for_leaks
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.summary import summarise
from gogooku3.labels.target import Target
from tests.evaluation.synthetic import planted

D0, D1, H5 = Target(1, 0), Target(1, 1), Target(5, 1)
QUICK = EvaluationSettings(bootstrap_samples=100)


def measured(daily: dict[str, dict[Target, np.ndarray]], settings: EvaluationSettings = QUICK):
    """An evaluation whose daily RankIC series are the given ones."""
    targets = tuple(sorted({target for grids in daily.values() for target in grids}))
    days = max(len(series) for grids in daily.values() for series in grids.values())
    inputs = planted(days=60, stocks=22, targets=targets, strengths=dict.fromkeys(daily, 1.0))
    inputs["scores"] = {
        model: {t: grid for t, grid in grids.items() if t in daily[model]}
        for model, grids in inputs["scores"].items()
    }
    evaluation = evaluate(**inputs, settings=settings)
    results = []
    for result in evaluation.results:
        series = np.full(days, np.nan)
        given = daily[result.model][result.target]
        series[: len(given)] = given
        no = np.zeros(days, dtype=bool)
        names = np.full(days, 22)
        rank_ic = DailyCorrelation(values=series, names=names, too_few=no, constant=no, constant_label=no)
        summary = summarise(series, horizon=result.target.horizon, settings=settings)
        whole = dataclasses.replace(result.whole, rank_ic=summary)
        results.append(dataclasses.replace(result, rank_ic=rank_ic, periods=(whole, *result.periods[1:])))
    return dataclasses.replace(evaluation, results=tuple(results))


def series(mean: float, sd: float = 0.0, days: int = 1216, seed: int = 0) -> np.ndarray:
    """Independent days with exactly this mean and standard deviation."""
    drawn = np.random.default_rng(seed).normal(size=days)
    return mean + sd * (drawn - drawn.mean()) / drawn.std(ddof=1)


def pair(at_once: float, following: float, *, days: int = 1216, sds=(0.092, 0.164)):
    return {D0: series(at_once, sds[0], days), D1: series(following, sds[1], days, seed=1)}


# Mean RankIC at 1 session, lag 0 and lag 1, and the days: docs/results.md, whole period, by year, locked year.
TOKYO = {
    "ridge": (0.079, 0.034, 1215),
    "lightgbm": (0.088, 0.039, 1215),
    "ridge 2018": (0.056, 0.035, 243),
    "ridge 2019": (0.0668, 0.0211, 243),
    "ridge 2020": (0.083, 0.029, 242),
    "ridge 2021": (0.088, 0.043, 243),
    "ridge 2022": (0.101, 0.040, 243),
    "lightgbm 2018": (0.067, 0.040, 243),
    "lightgbm 2019": (0.082, 0.027, 243),
    "lightgbm 2020": (0.091, 0.040, 242),
    "lightgbm 2021": (0.095, 0.047, 243),
    "lightgbm 2022": (0.104, 0.040, 243),
    "ridge 2023": (0.075, 0.045, 245),
    "lightgbm 2023": (0.082, 0.046, 245),
}


@pytest.mark.parametrize("name", TOKYO)
def test_the_figures_of_tokyo_raise_no_alarm(name):
    at_once, following, days = TOKYO[name]
    evaluation = measured({name: pair(at_once, following, days=days)})
    assert evaluation.alarms == ()
    assert evaluation.leaks.unseen == ()
    assert evaluation.leaks.headline == "No leak alarm"


@pytest.mark.parametrize(
    ("at_once", "following"),
    [
        (0.040, 0.004),  # one-day reversal on Tokyo, as first measured
        (0.032, 0.0075),  # and on raw bars
        (0.128, 0.004),  # a tenth of the next return added to reversal
        (0.900, -0.020),  # the label itself
        (0.050, -0.030),  # turns round
    ],
)
def test_a_collapse_is_flagged(at_once, following):
    (alarm,) = measured({"m": pair(at_once, following)}).alarms
    assert (alarm.kind, alarm.model, alarm.target) == ("collapse", "m", D1)
    assert alarm.seen == pytest.approx(following / at_once)
    assert alarm.threshold == 0.3
    assert f"falls from {at_once:.3f} at lag 0" in alarm.text
    causes = " ".join(alarm.causes)
    assert all(word in causes for word in ("close it is entered at", "bid and ask", "shifted", "Stale"))


@pytest.mark.parametrize(
    ("at_once", "following", "sds"),
    [
        (0.019, 0.000, (0.05, 0.05)),  # too little to lose
        (0.030, 0.002, (1.00, 0.05)),  # lag 0 may as well be nothing
        (0.030, 0.005, (0.05, 1.00)),  # the fall may be chance
        (0.080, 0.0241, (0.05, 0.05)),  # just enough is left
        (-0.040, -0.080, (0.05, 0.05)),  # a bad model is not a leak
    ],
)
def test_what_is_no_collapse(at_once, following, sds):
    assert measured({"m": pair(at_once, following, sds=sds)}).alarms == ()


def test_reversal_of_a_bouncing_market_is_flagged_and_a_slow_signal_is_not():
    """Closes bounce around a random walk: yesterday's fall foretells today's rise, and nothing after it."""
    rng = np.random.default_rng(5)
    days, stocks = 500, 80
    drift = np.repeat(rng.normal(0, 0.001, (days // 20, stocks)), 20, axis=0)
    value = np.cumsum(rng.normal(0, 0.01, (days, stocks)) + drift, axis=0)
    price = np.exp(value + rng.normal(0, 0.004, value.shape))
    link = np.full_like(price, np.nan)
    link[1:] = price[1:] / price[:-1]
    labels = {D0: np.full_like(price, np.nan), D1: np.full_like(price, np.nan)}
    labels[D0][:-1] = price[1:] / price[:-1] - 1
    labels[D1][:-2] = price[2:] / price[1:-1] - 1
    slow = drift + rng.normal(0, 0.002, drift.shape)
    evaluation = evaluate(
        {"reversal": dict.fromkeys(labels, 1 - link), "slow": dict.fromkeys(labels, slow)},
        labels,
        sessions=np.busday_offset("2020-01-06", np.arange(days)).astype("datetime64[D]"),
        universe=np.ones(price.shape, dtype=bool),
        link=link,
        terminal_return=np.full(stocks, np.nan),
        last_bar=np.full(stocks, days - 1),
        settings=QUICK,
    )
    slow_means = [evaluation.find("slow", target).whole.rank_ic.mean for target in (D0, D1)]
    assert min(slow_means) > 0.02
    assert [(alarm.kind, alarm.model) for alarm in evaluation.alarms] == [("collapse", "reversal")]


@pytest.mark.real_data
def test_one_day_reversal_on_tokyo_is_flagged(shared_data):
    bars = pl.read_parquet(
        shared_data / "jp_tse" / "prices_2013_2023.parquet",
        columns=["date", "code", "close", "volume", "adj_factor"],
    ).filter(pl.col("date").is_between(pl.date(2021, 1, 1), pl.date(2022, 12, 31)))
    most = bars.group_by("code").agg(turnover=(pl.col("close") * pl.col("volume")).sum(), bars=pl.len())
    most = most.filter(pl.col("bars") > 480).sort("turnover", "code", descending=True).head(2000)
    level = bars.with_columns(level=pl.col("close") * pl.col("adj_factor")).filter(
        pl.col("code").is_in(most["code"].implode())
    )
    wide = level.pivot(on="code", index="date", values="level").sort("date")
    price = wide.drop("date").cast(pl.Float64).to_numpy()
    link = np.full_like(price, np.nan)
    link[1:] = price[1:] / price[:-1]
    link[np.abs(np.log(link)) > 0.7] = np.nan
    labels = {D0: np.full_like(price, np.nan), D1: np.full_like(price, np.nan)}
    labels[D0][:-1] = link[1:] - 1
    labels[D1][:-2] = link[2:] - 1
    evaluation = evaluate(
        {"reversal": dict.fromkeys(labels, 1 - link)},
        labels,
        sessions=wide["date"].to_numpy().astype("datetime64[D]"),
        universe=np.isfinite(price),
        link=link,
        terminal_return=np.full(price.shape[1], np.nan),
        last_bar=np.full(price.shape[1], len(price) - 1),
        settings=QUICK,
    )
    (alarm,) = evaluation.alarms
    assert alarm.kind == "collapse"
    assert evaluation.find("reversal", D0).whole.rank_ic.mean > 0.02
    assert abs(alarm.seen) < 0.25


@pytest.mark.parametrize(("mean", "count"), [(0.0999, 0), (0.1001, 1), (-0.1001, 1), (-0.0999, 0)])
@pytest.mark.parametrize("target", [D1, H5, Target(1, 2)])
def test_too_good_at_a_tradable_lag(mean, count, target):
    alarms = measured({"m": {target: series(mean, 0.1)}}).alarms
    assert len(alarms) == count
    for alarm in alarms:
        assert (alarm.kind, alarm.target, alarm.threshold) == ("too good", target, 0.1)
        assert alarm.seen == pytest.approx(mean)
        assert "leak until proven otherwise" in alarm.text
        assert len(alarm.causes) == 4


def test_lag_0_may_be_good():
    assert measured({"m": pair(0.15, 0.06)}).alarms == ()


def test_the_label_itself_as_a_score_is_flagged():
    inputs = planted(strengths={"leak": 30.0}, targets=(H5,))
    inputs["scores"]["leak"] = {H5: inputs["labels"][H5]}
    (alarm,) = evaluate(**inputs, settings=QUICK).alarms  # its RankIC is 1 on every day: no interval
    assert alarm.text.startswith("leak at 5 sessions, lag 1, has a RankIC of 1.000: beyond 0.10")


@pytest.mark.parametrize(
    ("attainable", "mean", "count"),
    [
        (0.20, 0.15, 0),  # far above the usual limit, and possible here
        (0.20, 0.30, 1),
        (0.04, 0.06, 1),  # below the usual limit, and impossible here
        (0.0599, 0.06, 0),  # chance
        (-0.01, 0.06, 0),  # no measure of anything: the usual limit
    ],
)
def test_where_the_attainable_is_known_it_is_the_limit(attainable, mean, count):
    evaluation = measured({"m": {D1: series(mean, 0.1)}, "attainable": {D1: series(attainable, 0.1)}})
    assert [alarm.model for alarm in evaluation.alarms] == ["m"] * count
    assert all("above what is attainable" in alarm.text for alarm in evaluation.alarms)
    assert ("attainable" in evaluation.leaks.rule) == (attainable > 0)
    given = measured({"m": {D1: series(mean, 0.1)}})
    found = look_for_leaks(given.results, settings=QUICK, attainable={D1: attainable})
    assert found.alarms == evaluation.alarms


def test_what_could_not_be_looked_at_is_said():
    evaluation = measured(
        {"all": pair(0.08, 0.04), "next": {D1: series(0.04, 0.1)}, "five": {H5: series(0.04, 0.1)}}
    )
    assert evaluation.alarms == ()
    first, second = evaluation.leaks.unseen
    assert first.endswith("the RankIC at 1 session and lag 1 of five.")
    assert second.endswith("a collapse of next and five.")
    assert evaluation.leaks.explanation.endswith(f"{first} {second}")
    (short,) = measured({"m": pair(0.08, 0.0, days=4)}).leaks.unseen
    assert short == "Not looked at, for want of sessions: a collapse of m."


@pytest.mark.parametrize(
    ("change", "count", "words"),
    [
        ({}, 1, ["beyond 0.10", "at least 0.02", "less than 30 %", "95 % intervals"]),
        ({"min_kept": 0.05}, 0, ["less than 5 %"]),
        ({"min_rank_ic": 0.05}, 0, ["at least 0.05"]),
        ({"max_rank_ic": 0.003}, 2, ["beyond 0.003"]),
    ],
)
def test_every_setting_is_used_and_named_in_the_rule(change, count, words):
    settings = EvaluationSettings.model_validate({"bootstrap_samples": 100, "leak_alarm": change})
    evaluation = measured({"m": pair(0.040, 0.004)}, settings)
    assert len(evaluation.alarms) == count
    assert all(word in evaluation.leaks.rule for word in words)


def test_confidence_decides_what_is_sure():
    daily = {"m": pair(0.03, 0.005, sds=(0.2, 0.25))}
    assert len(measured(daily, EvaluationSettings(bootstrap_samples=100, confidence=0.95)).alarms) == 1
    assert measured(daily, EvaluationSettings(bootstrap_samples=100, confidence=0.9999)).alarms == ()


@pytest.mark.parametrize("change", [{"max_rank_ic": 0.0}, {"min_kept": 1.5}, {"limit": 0.1}])
def test_impossible_thresholds_are_refused(change):
    with pytest.raises(ValidationError):
        EvaluationSettings.model_validate({"leak_alarm": change})


def test_alarms_are_plain_data():
    evaluation = measured({"m": pair(0.5, 0.004), "five": {H5: series(0.3, 0.1)}})
    data = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert [(a["kind"], a["model"], a["target"]) for a in data["alarms"]] == [
        ("collapse", "m", "h1_d1"),
        ("too good", "five", "h5_d1"),
    ]
    assert set(data["alarms"][0]) == {"kind", "model", "target", "seen", "threshold", "text", "causes"}
    assert data["alarms_unseen"] == list(evaluation.leaks.unseen)
    assert data["settings"]["leak_alarm"] == {"max_rank_ic": 0.1, "min_kept": 0.3, "min_rank_ic": 0.02}
