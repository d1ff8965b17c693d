from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gogooku3.errors import Gogooku3Error, ModelError
from gogooku3.models.baselines import lightgbm as module
from gogooku3.models.baselines.lightgbm import FittedLightGBM, LightGBMSettings, fit_lightgbm
from gogooku3.models.baselines.ridge import RidgeSettings, fit_ridge
from gogooku3.models.baselines.rows import Rows
from tests.models.drawn_rows import daily_rank_ic_of, draw_rows, linear, saddle

SMALL = LightGBMSettings(
    seeds=2,
    train_share=0.8,
    validation_every=2,
    leaves=7,
    learning_rate=0.3,
    max_rounds=12,
    check_every=2,
    patience=2,
    feature_fraction=0.8,
    min_rows_in_leaf=20,
    l2=1.0,
    threads=1,
)


@pytest.fixture(scope="module")
def parts() -> tuple[Rows, Rows]:
    rng = np.random.default_rng(4)
    signals = (saddle, linear)
    return draw_rows(rng, sessions=40, signals=signals), draw_rows(rng, sessions=16, signals=signals)


def texts(members: tuple[FittedLightGBM, ...]) -> list[list[str]]:
    return [member.text() for member in members]


def test_the_same_seed_gives_the_same_bits_and_another_gives_others(parts: tuple[Rows, Rows]) -> None:
    one, two = fit_lightgbm(*parts, SMALL, seed=0), fit_lightgbm(*parts, SMALL, seed=0)
    assert texts(one) == texts(two)
    for a, b in zip(one, two, strict=True):
        assert a.predict(parts[1].x).tobytes() == b.predict(parts[1].x).tobytes()
    assert one[0].text() != one[1].text()
    assert texts(fit_lightgbm(*parts, SMALL, seed=7))[0] != texts(one)[0]


def test_a_saved_model_predicts_the_same_bits(parts: tuple[Rows, Rows], tmp_path: Path) -> None:
    (fitted,) = fit_lightgbm(*parts, SMALL.model_copy(update={"seeds": 1}), seed=0)
    fitted.save(tmp_path / "model.json")
    loaded = FittedLightGBM.load(tmp_path / "model.json")
    assert loaded.predict(parts[1].x).tobytes() == fitted.predict(parts[1].x).tobytes()
    assert (loaded.rounds, loaded.validation) == (fitted.rounds, fitted.validation)


def test_a_row_scores_the_same_bits_whatever_stands_beside_it(parts: tuple[Rows, Rows]) -> None:
    (fitted,) = fit_lightgbm(*parts, SMALL.model_copy(update={"seeds": 1}), seed=0)
    x = parts[0].x
    whole = fitted.predict(x)
    for start in range(0, len(x), 97):
        for count in (1, 30):
            assert (
                fitted.predict(x[start : start + count]).tobytes() == whole[start : start + count].tobytes()
            )


@pytest.mark.parametrize("patience", [1, 100])
def test_the_number_of_trees_is_where_validation_rank_ic_is_best(patience: int) -> None:
    rng = np.random.default_rng(9)
    train = draw_rows(rng, sessions=25, signals=(saddle,), noise=2.0, unlabelled=0.0)
    validation = draw_rows(rng, sessions=9, signals=(saddle,), noise=2.0)
    settings = SMALL.model_copy(
        update={"seeds": 1, "train_share": 1.0, "max_rounds": 31, "patience": patience}
    )
    (fitted,) = fit_lightgbm(train, validation, settings, seed=0)

    from lightgbm import Booster, Dataset

    parameters = module._parameters(settings, 0)
    booster = Booster(parameters, Dataset(train.x, label=train.y[:, 0], params=parameters))
    for _ in range(settings.max_rounds):
        booster.update()
    watched = validation.take(np.arange(0, 9, settings.validation_every))
    looks = [*range(2, 31, 2), 31]
    reached = {k: daily_rank_ic_of(watched, 0, booster.predict(watched.x, num_iteration=k)) for k in looks}
    best, best_round = -np.inf, 0
    for k in looks:
        if reached[k] > best:
            best, best_round = reached[k], k
        elif k - best_round >= patience * settings.check_every:
            break
    assert fitted.rounds == (best_round,)
    assert fitted.validation[0] == pytest.approx(best, abs=1e-12)
    assert len(set(reached.values())) > 3
    assert fitted.boosters[0].num_trees() == best_round
    if patience == 100:
        assert best == max(reached.values())
        assert best_round < 31  # the noise makes later trees worse, so that there is something to stop


def test_members_learn_from_the_validation_sessions_too(parts: tuple[Rows, Rows]) -> None:
    train, validation = parts
    settings = SMALL.model_copy(update={"seeds": 1, "train_share": 1.0})
    (before,) = fit_lightgbm(train, validation, settings, seed=0)
    watched = np.arange(0, validation.sessions, settings.validation_every)
    unwatched = np.setdiff1d(np.arange(validation.sessions), watched)
    y = validation.y.copy()
    for session in unwatched:
        y[validation.bounds[session] : validation.bounds[session + 1]] *= -1
    changed = Rows(x=validation.x, y=y, bounds=validation.bounds)
    (after,) = fit_lightgbm(train, changed, settings, seed=0)
    assert (after.rounds, after.validation) == (before.rounds, before.validation)
    assert after.text() != before.text()


def test_rows_without_a_label_never_matter(parts: tuple[Rows, Rows]) -> None:
    train, validation = (Rows(x=part.x, y=part.y[:, :1], bounds=part.bounds) for part in parts)
    before = fit_lightgbm(train, validation, SMALL, seed=0)

    def shuffled(part: Rows) -> Rows:
        """Exchange whole feature rows among the unlabelled ones of a session: the bins stay the same."""
        x = part.x.copy()
        for a, b in zip(part.bounds[:-1], part.bounds[1:], strict=True):
            lost = a + np.flatnonzero(np.isnan(part.y[a:b, 0]))
            x[lost] = part.x[lost[::-1]]
        assert (x != part.x).any()
        return Rows(x=x, y=part.y, bounds=part.bounds)

    assert texts(fit_lightgbm(shuffled(train), shuffled(validation), SMALL, seed=0)) == texts(before)
    y = train.y.copy()
    y[np.flatnonzero(~np.isnan(y[:, 0]))[:50], 0] *= -1
    touched = Rows(x=train.x, y=y, bounds=train.bounds)
    assert texts(fit_lightgbm(touched, validation, SMALL, seed=0)) != texts(before)


def test_targets_do_not_touch_each_other(parts: tuple[Rows, Rows]) -> None:
    both = fit_lightgbm(*parts, SMALL, seed=0)
    for target in range(2):
        alone = [Rows(x=p.x, y=p.y[:, target : target + 1], bounds=p.bounds) for p in parts]
        single = fit_lightgbm(alone[0], alone[1], SMALL, seed=0)
        assert [member.text()[target] for member in both] == [member.text()[0] for member in single]


def test_it_finds_what_a_straight_line_cannot(parts: tuple[Rows, Rows]) -> None:
    test = draw_rows(np.random.default_rng(99), sessions=30, signals=(saddle, linear))
    settings = SMALL.model_copy(update={"max_rounds": 60, "check_every": 10, "seeds": 1})
    (trees,) = fit_lightgbm(*parts, settings, seed=0)
    line = fit_ridge(*parts, RidgeSettings())
    found = daily_rank_ic_of(test, 0, trees.predict(test.x)[:, 0])
    missed = daily_rank_ic_of(test, 0, line.predict(test.x)[:, 0])
    possible = daily_rank_ic_of(test, 0, saddle(np.nan_to_num(test.x)))
    assert abs(missed) < 0.1
    assert found > 0.7 * possible


def test_every_fit_ticks(parts: tuple[Rows, Rows]) -> None:
    ticks: list[int] = []
    fit_lightgbm(*parts, SMALL, seed=0, tick=lambda: ticks.append(1))
    assert len(ticks) == (1 + SMALL.seeds) * 2


def test_a_target_without_a_label_is_an_error(parts: tuple[Rows, Rows]) -> None:
    train, validation = parts
    y = train.y.copy()
    y[:, 1] = np.nan
    with pytest.raises(ModelError, match="no labelled row"):
        fit_lightgbm(Rows(x=train.x, y=y, bounds=train.bounds), validation, SMALL, seed=0)


def test_no_validation_sessions_are_an_error(parts: tuple[Rows, Rows]) -> None:
    with pytest.raises(ModelError, match="no validation session"):
        fit_lightgbm(parts[0], parts[1].take(np.zeros(0, dtype=np.int64)), SMALL, seed=0)


def test_trees_that_cannot_split_are_an_error(parts: tuple[Rows, Rows]) -> None:
    stuck = SMALL.model_copy(update={"min_rows_in_leaf": 100_000})
    with pytest.raises(Gogooku3Error, match="constant"):
        fit_lightgbm(*parts, stuck, seed=0)
