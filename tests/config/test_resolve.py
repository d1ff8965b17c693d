from __future__ import annotations

import json
import math
from datetime import date
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, model_validator

from gogooku3.config.origin import Origin
from gogooku3.config.resolve import Resolved, resolve
from gogooku3.errors import SettingsError


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Trees(Section):
    leaves: int = Field(31, ge=2, description="leaves of a tree")
    rate: float = 0.1
    seeds: tuple[int, ...] = (1, 2)
    objective: Literal["rank", "mse"] = "rank"
    bagging: bool = False


class Inner(Section):
    depth: int = 3


class Outer(Section):
    name: str = "x"
    folder: Path | None = None
    since: date | None = None
    limit: float = math.inf
    inner: Inner = Inner()

    @model_validator(mode="after")
    def _sound(self) -> Outer:
        if self.name == "deep" and self.inner.depth < 5:
            raise SettingsError("too shallow", expected="depth >= 5")
        return self


class All(Section):
    lightgbm: Trees = Trees(rate=0.05)  # a preset that differs from the class
    outer: Outer = Field(default_factory=Outer)
    seed: int = 0


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "gogooku3.toml"
    file.write_text(text, encoding="utf-8")
    return file


def told(**more: object) -> str:
    with pytest.raises(SettingsError) as error:
        resolve(All, **more)  # type: ignore[arg-type]
    return str(error.value)


def test_defaults() -> None:
    resolved = resolve(All)
    assert resolved.settings == All()
    assert set(resolved.origins.values()) == {Origin("default")}
    assert list(resolved.origins)[:2] == ["lightgbm.leaves", "lightgbm.rate"]
    assert len(resolved.origins) == 11


def test_file_below_environment_below_flag(tmp_path: Path) -> None:
    file = written(tmp_path, "seed = 1\n[lightgbm]\nleaves = 7\nrate = 1\n[outer.inner]\ndepth = 4\n")
    environment = {"GOGOOKU3_LIGHTGBM__LEAVES": "15", "GOGOOKU3_SEED": "2", "HOME": "ignored"}
    resolved = resolve(All, file=file, environment=environment, flags={"seed": 3})
    settings = resolved.settings
    assert (settings.seed, settings.lightgbm.leaves, settings.lightgbm.rate) == (3, 15, 1.0)
    assert settings.outer.inner.depth == 4
    shown = {key: str(origin) for key, origin in resolved.origins.items()}
    assert shown["seed"] == "flag"
    assert shown["lightgbm.leaves"] == "environment GOGOOKU3_LIGHTGBM__LEAVES"
    assert shown["lightgbm.rate"] == "file gogooku3.toml"
    assert shown["outer.inner.depth"] == "file gogooku3.toml"
    assert shown["lightgbm.bagging"] == "default"


def test_one_set_key_keeps_the_rest_of_a_preset() -> None:
    assert resolve(All, flags={"lightgbm.leaves": 5}).settings.lightgbm == Trees(leaves=5, rate=0.05)


def test_text_is_read_as_the_field_needs() -> None:
    environment = {
        "GOGOOKU3_LIGHTGBM__SEEDS": "[4, 5]",
        "GOGOOKU3_LIGHTGBM__BAGGING": "true",
        "GOGOOKU3_LIGHTGBM__OBJECTIVE": "mse",
        "GOGOOKU3_LIGHTGBM__RATE": "1e-3",
        "GOGOOKU3_OUTER__NAME": "0130",  # a code stays text
        "GOGOOKU3_OUTER__FOLDER": "a/b",
        "GOGOOKU3_OUTER__SINCE": "2020-10-01",
        "GOGOOKU3_OUTER__LIMIT": "Infinity",
    }
    settings = resolve(All, environment=environment).settings
    assert settings.lightgbm == Trees(seeds=(4, 5), bagging=True, objective="mse", rate=0.001)
    assert settings.outer == Outer(name="0130", folder=Path("a/b"), since=date(2020, 10, 1))
    flags = {"lightgbm.seeds": "[4]", "outer.folder": "null", "outer.name": "null", "outer.inner.depth": "9"}
    settings = resolve(All, environment=environment, flags=flags).settings
    assert (settings.lightgbm.seeds, settings.outer.folder, settings.outer.name) == ((4,), None, "null")
    assert settings.outer.inner.depth == 9
    assert resolve(
        All, flags={"lightgbm.seeds": (7,), "outer.folder": Path("c")}
    ).settings.lightgbm.seeds == (7,)


def test_toml_values_keep_their_kinds(tmp_path: Path) -> None:
    file = written(
        tmp_path, "[outer]\nsince = 2020-10-01\nlimit = inf\nfolder = 'd'\n[lightgbm]\nseeds = [9]\n"
    )
    settings = resolve(All, file=file).settings
    assert settings.outer == Outer(since=date(2020, 10, 1), folder=Path("d"))
    assert settings.lightgbm.seeds == (9,)


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ("[lightgbm]\nleafs = 3", "lightgbm.leafs", "lightgbm.leaves"),
        ("[lightgmb]\nleaves = 3", "lightgmb", "lightgbm"),
        ("leaves = 3", "leaves", "lightgbm.leaves"),
        ("[outer.iner]\ndepth = 3", "outer.iner", "outer.inner"),
        ("zzz = 3", "zzz", "a key of lightgbm, outer, seed"),
    ],
)
def test_an_unknown_key_in_the_file(tmp_path: Path, text: str, key: str, near: str) -> None:
    sentence = told(file=written(tmp_path, text))
    assert "a settings key is unknown" in sentence
    assert "where: file gogooku3.toml" in sentence
    assert f"got: {key}\n" in sentence
    assert near in sentence.partition("expected: ")[2]


@pytest.mark.parametrize(
    "name", ["GOGOOKU3_LIGHTGBM__LEAFS", "GOGOOKU3_LIGHTGBM_LEAVES", "gogooku3_lightgbm__leaves"]
)
def test_an_unknown_variable(name: str) -> None:
    sentence = told(environment={name: "3"})
    assert f"where: environment {name}" in sentence
    assert "perhaps GOGOOKU3_LIGHTGBM__LEAVES" in sentence


def test_an_unknown_flag_or_a_section_as_a_value() -> None:
    sentence = told(flags={"lightgbm.leavs": 3})
    assert "where: flag" in sentence
    assert "perhaps lightgbm.leaves" in sentence
    assert "unknown" in told(flags={"lightgbm": {"leaves": 3}})
    assert "unknown" in told(environment={"GOGOOKU3_": "3"})


@pytest.mark.parametrize(
    ("text", "key", "got", "expected"),
    [
        ("[lightgbm]\nleaves = '31'", "lightgbm.leaves", "'31'", "a valid integer (leaves of a tree)"),
        ("[lightgbm]\nleaves = true", "lightgbm.leaves", "True", "a valid integer"),
        ("[lightgbm]\nleaves = 2.5", "lightgbm.leaves", "2.5", "a valid integer"),
        ("[lightgbm]\nleaves = 1", "lightgbm.leaves", "1", "greater than or equal to 2"),
        ("[lightgbm]\nbagging = 1", "lightgbm.bagging", "1", "a valid boolean"),
        ("[lightgbm]\nobjective = 'map'", "lightgbm.objective", "'map'", "'rank' or 'mse'"),
        ("[lightgbm]\nseeds = [1, 'x']", "lightgbm.seeds[1]", "'x'", "a valid integer"),
        ("[lightgbm]\nseeds = 4", "lightgbm.seeds", "4", "array"),
        ("[outer]\nname = 5", "outer.name", "5", "a valid string"),
    ],
)
def test_a_wrong_type_in_the_file(tmp_path: Path, text: str, key: str, got: str, expected: str) -> None:
    sentence = told(file=written(tmp_path, text))
    assert f"where: {key} (file gogooku3.toml)" in sentence
    assert f"got: {got}\n" in sentence
    assert expected in sentence.partition("expected: ")[2]


def test_a_wrong_type_elsewhere_names_its_origin() -> None:
    sentence = told(environment={"GOGOOKU3_LIGHTGBM__LEAVES": "many"})
    assert "lightgbm.leaves (environment GOGOOKU3_LIGHTGBM__LEAVES)" in sentence
    assert "got: 'many'" in sentence
    assert "lightgbm.leaves (flag)" in told(flags={"lightgbm.leaves": object()})


def test_all_wrong_keys_are_named() -> None:
    sentence = told(flags={"lightgbm.leaves": "a"}, environment={"GOGOOKU3_SEED": "b"})
    assert "where: lightgbm.leaves (flag)" in sentence
    assert "also wrong: seed (environment GOGOOKU3_SEED)" in sentence


def test_a_section_that_contradicts_itself_names_what_was_set() -> None:
    sentence = told(flags={"outer.name": "deep"})
    assert "where: outer: outer.name (flag)" in sentence
    assert "too shallow; expected: depth >= 5" in sentence


def test_a_required_key() -> None:
    class Needs(Section):
        token: str = Field(description="what opens the door")

    class Whole(Section):
        door: Needs

    with pytest.raises(SettingsError, match="has no value") as error:
        resolve(Whole)
    assert "where: door.token (default)" in str(error.value)
    assert "GOGOOKU3_DOOR__TOKEN" in str(error.value)
    assert resolve(Whole, flags={"door.token": "t"}).settings.door.token == "t"


@pytest.mark.parametrize("text", ["seed = ", "[lightgbm]\n[lightgbm]"])
def test_a_file_that_is_no_toml(tmp_path: Path, text: str) -> None:
    assert "is no TOML" in told(file=written(tmp_path, text))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert "cannot be read" in told(file=tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    assert "is no TOML" in told(file=tmp_path / "latin.toml")


def test_a_section_given_as_a_value(tmp_path: Path) -> None:
    sentence = told(file=written(tmp_path, "lightgbm = 3"))
    assert "where: lightgbm (file gogooku3.toml)" in sentence
    assert "a table [lightgbm]" in sentence


def test_rows_and_json_for_the_run_folder() -> None:
    resolved = resolve(All, flags={"outer.folder": "a", "seed": 4})
    rows = {key: (value, origin) for key, value, origin in resolved.rows()}
    assert rows["seed"] == ("4", "flag")
    assert rows["outer.folder"] == ("a", "flag")
    assert rows["outer.since"] == ("null", "default")
    assert rows["lightgbm.seeds"] == ("[1, 2]", "default")
    assert list(rows) == list(resolved.origins)
    stored = json.loads(resolved.to_json())
    assert stored["settings"]["outer"]["inner"] == {"depth": 3}
    assert stored["settings"]["lightgbm"]["seeds"] == [1, 2]
    assert stored["settings"]["outer"]["limit"] == "Infinity"
    assert stored["origins"]["seed"] == "flag"


@given(
    layers=st.lists(
        st.dictionaries(st.sampled_from(["seed", "lightgbm.leaves", "outer.inner.depth"]), st.integers(2, 9)),
        min_size=3,
        max_size=3,
    )
)
def test_the_last_layer_that_speaks_wins(
    layers: list[dict[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    in_file, in_environment, in_flags = layers
    text = "".join(f"{key} = {value}\n" for key, value in in_file.items())
    file = written(tmp_path_factory.mktemp("layers"), text)
    environment = {f"GOGOOKU3_{k.upper().replace('.', '__')}": str(v) for k, v in in_environment.items()}
    resolved: Resolved[All] = resolve(All, file=file, environment=environment, flags=in_flags)
    found = {key: (value, origin.split(" ")[0]) for key, value, origin in resolved.rows()}
    for key in ("seed", "lightgbm.leaves", "outer.inner.depth"):
        if key in in_flags:
            expected = (str(in_flags[key]), "flag")
        elif key in in_environment:
            expected = (str(in_environment[key]), "environment")
        elif key in in_file:
            expected = (str(in_file[key]), "file")
        else:
            expected = ({"seed": "0", "lightgbm.leaves": "31"}.get(key, "3"), "default")
        assert found[key] == expected
