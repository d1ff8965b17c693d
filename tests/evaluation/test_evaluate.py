"""The whole evaluation on planted scores, and its edges."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.evaluate import evaluate
from gogooku3.evaluation.rank_ic import daily_rank_ic
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.significance import ewc_test
from gogooku3.labels.target import Target
from tests.evaluation.synthetic import planted

H5 = Target(5, 1)


@pytest.fixture(scope="module")
def inputs():
    inputs = planted()
    inputs["scores"]["attainable"] = {H5: np.where(inputs["universe"], inputs["labels"][H5], np.nan)}
    return inputs


@pytest.fixture(scope="module")
def evaluation(inputs):
    return evaluate(**inputs)


def test_every_model_and_target_is_there_with_its_years(evaluation):
    assert evaluation.models == ("ridge", "lightgbm", "attainable")
    assert evaluation.contestants == ("ridge", "lightgbm")
    assert evaluation.targets == (Target(1, 1), Target(5, 0), Target(5, 1))
    assert len(evaluation.results) == 2 * 3 + 1
    assert evaluation.find("attainable", Target(1, 1)) is None
    assert evaluation.periods == ("all", "2019", "2020", "2021")


def test_numbers_are_those_of_the_parts(inputs, evaluation):
    result = evaluation.find("lightgbm", H5)
    daily = daily_rank_ic(inputs["scores"]["lightgbm"][H5], inputs["labels"][H5]).values
    np.testing.assert_array_equal(result.rank_ic.values, daily)
    whole = result.whole.rank_ic
    finite = daily[np.isfinite(daily)]
    assert whole.mean == pytest.approx(finite.mean())
    assert whole.ratio == pytest.approx(finite.mean() / finite.std(ddof=1))
    assert whole.t == pytest.approx(ewc_test(finite, horizon=5).t)
    assert (whole.days, whole.skipped) == (len(finite), len(daily) - len(finite))
    assert whole.skipped == H5.reach
    year = next(period for period in result.periods if period.period == "2020")
    rows = inputs["sessions"].astype("datetime64[Y]") == np.datetime64("2020")
    assert year.rank_ic.mean == pytest.approx(np.nanmean(daily[rows]))
    assert year.portfolio.net.mean == pytest.approx(result.portfolio.net[rows].mean())
    coverage = (np.isfinite(inputs["scores"]["lightgbm"][H5]) & inputs["universe"]).sum(1) / inputs[
        "universe"
    ].sum(1)
    np.testing.assert_allclose(result.coverage, coverage)
    assert whole.mean > 0.05
    assert whole.low > 0


def test_comparisons_are_paired_and_leave_the_benchmark_out(evaluation):
    assert {(pair.model, pair.against) for pair in evaluation.comparisons} == {("lightgbm", "ridge")}
    assert len(evaluation.comparisons) == 3 * 4
    pair = next(p for p in evaluation.comparisons if p.target == H5 and p.period == "all")
    difference = evaluation.find("lightgbm", H5).rank_ic.values - evaluation.find("ridge", H5).rank_ic.values
    test = ewc_test(difference, horizon=5)
    assert (pair.difference.mean, pair.difference.low) == pytest.approx((test.mean, test.low))
    assert pair.verdict == 1


def test_plain_data_is_json_without_nan(evaluation):
    text = json.dumps(evaluation.to_dict(), allow_nan=False)
    data = json.loads(text)
    assert len(data["results"]) == 7 * 4
    assert data["settings"]["portfolio"]["cost_bps"] == 10.0
    row = next(
        r for r in data["results"] if (r["model"], r["target"], r["period"]) == ("ridge", "h1_d1", "2020")
    )
    expected = evaluation.find("ridge", Target(1, 1)).periods[2]
    assert row["rank_ic"]["mean"] == expected.rank_ic.mean
    assert row["portfolio"]["break_even_bps"] == expected.portfolio.break_even_bps


def test_table_and_series_are_tidy(evaluation):
    table = evaluation.table()
    assert table.height == 7 * 4
    assert table.select("model", "horizon", "lag", "period").n_unique() == table.height
    assert {"rank_ic_mean", "rank_ic_t", "portfolio_sharpe_daily", "portfolio_net_mean"} <= set(table.columns)
    series = evaluation.series()
    assert series.height == 7 * len(evaluation.sessions)
    assert series.schema["date"] == pl.Date
    assert series["rank_ic"].is_nan().sum() == 0
    assert series["rank_ic"].null_count() > 0
    assert series["date"].min() == date(2019, 6, 3)


def test_the_same_input_gives_the_same_output(inputs, evaluation):
    assert evaluate(**inputs).to_dict() == evaluation.to_dict()


def test_single_model_horizon_and_year():
    inputs = planted(
        days=120, targets=(Target(1, 1),), strengths={"only": 2.0}, start="2020-02-03", stocks=25
    )
    evaluation = evaluate(**inputs)
    assert evaluation.periods == ("all", "2020")
    assert evaluation.comparisons == ()
    assert evaluation.results[0].whole.rank_ic.days > 0
    json.dumps(evaluation.to_dict(), allow_nan=False)


def test_edge_days_are_counted_in_their_period():
    inputs = planted(days=300)
    score, label = inputs["scores"]["ridge"][H5], inputs["labels"][H5]
    score[5] = np.where(np.isnan(score[5]), np.nan, 1.0)
    score[6, 15:] = np.nan
    label[7] = np.nan
    label[8] = 0.0
    whole = evaluate(**inputs).find("ridge", H5).whole
    assert (whole.constant, whole.constant_label, whole.too_few) == (1, 1, 2 + H5.reach)
    assert whole.rank_ic.skipped == 4 + H5.reach
    assert whole.coverage_min < 0.3


def test_float32_scores_are_accepted(inputs):
    small = inputs | {"scores": {"m": {H5: inputs["scores"]["ridge"][H5].astype(np.float32)}}}
    exact = inputs | {"scores": {"m": {H5: small["scores"]["m"][H5].astype(np.float64)}}}
    assert evaluate(**small).to_dict() == evaluate(**exact).to_dict()


def test_settings_are_used(inputs):
    scores = {"m": {H5: inputs["scores"]["lightgbm"][H5]}}
    base = evaluate(**inputs | {"scores": scores})
    settings = EvaluationSettings.model_validate(
        {
            "min_names": 58,
            "quantiles": 5,
            "confidence": 0.8,
            "bootstrap_samples": 200,
            "seed": 3,
            "portfolio": {"cost_bps": 30.0},
        }
    )
    changed = evaluate(**inputs | {"scores": scores}, settings=settings)
    before, after = base.results[0].whole, changed.results[0].whole
    assert after.too_few > before.too_few
    assert (len(before.decile_means), len(after.decile_means)) == (10, 5)
    assert after.rank_ic.high - after.rank_ic.low < before.rank_ic.high - before.rank_ic.low
    assert after.portfolio.gross.mean == before.portfolio.gross.mean
    assert after.portfolio.net.mean < before.portfolio.net.mean


def test_a_constant_model_is_named(inputs):
    scores = {"broken": {H5: np.where(inputs["universe"], 0.5, np.nan)}}
    with pytest.raises(EvaluationError, match="model broken, target h5_d1"):
        evaluate(**inputs | {"scores": scores})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: {"scores": {}}, "nothing to evaluate"),
        (lambda _: {"scores": {"m": {}}}, "nothing to evaluate"),
        (lambda i: {"scores": {"m": {Target(3, 1): i["labels"][H5]}}}, "no label"),
        (lambda i: {"scores": {"m": {H5: i["labels"][H5][:-1]}}}, "not aligned"),
        (lambda i: {"scores": {"m": {H5: np.full_like(i["link"], np.nan)}}}, "no session can be evaluated"),
        (lambda i: {"sessions": i["sessions"][::-1]}, "not in order"),
        (lambda i: {"sessions": i["sessions"][1:]}, "not aligned"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(inputs, change, message):
    with pytest.raises(EvaluationError, match=message):
        evaluate(**inputs | change(inputs))


def test_progress_counts_every_score(inputs):
    heard = []

    class Listener:
        def start(self, task, total, unit):
            heard.append((task, total, unit))

        def advance(self, units=1):
            heard.append(units)

        def note(self, text):
            heard.append(text)

    evaluate(**inputs, progress=Listener())
    assert heard == [("evaluate", 7, "scores"), *[1] * 7]


def test_a_year_without_any_label_has_no_value_and_no_warning():
    inputs = planted(days=216, start="2020-03-10")  # the last five sessions lie in 2021
    evaluation = evaluate(**inputs)
    assert evaluation.periods == ("all", "2020", "2021")
    last = evaluation.find("ridge", H5).periods[-1]
    assert last.rank_ic.days == 0
    assert np.isnan([last.rank_ic.mean, last.hit_rate, last.monotonicity, *last.decile_means]).all()
    assert last.portfolio.net.days > 0
    row = next(
        row
        for row in evaluation.to_dict()["results"]
        if row["period"] == "2021" and row["model"] == "ridge" and row["target"] == "h5_d1"
    )
    assert row["rank_ic"]["mean"] is None
    assert row["decile_means"] == [None] * 10


def test_what_did_not_trade_is_not_filled(inputs):
    traded = np.random.default_rng(3).random(inputs["link"].shape) < 0.7
    whole = evaluate(**inputs, traded=traded).find("ridge", H5).whole.portfolio
    free = evaluate(**inputs).find("ridge", H5).whole.portfolio
    assert whole.unfilled == pytest.approx(0.3, abs=0.03)
    assert free.unfilled == 0.0
    assert whole.turnover < free.turnover
