from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.linalg import lstsq

from gogooku3.errors import ModelError
from gogooku3.models.baselines import ridge
from gogooku3.models.baselines.ridge import FittedRidge, RidgeSettings, fit_ridge
from gogooku3.models.baselines.rows import Rows
from tests.models.drawn_rows import daily_rank_ic_of, draw_rows, linear


@pytest.fixture
def parts() -> tuple[Rows, Rows]:
    rng = np.random.default_rng(3)
    return draw_rows(rng, sessions=30), draw_rows(rng, sessions=12)


def naive(rows: list[Rows], target: int, penalty: float) -> np.ndarray:
    """Ridge row by row: a missing feature is 0, a row without this target's label is not there."""
    width = rows[0].x.shape[1]
    gram, moment = np.zeros((width, width)), np.zeros(width)
    for part in rows:
        for x, y in zip(part.x.astype(np.float64), part.y[:, target].astype(np.float64), strict=True):
            if not np.isnan(y):
                row = np.where(np.isnan(x), 0.0, x)
                gram += np.outer(row, row)
                moment += row * y
    return np.linalg.solve(gram + penalty * np.trace(gram) / width * np.eye(width), moment)


@pytest.mark.parametrize("chunk", [7, 65_536])
@pytest.mark.parametrize("penalty", [0.01, 1.0])
def test_weights_are_the_closed_form(
    parts: tuple[Rows, Rows], penalty: float, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ridge, "_CHUNK", chunk)
    fitted = fit_ridge(*parts, RidgeSettings(penalties=(penalty,)))
    for target in range(2):
        np.testing.assert_allclose(
            fitted.weights[:, target], naive([*parts], target, penalty), rtol=1e-4, atol=1e-6
        )
    assert fitted.penalty == (penalty, penalty)


def test_a_vanishing_penalty_is_least_squares(parts: tuple[Rows, Rows]) -> None:
    fitted = fit_ridge(*parts, RidgeSettings(penalties=(1e-12,)))
    x = np.nan_to_num(np.concatenate([part.x for part in parts])).astype(np.float64)
    y = np.concatenate([part.y for part in parts]).astype(np.float64)
    for target in range(2):
        known = ~np.isnan(y[:, target])
        expected = lstsq(x[known], y[known, target])[0]
        np.testing.assert_allclose(fitted.weights[:, target], expected, rtol=1e-4, atol=1e-6)


def test_the_penalty_is_the_best_of_the_validation_sessions(parts: tuple[Rows, Rows]) -> None:
    train, validation = parts
    penalties = (0.001, 0.1, 10.0, 1000.0)
    fitted = fit_ridge(train, validation, RidgeSettings(penalties=penalties))
    for target in range(2):
        reached = [
            daily_rank_ic_of(
                validation, target, np.nan_to_num(validation.x) @ naive([train], target, penalty)
            )
            for penalty in penalties
        ]
        assert fitted.validation[target] == pytest.approx(max(reached), abs=1e-4)
        assert reached[penalties.index(fitted.penalty[target])] == pytest.approx(max(reached), abs=1e-4)


def test_rows_without_a_label_never_matter(parts: tuple[Rows, Rows]) -> None:
    train, validation = (Rows(x=part.x, y=part.y[:, :1], bounds=part.bounds) for part in parts)
    before = fit_ridge(train, validation, RidgeSettings())
    rng = np.random.default_rng(0)
    garbage = [
        np.where(np.isnan(part.y), rng.random(part.x.shape) - 0.5, part.x).astype(np.float32)
        for part in (train, validation)
    ]
    assert (garbage[0] != train.x).any()
    after = fit_ridge(
        Rows(x=garbage[0], y=train.y, bounds=train.bounds),
        Rows(x=garbage[1], y=validation.y, bounds=validation.bounds),
        RidgeSettings(),
    )
    np.testing.assert_allclose(after.validation, before.validation, atol=1e-3)
    np.testing.assert_allclose(after.weights, before.weights, rtol=1e-4, atol=1e-6)


def test_a_saved_model_predicts_the_same_bits(parts: tuple[Rows, Rows], tmp_path: Path) -> None:
    fitted = fit_ridge(*parts, RidgeSettings())
    fitted.save(tmp_path / "ridge.safetensors")
    loaded = FittedRidge.load(tmp_path / "ridge.safetensors")
    assert loaded.predict(parts[0].x).tobytes() == fitted.predict(parts[0].x).tobytes()
    assert (loaded.penalty, loaded.validation) == (fitted.penalty, fitted.validation)


def test_a_row_scores_the_same_bits_whatever_stands_beside_it(parts: tuple[Rows, Rows]) -> None:
    rng = np.random.default_rng(0)
    x = (rng.random((4_000, 148)) - 0.5).astype(np.float32)
    x[rng.random(x.shape) < 0.05] = np.nan
    fitted = FittedRidge(weights=rng.normal(size=(148, 8)), penalty=(1.0,) * 8, validation=(0.0,) * 8)
    whole = fitted.predict(x)
    for start in range(0, 4_000, 61):
        for count in (1, 2, 3, 61):
            rows = slice(start, start + count)
            assert fitted.predict(x[rows]).tobytes() == whole[rows].tobytes()
    np.testing.assert_allclose(whole, np.nan_to_num(x) @ fitted.weights, rtol=1e-5, atol=1e-5)


def test_it_finds_a_straight_line() -> None:
    rng = np.random.default_rng(5)
    fitted = fit_ridge(draw_rows(rng), draw_rows(rng), RidgeSettings())
    test = draw_rows(rng)
    found = daily_rank_ic_of(test, 0, fitted.predict(test.x)[:, 0])
    assert found == pytest.approx(daily_rank_ic_of(test, 0, linear(np.nan_to_num(test.x))), abs=0.03)
    assert found > 0.5


def test_a_target_without_a_label_is_an_error(parts: tuple[Rows, Rows]) -> None:
    train, validation = parts
    y = train.y.copy()
    y[:, 1] = np.nan
    with pytest.raises(ModelError, match="no labelled row"):
        fit_ridge(Rows(x=train.x, y=y, bounds=train.bounds), validation, RidgeSettings())


def test_validation_sessions_that_cannot_be_measured_are_an_error(parts: tuple[Rows, Rows]) -> None:
    train, validation = parts
    with pytest.raises(ModelError, match="no validation session"):
        fit_ridge(train, validation.take(np.zeros(0, dtype=np.int64)), RidgeSettings())


@pytest.mark.parametrize("penalties", [(), (0.0,), (0.1, -1.0)])
def test_a_penalty_has_to_be_positive(penalties: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        RidgeSettings(penalties=penalties)
