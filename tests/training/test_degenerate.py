from __future__ import annotations

import numpy as np
import pytest

from gogooku3.errors import ModelError
from gogooku3.training.degenerate import refuse_constant_scores, refuse_jitter

UNIVERSE = np.zeros((3, 800), dtype=bool)
UNIVERSE[:, :700] = True
DAYS = np.array(["2020-01-06", "2020-01-07", "2020-01-08"])
TARGETS = ["h1_d1", "h5_d1"]


def drawn(seed: int = 0) -> np.ndarray:
    scores = np.random.default_rng(seed).normal(size=(3, 800, 2)).astype(np.float32)
    scores[:, 700:] = np.nan
    return scores


def test_scores_that_differ_pass() -> None:
    refuse_constant_scores(drawn(), UNIVERSE, DAYS, TARGETS, "gru")


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda s: np.full_like(s, 0.25), "constant across stocks"),
        (lambda s: 100.0 + 1e-6 * s, "constant across stocks"),
        (lambda s: np.where(s > 1, np.inf, s), "not finite"),
        (lambda s: np.full_like(s, np.nan), "not finite"),
        (lambda s: np.where(np.arange(len(s)) == 5, np.nan, s), "not finite"),
    ],
)
def test_the_day_and_target_of_a_degenerate_score_are_named(spoil: object, fault: str) -> None:
    scores = drawn()
    scores[1, :700, 1] = spoil(scores[1, :700, 1])  # type: ignore[operator]
    with pytest.raises(ModelError, match=fault) as raised:
        refuse_constant_scores(scores, UNIVERSE, DAYS, TARGETS, "gru, epoch 2")
    assert "gru, epoch 2, 2020-01-07, h5_d1" in str(raised.value)


def test_a_stock_without_any_score_is_a_fault_and_a_day_of_one_stock_is_none() -> None:
    scores, universe = drawn(), UNIVERSE.copy()
    scores[2, 7] = np.nan
    with pytest.raises(ModelError, match="699 scores finite") as raised:
        refuse_constant_scores(scores, universe, DAYS, TARGETS, "gru")
    assert "2020-01-08, h1_d1" in str(raised.value)
    universe[2] = False
    universe[2, 7] = True
    refuse_constant_scores(scores, universe, DAYS, TARGETS, "gru")


def test_strangers_are_found_among_few_stocks_too() -> None:
    signal, other = drawn(1)[:, :8], drawn(2)[:, :8]
    with pytest.raises(ModelError, match="chance"):
        refuse_jitter(signal, -signal + 0.1 * other, DAYS, TARGETS, "gru")
    refuse_jitter(signal, signal + 0.1 * other, DAYS, TARGETS, "gru")


def test_two_draws_that_agree_pass_and_strangers_do_not() -> None:
    signal, other = drawn(1), drawn(2)
    refuse_jitter(signal, signal + 0.5 * other, DAYS, TARGETS, "gru")
    with pytest.raises(ModelError, match="h1_d1"):
        refuse_jitter(signal, other, DAYS, TARGETS, "gru")
