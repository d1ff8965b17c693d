"""Trials of another search are never taken over, and a search that is not there is not gone on with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gogooku3.errors import SettingsError
from gogooku3.storage.atomic import write_json
from gogooku3.sweeps import studies
from gogooku3.sweeps.database import close_storage
from gogooku3.sweeps.folder_check import refuse_other
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.open import open_sweep
from gogooku3.sweeps.outcome import Attempt
from gogooku3.sweeps.run import storage_of
from gogooku3.sweeps.settings import SweepSettings
from gogooku3.sweeps.space import Choice, Space
from gogooku3.sweeps.sweep import Sweep
from tests.pipeline.tiny import NAME
from tests.sweeps.stand_in import outcome
from tests.sweeps.test_sweep import FLAGS, SPACE

POINT = {
    "optimizer.learning_rate": 0.002,
    "atft.hidden": 8,
    "graph.neighbours": 4,
    "loss.horizon_weights": "equal",
}


@pytest.fixture
def begun(made: Path, tmp_path: Path) -> Sweep:
    """A search of two trials, both in the ledger; gone on with as it was begun."""
    sweep = opened(made, tmp_path / "search", trials=2)
    for number in range(2):
        one = Attempt(Ledger(sweep.folder), number=number, attempt=0, params=POINT, seed=0)
        one.complete(outcome(0.1 + number))
    write_json(sweep.folder / "sweep.json", sweep.about() | {"known": sweep.known()})
    return replace(sweep, resume=True)


def opened(made: Path, folder: Path, space: Space = SPACE, **changes: Any) -> Sweep:
    settings = SweepSettings.model_validate({"epochs": 1, "folds": 1, **changes})
    sweep = open_sweep(
        panel=made / NAME / "panel", folder=folder, settings=settings, space=space, flags=FLAGS
    )
    return replace(sweep, resume=True)


def names(sweep: Sweep) -> list[str]:
    """Go on with a search as far as its study; return the states of its trials."""
    storage = storage_of(sweep)
    try:
        study = studies.studies_of(sweep, storage, 1)[0]
        return [trial.state.name for trial in study.get_trials()]
    finally:
        close_storage(storage)


def test_a_study_that_was_lost_is_built_anew(begun: Sweep) -> None:
    assert names(begun) == ["COMPLETE"] * 2
    assert names(begun) == ["COMPLETE"] * 2


def test_another_name_does_not_take_over_the_trials(begun: Sweep, made: Path) -> None:
    names(begun)
    with pytest.raises(SettingsError, match="holds the trials of another study"):
        names(opened(made, begun.folder, trials=2, name="other"))


@pytest.mark.parametrize("kept", ["record", "no record", "nothing"])
def test_another_space_does_not_take_over_the_trials(begun: Sweep, made: Path, kept: str) -> None:
    about = begun.folder / "sweep.json"
    if kept == "no record":
        write_json(
            about, {key: value for key, value in json.loads(about.read_text()).items() if key != "known"}
        )
    elif kept == "nothing":
        about.unlink()
    other = opened(made, begun.folder, {**SPACE, "atft.hidden": Choice(values=(16, 32))}, trials=2)
    said = "are not of this space" if kept == "nothing" else "begun with other settings"
    with pytest.raises(SettingsError, match=said):
        names(other)


def test_a_file_without_a_record_is_compared_by_the_settings_that_it_has(begun: Sweep, made: Path) -> None:
    path = begun.folder / "sweep.json"
    about = json.loads(path.read_text())
    del about["known"], about["settings"]["atft"]["dropout"]  # a setting that is newer than the file
    about["settings"]["deep"]["threads"] = 64  # of the machine
    write_json(path, about)
    assert names(begun) == ["COMPLETE"] * 2
    (begun.folder / "study.db").unlink()
    with pytest.raises(SettingsError, match="begun with other settings") as refused:
        names(opened(made, begun.folder, trials=2, epochs=2))
    assert "settings.deep" in str(refused.value)


def test_code_may_have_changed_once_no_trial_is_left(
    begun: Sweep, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(begun)
    monkeypatch.setattr("gogooku3.sweeps.sweep.deep_code", lambda: "another")
    assert names(opened(made, begun.folder, trials=2)) == ["COMPLETE"] * 2
    with pytest.raises(SettingsError, match="begun with other settings") as refused:
        names(opened(made, begun.folder, trials=3))
    assert "code" in str(refused.value)
    (begun.folder / "study.db").unlink()
    names(opened(made, begun.folder, trials=2))  # is built anew, as of the code that its trials had
    (begun.folder / "sweep.json").unlink()
    with pytest.raises(SettingsError, match="begun with other settings"):
        names(opened(made, begun.folder, trials=3))


@pytest.mark.parametrize("finished", [True, False])
def test_a_setting_that_only_newer_code_has_is_no_difference_once_no_trial_is_left(finished: bool) -> None:
    before, now = {"settings.atft": {"hidden": 64}}, {"settings.atft": {"hidden": 64, "newer": 1}}
    if finished:
        refuse_other(before, now, finished=True)
    for other in [{"settings.atft": {"hidden": 32, "newer": 1}}, *([] if finished else [now])]:
        with pytest.raises(SettingsError, match="begun with other settings"):
            refuse_other(before, other, finished=finished)


def test_the_space_has_to_be_the_same_even_then() -> None:
    space = {"space": {"atft.hidden": [8, 16], "atft.heads": [2]}}
    with pytest.raises(SettingsError, match="begun with other settings"):
        refuse_other(space, {"space": {"atft.hidden": [8, 16]}}, finished=True)


def test_a_used_folder_does_not_go_into_a_new_database(begun: Sweep, tmp_path: Path) -> None:
    elsewhere = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    with pytest.raises(SettingsError, match="the folder holds a search already"):
        names(replace(begun, resume=False, storage=elsewhere))
    assert names(replace(begun, storage=elsewhere)) == ["COMPLETE"] * 2  # unless it is said
    assert (
        names(replace(begun, resume=False, storage=elsewhere)) == ["COMPLETE"] * 2
    )  # the same command again


def test_what_is_not_there_is_not_gone_on_with(begun: Sweep, made: Path, tmp_path: Path) -> None:
    mistyped = opened(made, tmp_path / "not-there", trials=2)
    with pytest.raises(SettingsError, match="no such search to go on with"):
        names(mistyped)
    assert not mistyped.folder.exists()
    with pytest.raises(SettingsError, match="no such search to go on with"):
        names(replace(mistyped, storage=f"sqlite:///{tmp_path / 'empty.db'}"))
