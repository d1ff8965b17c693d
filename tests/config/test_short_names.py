"""Environment variables without our prefix."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from gogooku3.config import short_names as module
from gogooku3.config.keys import leaves, variable
from gogooku3.config.load import load_settings
from gogooku3.config.resolve import Resolved, resolve
from gogooku3.config.settings import Settings
from gogooku3.config.short_names import SHORT_NAMES, short_names, short_names_read
from gogooku3.errors import SettingsError


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Optimizer(Section):
    type: Literal["adamw", "adabelief"] = "adamw"
    learning_rate: float = Field(1e-3, gt=0)


class Scheduler(Section):
    t0: int = 3


class All(Section):
    optimizer: Optimizer = Optimizer()
    scheduler: Scheduler = Scheduler()


SOME = {
    "OPTIMIZER_TYPE": "optimizer.type",
    "LEARNING_RATE": "optimizer.learning_rate",
    "COSINE_T0": "scheduler.t0",
}


def resolved(environment: dict[str, str], **more: object) -> Resolved[All]:
    return resolve(All, environment=environment, short_names=SOME, **more)  # type: ignore[arg-type]


def test_a_short_name_sets_its_key_and_is_named_as_its_origin() -> None:
    found = resolved({"OPTIMIZER_TYPE": "adabelief", "LEARNING_RATE": "2e-3", "COSINE_T0": "4", "HOME": "/"})
    assert found.settings == All(
        optimizer=Optimizer(type="adabelief", learning_rate=2e-3), scheduler=Scheduler(t0=4)
    )
    shown = {key: origin for key, _, origin in found.rows()}
    assert shown["optimizer.type"] == "environment OPTIMIZER_TYPE"
    assert shown["scheduler.t0"] == "environment COSINE_T0"


def test_it_stands_between_file_and_flag(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("[scheduler]\nt0 = 7\n[optimizer]\nlearning_rate = 0.5\n", encoding="utf-8")
    environment = {"COSINE_T0": "4", "LEARNING_RATE": "0.25"}
    found = resolved(environment, file=file, flags={"optimizer.learning_rate": 0.125})
    assert found.settings.scheduler.t0 == 4
    assert found.settings.optimizer.learning_rate == 0.125


def test_without_being_asked_for_it_is_not_read() -> None:
    assert resolve(All, environment={"LEARNING_RATE": "2e-3"}).settings == All()


def test_a_wrong_value_names_the_short_name() -> None:
    with pytest.raises(SettingsError, match=r"optimizer\.type \(environment OPTIMIZER_TYPE\)[\s\S]*'sgd'"):
        resolved({"OPTIMIZER_TYPE": "sgd"})


def test_short_and_long_name_may_agree_but_not_differ() -> None:
    long = variable("optimizer.learning_rate")
    assert resolved({"LEARNING_RATE": "2e-3", long: "0.002"}).settings.optimizer.learning_rate == 2e-3
    with pytest.raises(SettingsError) as caught:
        resolved({"LEARNING_RATE": "2e-3", long: "0.003"})
    text = str(caught.value)
    assert "where: optimizer.learning_rate" in text
    assert "LEARNING_RATE=2e-3, GOGOOKU3_OPTIMIZER__LEARNING_RATE=0.003" in text


def test_a_short_name_of_a_key_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match="environment OPTIMIZER_TYPE"):
        resolve(Scheduler, environment={"OPTIMIZER_TYPE": "x"}, short_names=SOME)


def test_settings_of_a_run_read_short_names_in_the_block_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "SHORT_NAMES", MappingProxyType({"TREE_LEAVES": "lightgbm.leaves"}))
    monkeypatch.setenv("TREE_LEAVES", "7")
    assert load_settings(None, {}).settings.lightgbm.leaves == 31
    with short_names():
        found = load_settings(None, {"run.name": "a"}, remember=True)
    assert found.settings.lightgbm.leaves == 7
    assert str(found.origins["lightgbm.leaves"]) == "environment TREE_LEAVES"
    assert load_settings(None, {}).settings.lightgbm.leaves == 31
    Path("runs/a").mkdir(parents=True)
    Path("runs/a/settings.json").write_text(found.to_json(), encoding="utf-8")
    later = load_settings(None, {"run.name": "a"}, remember=True)  # of a later step, as any other setting
    assert str(later.origins["lightgbm.leaves"]) == "environment TREE_LEAVES"


def test_the_block_ends_with_an_error_too() -> None:
    with pytest.raises(ValueError, match="x"), short_names():
        raise ValueError("x")
    assert not short_names_read()


def test_every_short_name_is_of_a_key_that_exists() -> None:
    assert set(SHORT_NAMES.values()) <= set(dict(leaves(Settings)))
    assert len(set(SHORT_NAMES.values())) == len(SHORT_NAMES)
