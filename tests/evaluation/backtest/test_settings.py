"""Settings that contradict each other are refused with a sentence; every field has an effect."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.backtest.cost_grids import cost_grids
from gogooku3.evaluation.backtest.presets import tokyo_account
from gogooku3.evaluation.backtest.settings import BacktestSettings
from gogooku3.evaluation.backtest.simulate import backtest
from tests.evaluation.backtest.settings_of import settings_of
from tests.evaluation.backtest.tapes import tape_of_links, wild_score, wild_tape

CONTRADICTIONS = [
    ({"construction": {"kind": "top_k"}}, "needs k"),
    ({"construction": {"k": 5}}, "k is of kind = top_k"),
    ({"construction": {"kind": "rank", "quantiles": 5}}, "quantiles is of kind = decile"),
    ({"schedule": {"lag": 0, "entry": "open"}}, "before the close"),
    ({"costs": {"spread_window": 120}}, "no effect with spread = none"),
    ({"costs": {"impact_eta": 1.0}}, "no effect with impact = none"),
    ({"costs": {"spread": "edge", "spread_floor_bps": 9, "spread_cap_bps": 8}}, "above spread_cap_bps"),
    ({"costs": {"impact": "power"}}, "need a capital"),
    ({"fills": {"max_participation": 0.1}}, "need a capital"),
    ({"costs": {"window": 10}}, "window has no effect"),
    ({"account": {"books": "cash"}}, "needs a capital"),
    ({"account": {"capital": 1e8}}, "capital has no effect"),
    ({"account": {"lot": 100}}, "needs books = cash"),
    ({"account": {"split_from": 0.1}}, "needs books = cash"),
    ({"construction": {"side": "long_only"}, "costs": {"borrow_bps_per_year": 50}}, "nothing is borrowed"),
    ({"construction": {"sides": "long_only"}}, "Extra inputs"),
]


@pytest.mark.parametrize(("parts", "sentence"), CONTRADICTIONS, ids=lambda value: str(value)[:40])
def test_contradictions_are_refused(parts, sentence):
    with pytest.raises(ValidationError, match=sentence):
        settings_of(**parts)


def test_settings_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        BacktestSettings().costs.bps = 3.0


CASH = {"books": "cash", "capital": 1e7}
PAIRS = {
    "construction.side": ({}, {"construction": {"side": "long_only"}}),
    "construction.kind": ({}, {"construction": {"kind": "rank"}}),
    "construction.quantiles": ({}, {"construction": {"quantiles": 5}}),
    "construction.k": (
        {"construction": {"kind": "top_k", "k": 3}},
        {"construction": {"kind": "top_k", "k": 4}},
    ),
    "construction.min_names": ({}, {"construction": {"min_names": 25}}),
    "construction.sector_neutral": ({}, {"construction": {"sector_neutral": True}}),
    "construction.max_weight": ({}, {"construction": {"max_weight": 0.1}}),
    "schedule.holding": ({}, {"schedule": {"holding": 4}}),
    "schedule.lag": ({}, {"schedule": {"lag": 2}}),
    "schedule.entry": ({}, {"schedule": {"entry": "open"}}),
    "fills.limit_move": ({}, {"fills": {"limit_move": None}}),
    "fills.max_participation": (
        {"account": CASH, "fills": {"max_participation": 0.1}},
        {"account": CASH, "fills": {"max_participation": 0.001}},
    ),
    "costs.bps": ({}, {"costs": {"bps": 11.0}}),
    "costs.spread": ({}, {"costs": {"spread": "edge"}}),
    "costs.spread_window": (
        {"costs": {"spread": "edge", "spread_window": 24}},
        {"costs": {"spread": "edge"}},
    ),
    "costs.spread_floor_bps": (
        {"costs": {"spread": "edge", "spread_window": 24}},
        {"costs": {"spread": "edge", "spread_window": 24, "spread_floor_bps": 80}},
    ),
    "costs.spread_cap_bps": (
        {"costs": {"spread": "edge", "spread_window": 24}},
        {"costs": {"spread": "edge", "spread_window": 24, "spread_cap_bps": 60}},
    ),
    "costs.impact": ({}, {"account": {"capital": 1e7}, "costs": {"impact": "power"}}),
    "costs.borrow_bps_per_year": ({}, {"costs": {"borrow_bps_per_year": 100}}),
    "account.books": ({}, {"account": CASH}),
    "account.capital": ({"account": CASH | {"lot": 100}}, {"account": CASH | {"lot": 100, "capital": 3e6}}),
    "account.lot": ({"account": CASH}, {"account": CASH | {"lot": 100}}),
    "account.split_from": ({"account": CASH}, {"account": CASH | {"split_from": 0.001}}),
}
IMPACT = {"impact": "power", "impact_gamma": 0.1, "impact_eta": 0.4, "impact_exponent": 0.6, "window": 20}
PAIRS |= {
    f"costs.{name}": (
        {"account": {"capital": 1e7}, "costs": IMPACT},
        {"account": {"capital": 1e7}, "costs": IMPACT | {name: value}},
    )
    for name, value in (("impact_gamma", 0.2), ("impact_eta", 0.5), ("impact_exponent", 0.5), ("window", 10))
}


@pytest.mark.parametrize("name", PAIRS)
def test_every_field_has_an_effect(name):
    rng = np.random.default_rng(0)
    tape = wild_tape(rng)
    score = wild_score(rng, tape)
    results = []
    for parts in PAIRS[name]:
        chosen = settings_of(**parts)
        used = tape if chosen.construction.side == "long_short" else _without_list(tape)
        results.append(backtest(score, used, chosen).net)
    assert not np.allclose(*results, rtol=0, atol=1e-12, equal_nan=True)


def test_no_field_is_left_out_of_the_test_above():
    fields = {
        f"{part}.{name}"
        for part, field in BacktestSettings.model_fields.items()
        for name in field.annotation.model_fields
    }
    assert fields == set(PAIRS)


def _without_list(tape):
    from dataclasses import replace

    return replace(tape, borrowable=None)


def test_the_preset_runs():
    rng = np.random.default_rng(1)
    tape = wild_tape(rng)
    result = backtest(wild_score(rng, tape), tape, tokyo_account(1e9, holding=3))
    assert np.isfinite(result.net).sum() > 20
    assert (result.impact[np.isfinite(result.impact)] > 0).any()


def test_inputs_that_do_not_fit_are_refused():
    tape = tape_of_links(np.ones((5, 20)))
    with pytest.raises(EvaluationError, match="not aligned with the tape"):
        backtest(np.ones((4, 20)), tape, BacktestSettings())
    with pytest.raises(EvaluationError, match="another tape or other settings"):
        backtest(
            np.ones((5, 20)),
            tape,
            BacktestSettings(),
            costs=cost_grids(tape, settings_of(costs={"spread": "edge"})),
        )
    tape.open[:] = np.nan
    with pytest.raises(EvaluationError, match="no bar has an opening price"):
        backtest(np.ones((5, 20)), tape, settings_of(schedule={"entry": "open"}))
