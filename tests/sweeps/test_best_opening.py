"""The locked sessions are opened for one point of a search; asked again, what was written down is the answer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gogooku3.errors import ModelError
from gogooku3.pipeline.opening import record_opening
from gogooku3.progress import Silent
from gogooku3.sweeps import best as module
from gogooku3.sweeps.best import FOLDER, retrain_best
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.outcome import Attempt
from tests.sweeps.stand_in import outcome


class Stage:
    """A search whose best is trained, opened and packed in no time."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.ledger, self.base = folder, Ledger(folder), SimpleNamespace(progress=Silent())
        self.done: list[str] = []
        self.breaks = False
        monkeypatch.setattr(module, "run_of", lambda *_: self)
        monkeypatch.setattr(module, "_tree", lambda *_: {})
        monkeypatch.setattr(module, "train", lambda *_: self.done.append("train"))
        monkeypatch.setattr(module, "_opened", lambda _: self._open())
        monkeypatch.setattr(module, "bundle", lambda _: SimpleNamespace(path=folder / FOLDER / "bundle.zip"))
        monkeypatch.setattr(module, "open_bundle", lambda path: SimpleNamespace(path=path))
        self.progress = Silent()

    def path(self, name: str) -> Path:
        return self.folder / FOLDER / name

    def _open(self) -> dict[str, float]:
        self.done.append("open")
        record_opening(self, "2020-01-06", "2020-12-30")  # type: ignore[arg-type]
        if self.breaks:
            raise KeyboardInterrupt
        return {"5": 0.05}

    def add(self, number: int, value: float, **changes: Any) -> None:
        params = {"optimizer.learning_rate": value}
        made = Attempt(self.ledger, number=number, attempt=0, params=params, seed=0)
        made.complete(outcome(value) | changes)

    def best(self, seeds: int = 3) -> Any:
        return retrain_best(self, seeds)  # type: ignore[arg-type]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage(tmp_path, monkeypatch)
    made.add(0, 0.1)
    made.add(1, 0.2)
    return made


def test_asked_again_it_is_not_opened_again(stage: Stage) -> None:
    first, second = stage.best(), stage.best()
    assert stage.done == ["train", "open"]
    assert first == second
    assert (first.entry.number, first.epochs, first.rank_ic) == (1, 2, {5: 0.05})
    assert len(stage.path("openings.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("other", ["a better trial", "other seeds"])
def test_it_is_not_opened_for_another_point(stage: Stage, other: str) -> None:
    stage.best()
    if other == "a better trial":
        stage.add(2, 0.3)
    with pytest.raises(ModelError, match="opened for another point") as refused:
        stage.best(seeds=3 if other == "a better trial" else 4)
    assert ("trial" if other == "a better trial" else "seeds") in str(refused.value)
    assert stage.done == ["train", "open"]


def test_what_was_broken_off_is_gone_on_with_for_the_same_point_alone(stage: Stage) -> None:
    stage.breaks = True
    with pytest.raises(KeyboardInterrupt):
        stage.best()
    stage.breaks = False
    assert stage.best().rank_ic == {5: 0.05}
    stage.add(2, 0.3)
    with pytest.raises(ModelError, match="opened for another point"):
        stage.best()


def test_an_opening_of_which_nobody_wrote_down_the_point_counts(stage: Stage) -> None:
    stage.best()
    stage.path("point.json").unlink()
    with pytest.raises(ModelError, match="not written down"):
        stage.best()


def test_a_best_trial_of_which_only_the_value_is_known_is_refused(stage: Stage) -> None:
    stage.add(2, 0.3, epochs={})
    with pytest.raises(ModelError, match="it is not known here which epochs"):
        stage.best()
    assert not stage.done
