from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gogooku3.errors import Gogooku3Error, ModelError
from gogooku3.models.baselines.lightgbm import LightGBMSettings
from gogooku3.models.baselines.ridge import RidgeSettings
from gogooku3.models.baselines.rows import Rows
from gogooku3.models.names import ModelName
from gogooku3.splits.fold import Fold
from gogooku3.training.fit import FoldFitter, FoldScores
from gogooku3.training.ranked_rows import RankedRows
from gogooku3.training.settings import TrainSettings
from tests.models.drawn_rows import draw_rows
from tests.training.fitted import load_fitted

RIDGE = RidgeSettings()
TREES = LightGBMSettings(
    seeds=3,
    train_share=0.7,
    validation_every=1,
    leaves=7,
    max_rounds=6,
    check_every=3,
    min_rows_in_leaf=20,
    feature_fraction=0.8,
    threads=1,
)
FOLD = Fold(
    name="x",
    train=np.arange(0, 28),
    validation=np.arange(31, 40),
    test=np.arange(43, 50),
    reach=2,
)
MODELS: list[ModelName] = ["ridge", "lightgbm"]


@pytest.fixture(scope="module")
def data() -> RankedRows:
    rng = np.random.default_rng(6)
    rows = draw_rows(rng, sessions=60)
    return RankedRows(rows=rows, stock=rng.integers(0, 1_000, len(rows.x)))


def fitter(data: RankedRows, trees: LightGBMSettings = TREES) -> FoldFitter:
    return FoldFitter(data, FOLD.train, ridge=RIDGE, lightgbm=trees, settings=TrainSettings(seed=5))


def fit(model: ModelName, data: RankedRows, trees: LightGBMSettings = TREES) -> FoldScores:
    return fitter(data, trees).fit(model, FOLD)


@pytest.mark.parametrize("model", MODELS)
def test_shapes_and_keys_of_the_scores(model: ModelName, data: RankedRows) -> None:
    ticks: list[int] = []
    found = fitter(data).fit(model, FOLD, tick=lambda: ticks.append(1))
    seeds = 1 if model == "ridge" else 3
    bounds = data.rows.bounds
    expected = [(t, r) for t in FOLD.test for r in range(bounds[t], bounds[t + 1])]
    assert len(found.members) == seeds
    assert found.scores.shape == (len(expected), 2)
    assert found.member_scores.shape == (seeds, len(expected), 2)
    assert found.scores.dtype == found.member_scores.dtype == np.float32
    assert found.session.tolist() == [t for t, _ in expected]
    assert found.stock.tolist() == [int(data.stock[r]) for _, r in expected]
    rows = [r for _, r in expected]
    for member, scores in zip(found.members, found.member_scores, strict=True):
        assert member.predict(data.rows.x[rows]).tobytes() == scores.tobytes()
    mean = found.member_scores.astype(np.float64).mean(axis=0)
    np.testing.assert_allclose(found.scores, mean, rtol=1e-6, atol=1e-9)
    assert len(ticks) == (2 if model == "ridge" else (1 + 3) * 2)


def poisoned(data: RankedRows) -> RankedRows:
    """Garbage in every row and label of a session that is neither trained nor validated on."""
    kept = np.zeros(data.rows.sessions, dtype=bool)
    kept[FOLD.train] = kept[FOLD.validation] = True
    rows = np.repeat(kept, np.diff(data.rows.bounds))
    rng = np.random.default_rng(0)
    x = np.where(rows[:, None], data.rows.x, 1e6 * rng.normal(size=data.rows.x.shape)).astype(np.float32)
    y = np.where(rows[:, None], data.rows.y, 1e6 * rng.normal(size=data.rows.y.shape)).astype(np.float32)
    return RankedRows(rows=Rows(x=x, y=y, bounds=data.rows.bounds), stock=data.stock)


@pytest.mark.parametrize("model", MODELS)
def test_a_fold_reads_only_its_training_and_validation_sessions(model: ModelName, data: RankedRows) -> None:
    clean, garbage = fit(model, data), fit(model, poisoned(data))
    for one, other in zip(clean.members, garbage.members, strict=True):
        assert one.predict(data.rows.x).tobytes() == other.predict(data.rows.x).tobytes()
        assert one.validation == other.validation


@pytest.mark.parametrize("part", ["train", "validation"])
@pytest.mark.parametrize("model", MODELS)
def test_a_fold_does_read_both_of_them(model: ModelName, part: str, data: RankedRows) -> None:
    y = data.rows.y.copy()
    sessions = getattr(FOLD, part)
    bounds = data.rows.bounds
    y[bounds[sessions[0]] : bounds[sessions[-1] + 1]] *= -1
    changed = RankedRows(rows=Rows(x=data.rows.x, y=y, bounds=bounds), stock=data.stock)
    assert fit(model, changed).scores.tobytes() != fit(model, data).scores.tobytes()


@pytest.mark.parametrize("model", MODELS)
def test_without_refit_the_validation_sessions_only_choose(model: ModelName, data: RankedRows) -> None:
    def fitted(rows: RankedRows) -> FoldScores:
        settings = TrainSettings(seed=5, refit=False)
        one_look = TREES.model_copy(update={"max_rounds": 3})
        ridge = RidgeSettings(penalties=(0.1,))
        return FoldFitter(rows, FOLD.train, ridge=ridge, lightgbm=one_look, settings=settings).fit(
            model, FOLD
        )

    y, bounds = data.rows.y.copy(), data.rows.bounds
    y[bounds[FOLD.validation[0]] : bounds[FOLD.validation[-1] + 1]] *= -1
    changed = RankedRows(rows=Rows(x=data.rows.x, y=y, bounds=bounds), stock=data.stock)
    assert fitted(changed).scores.tobytes() == fitted(data).scores.tobytes()


@pytest.mark.parametrize("model", MODELS)
def test_members_come_back_from_files(model: ModelName, data: RankedRows, tmp_path: Path) -> None:
    found = fit(model, data)
    for number, member in enumerate(found.members):
        member.save(tmp_path / str(number))
        loaded = load_fitted(model, tmp_path / str(number))
        assert loaded.predict(data.rows.x).tobytes() == member.predict(data.rows.x).tobytes()


def same_features(data: RankedRows, sessions: np.ndarray) -> RankedRows:
    """All stocks of the given sessions alike."""
    x = data.rows.x.copy()
    bounds = data.rows.bounds
    for t in sessions:
        x[bounds[t] : bounds[t + 1]] = 0.25
    return RankedRows(rows=Rows(x=x, y=data.rows.y, bounds=bounds), stock=data.stock)


@pytest.mark.parametrize("model", MODELS)
def test_constant_scores_are_an_error_of_the_model(model: ModelName, data: RankedRows) -> None:
    with pytest.raises(ModelError, match=rf"constant across stocks[\s\S]*{model}, fold x, seed 0"):
        fit(model, same_features(data, FOLD.test))
    fit(model, same_features(data, FOLD.test[1:]))  # one session that tells stocks apart is enough


def test_a_model_that_cannot_learn_is_an_error(data: RankedRows) -> None:
    with pytest.raises(Gogooku3Error, match="constant"):
        fit("lightgbm", data, TREES.model_copy(update={"min_rows_in_leaf": 10**6}))


def test_a_fold_without_validation_sessions_is_an_error(data: RankedRows) -> None:
    nothing = np.empty(0, dtype=np.int64)
    fold = Fold(name="y", train=FOLD.train, validation=nothing, test=FOLD.test, reach=2)
    for model in MODELS:
        with pytest.raises(ModelError, match="no validation session"):
            fitter(data).fit(model, fold)
