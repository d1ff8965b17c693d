"""What a search may choose, and the points that stand for all of it."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import optuna
import pytest

from gogooku3.config.settings import Settings
from gogooku3.errors import SettingsError
from gogooku3.sweeps.point_settings import settings_of
from gogooku3.sweeps.points import covering_array, pairs, random_points
from gogooku3.sweeps.space import ETA_RATIO, WEIGHTS, Choice, Range, default_space, entry, read_space, suggest

HORIZONS = [1, 1, 5, 5, 10, 10, 20, 20]


def accepted(point: dict) -> Settings:
    tree = Settings().model_dump()
    for key, value in settings_of(point, learning_rate=1e-3, horizons=HORIZONS).items():
        section, name = key.split(".")
        tree[section][name] = value
    return Settings.model_validate(tree)


def test_the_default_space_is_what_models_accept() -> None:
    for point in [*pairs(default_space()), *random_points(default_space(), 200, seed=0)]:
        accepted(point)


def test_every_two_values_meet_in_the_covering_array() -> None:
    space = default_space()
    levels = {name: what.levels() for name, what in space.items()}
    points = covering_array(space)
    for a, b in itertools.combinations(space, 2):
        met = {(point[a], point[b]) for point in points}
        assert met == set(itertools.product(levels[a], levels[b]))
    most = sorted(len(one) for one in levels.values())[-2:]
    assert most[0] * most[1] <= len(points) <= 3 * most[0] * most[1]


def test_random_points_lie_in_the_space_and_reach_all_of_it() -> None:
    points = random_points(default_space(), 400, seed=1)
    assert points == random_points(default_space(), 400, seed=1)
    assert {point["atft.gat_layers"] for point in points} == set(range(1, 11))
    assert {point[WEIGHTS] for point in points} == {"equal", "short", "long"}
    rates = np.log10([point["optimizer.learning_rate"] for point in points])
    assert -5 <= rates.min() < -4.95
    assert -3.05 < rates.max() <= -3
    assert abs(rates.mean() + 4) < 0.1  # evenly in the logarithm


def test_a_point_is_settings() -> None:
    point = {"optimizer.learning_rate": 1e-4, ETA_RATIO: 0.1, WEIGHTS: "short", "atft.hidden": 64}
    found = settings_of(point, learning_rate=1.0, horizons=[1, 5, 20])
    assert found["scheduler.eta_min"] == pytest.approx(1e-5)
    assert found["atft.hidden"] == 64
    weights = found[WEIGHTS]
    assert np.mean(weights) == pytest.approx(1.0, abs=1e-6)
    assert weights[0] / weights[2] == pytest.approx(math.sqrt(20), abs=1e-4)
    assert settings_of({ETA_RATIO: 0.5}, learning_rate=2e-3, horizons=[])["scheduler.eta_min"] == 1e-3
    assert settings_of({WEIGHTS: "equal"}, learning_rate=1.0, horizons=[1, 5])[WEIGHTS] == []
    assert settings_of({WEIGHTS: "[1.0, 2.0]"}, learning_rate=1.0, horizons=[1, 5])[WEIGHTS] == [1.0, 2.0]


def test_a_file_stands_in_for_entries(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text(
        '[space]\n"atft.hidden" = [32]\n"atft.gat_layers" = {low = 1, high = 3}\n'
        '"optimizer.weight_decay" = {low = 1e-4, high = 1e-1, log = true}\n"loss.horizon_weights" = [[], [1.0, 2.0]]\n'
    )
    space = read_space(file)
    assert space["atft.hidden"] == Choice(values=(32,))
    assert space["atft.gat_layers"] == Range(low=1, high=3, whole=True)
    assert space["optimizer.weight_decay"] == Range(low=1e-4, high=1e-1, log=True)
    assert space[WEIGHTS] == Choice(values=("[]", "[1.0, 2.0]"))
    assert len(space) == 4


@pytest.mark.parametrize(
    "said",
    [
        [],
        "x",
        3,
        [1, 1],
        {"low": 1},
        {"low": 2, "high": 1},
        {"low": 0.0, "high": 1.0, "log": True},
        {"low": True, "high": 2},
    ],
    ids=str,
)
def test_an_entry_that_is_none_is_refused(said: object) -> None:
    with pytest.raises(SettingsError, match="an entry of a space is not understood"):
        entry("atft.hidden", said, "file")


@pytest.mark.parametrize("text", ["", "[spce]\n", "[space]\nx = [1]\n[more]\n", "x = = 1"])
def test_a_file_that_is_no_space_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "space.toml").write_text(text)
    with pytest.raises(SettingsError, match="a space"):
        read_space(tmp_path / "space.toml")


def test_optuna_sees_the_same_space() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    space = default_space()
    for _ in range(5):
        trial = study.ask()
        point = suggest(space, trial)
        assert set(point) == set(space)
        accepted(point)
        assert trial.distributions == {name: what.distribution() for name, what in space.items()}
