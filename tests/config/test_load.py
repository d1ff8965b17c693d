"""The settings of a run: what it remembers, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from gogooku3.config.load import load_settings
from gogooku3.config.resolve import Resolved
from gogooku3.config.settings import Settings
from gogooku3.errors import SettingsError, StorageError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(flags: Mapping[str, object], file: Path | None = None) -> Resolved[Settings]:
    return load_settings(file, flags, remember=True)


def begin(flags: Mapping[str, object], file: Path | None = None) -> Resolved[Settings]:
    """Resolve, and leave the settings behind as a run does."""
    found = load(flags, file)
    path = Path("runs", found.settings.run.name, "settings.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(found.to_json(), encoding="utf-8")
    return found


def test_file_below_environment_below_flag(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("[lightgbm]\nleaves = 3\nbins = 15\nseeds = 9\n", encoding="utf-8")
    monkeypatch.setenv("GOGOOKU3_LIGHTGBM__LEAVES", "4")
    monkeypatch.setenv("GOGOOKU3_LIGHTGBM__BINS", "16")
    found = load({"lightgbm.leaves": 5}, file)
    trees = found.settings.lightgbm
    assert (trees.leaves, trees.bins, trees.seeds) == (5, 16, 9)
    shown = {key: str(origin) for key, origin in found.origins.items()}
    assert shown["lightgbm.leaves"] == "flag"
    assert shown["lightgbm.bins"] == "environment GOGOOKU3_LIGHTGBM__BINS"
    assert shown["lightgbm.seeds"] == "file a.toml"
    assert shown["lightgbm.l2"] == "default"


def test_later_steps_remember_what_was_said_and_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "a.toml"
    file.write_text('[source]\nbars = "x.parquet"\n[labels]\nhorizons = [1, 3]\n', encoding="utf-8")
    monkeypatch.setenv("GOGOOKU3_LIGHTGBM__LEAVES", "4")
    first = begin({"run.name": "a", "market.policies": {"duplicate_identical": "refuse"}}, file)
    monkeypatch.delenv("GOGOOKU3_LIGHTGBM__LEAVES")
    later = load({"run.name": "a"})
    assert later.settings == first.settings
    assert later.origins == first.origins
    assert load({"run.name": "b"}).settings.source.bars is None
    said_otherwise = load({"run.name": "a", "lightgbm.leaves": 8})
    assert said_otherwise.settings.lightgbm.leaves == 8
    assert str(said_otherwise.origins["lightgbm.leaves"]) == "flag"


def test_opening_locked_years_is_never_remembered() -> None:
    assert begin({"run.name": "a", "run.open_locked": True}).settings.run.open_locked
    assert not load({"run.name": "a"}).settings.run.open_locked


def test_another_source_of_bars_takes_the_place_of_the_remembered_one() -> None:
    begin({"run.name": "a", "source.bars": "x.parquet", "source.pattern": "*.csv", "lightgbm.leaves": 7})
    simulated = begin({"run.name": "a", "run.simulated": True, "universe.size": 30}).settings
    assert simulated.source.bars is None
    assert simulated.source.pattern == "*"
    assert simulated.lightgbm.leaves == 7
    panel = load({"run.name": "a", "panel.file": "p.arrow"}).settings
    assert not panel.run.simulated
    assert panel.universe.size == 2000  # a ready panel has its own universe


def test_a_model_left_out_takes_its_remembered_settings_along() -> None:
    begin({"run.name": "a", "run.simulated": True, "lightgbm.leaves": 7})
    assert load({"run.name": "a", "train.models": ["ridge"]}).settings.lightgbm.leaves == 31


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"origins": {"run.name": "moon"}, "settings": {}}', '{"origins": 1}']
)
def test_a_damaged_memory_is_named(text: str) -> None:
    begin({"run.name": "a"})
    path = Path("runs/a/settings.json")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"cannot be read[\s\S]*settings\.json"):
        load({"run.name": "a"})


def test_a_memory_of_a_key_that_is_gone_is_named() -> None:
    begin({"run.name": "a"})
    path = Path("runs/a/settings.json")
    saved = json.loads(path.read_text(encoding="utf-8"))
    saved["settings"]["run"]["colour"], saved["origins"]["run.colour"] = "red", "flag"
    path.write_text(json.dumps(saved), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"unknown[\s\S]*run\.colour"):
        load({"run.name": "a"})


@pytest.mark.parametrize(
    "flags",
    [
        {"simulation.stocks": 50},
        {"source.pattern": "*.csv"},
        {"run.simulated": True, "source.pattern": "*.csv"},
        {"source.bars": "x", "simulation.stocks": 50},
        {"panel.file": "x", "universe.size": 50},
        {"panel.file": "x", "labels.horizons": [1]},
        {"panel.file": "x", "panel.segment_sessions": 5},
        {"run.simulated": True, "train.models": ["ridge"], "lightgbm.leaves": 5},
    ],
)
def test_a_setting_that_nothing_would_read_is_refused(flags: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="no effect") as caught:
        load(flags)
    assert list(flags)[-1] in str(caught.value)


@pytest.mark.parametrize(
    "flags", [{"source.bars": "x", "run.simulated": True}, {"source.bars": "x", "panel.file": "y"}]
)
def test_two_sources_of_bars_are_refused(flags: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="more than one source"):
        load(flags)


@pytest.mark.parametrize("name", ["..", "../x", "/tmp/x", "a/../.."])
def test_a_name_cannot_leave_the_folder_of_runs(name: str) -> None:
    with pytest.raises(StorageError, match="leaves the folder"):
        load({"run.name": name})


DEEP: dict[str, object] = {"panel.file": "x", "train.models": ["atft_gat_fan"]}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"scheduler.t0": 2}, "scheduler.type warmup_cosine"),
        ({"scheduler.type": "constant", "scheduler.eta_min": 1e-5}, "scheduler.type constant"),
        ({"optimizer.type": "lion", "optimizer.eps": 1e-5}, "optimizer.type lion"),
    ],
)
def test_a_setting_that_the_type_does_not_read_is_refused(flags: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match="no effect") as caught:
        load(DEEP | flags)
    assert list(flags)[-1] in str(caught.value)
    assert words in str(caught.value)


def test_a_remembered_setting_that_another_type_does_not_read_is_forgotten() -> None:
    begin({"run.name": "a", **DEEP, "scheduler.type": "cosine_restarts", "scheduler.t0": 2})
    assert load({"run.name": "a"}).settings.scheduler.t0 == 2
    assert load({"run.name": "a", "scheduler.type": "plateau"}).settings.scheduler.t0 == 3


def test_a_floor_at_or_above_the_learning_rate_is_refused_at_once() -> None:
    with pytest.raises(SettingsError, match=r"eta_min 5e-05, optimizer\.learning_rate 2e-05"):
        load(DEEP | {"optimizer.learning_rate": 2e-5})
    load(DEEP | {"optimizer.learning_rate": 2e-5, "scheduler.type": "constant"})


def test_horizon_weights_are_as_many_as_targets() -> None:
    flags: dict[str, object] = {
        "run.simulated": True, "train.models": ["gru"], "labels.horizons": [1, 5], "loss.horizon_weights": [1, 2],
    }  # fmt: skip
    with pytest.raises(SettingsError, match=r"2 weights[\s\S]*h1_d0, h1_d1, h5_d0, h5_d1"):
        load_settings(None, flags)
    load_settings(None, {**flags, "loss.horizon_weights": [1, 2, 1, 2]})
