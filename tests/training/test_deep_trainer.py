from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gogooku3.errors import ModelError
from gogooku3.scoring.score import score_sessions
from gogooku3.training.checkpoint import checkpoint_steps
from gogooku3.training.course import Trained
from gogooku3.training.find_fault import find_fault
from gogooku3.training.losses.rank_preserving import RankPreservingLoss
from tests.training.deep_market import DAYS, WATCHED, course, make_model, source, train, trainer


def same(left: Trained, right: Trained) -> bool:
    return left.weights.keys() == right.weights.keys() and all(
        torch.equal(tensor, right.weights[name]) for name, tensor in left.weights.items()
    )


def test_a_signal_over_several_days_is_learnt(tmp_path: Path) -> None:
    found = train(tmp_path)
    assert min(found.validation) > 0.25
    assert found.validation[0] > found.validation[1]
    assert 1 <= found.epochs <= 3


def test_the_same_course_gives_the_same_bits_and_another_seed_others(tmp_path: Path) -> None:
    first = train(tmp_path / "a")
    assert same(first, train(tmp_path / "b"))
    assert not same(first, train(tmp_path / "c", seed=1))


class BrokenOffError(Exception):
    """Thrown in the middle of a training."""


class Breaking:
    """A listener that breaks off after some steps."""

    def __init__(self, after: int) -> None:
        self.left = after

    def begin(self, *_: object) -> None:
        pass

    def epoch(self, *_: object) -> None:
        pass

    def step(self, *_: object) -> None:
        self.left -= 1
        if self.left == 0:
            raise BrokenOffError


@pytest.mark.parametrize("after", [1, 4, 5, 11, 12, 23])
def test_an_interrupted_training_ends_with_the_same_bits(tmp_path: Path, after: int) -> None:
    whole = train(tmp_path / "whole")
    broken = trainer()
    broken.listener = Breaking(after)
    with pytest.raises(BrokenOffError):
        broken.train(make_model, course(), tmp_path / "broken")
    resumed = trainer().train(make_model, course(), tmp_path / "broken")
    assert same(whole, resumed)
    assert resumed.epochs == whole.epochs
    assert resumed.validation == whole.validation


def test_a_checkpoint_of_another_course_is_not_gone_on_from(tmp_path: Path) -> None:
    train(tmp_path / "one", key="old", seed=3)
    assert checkpoint_steps(tmp_path / "one")
    assert same(train(tmp_path / "one"), train(tmp_path / "two"))


KILLED = """
import sys, time
from pathlib import Path
from tests.training.deep_market import course, make_model, trainer
class Slow:
    def begin(self, *_): print("begun", flush=True)
    def epoch(self, *_): pass
    def step(self, *_): time.sleep(0.02)
t = trainer(); t.listener = Slow()
t.train(make_model, course(), Path(sys.argv[1]))
"""


def test_a_killed_training_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole")
    rng = np.random.default_rng(0)
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path / "killed")],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": "src:."},
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0.1, 0.4))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert same(whole, train(tmp_path / "killed"))


def test_epochs_are_chosen_by_validation_and_patience_ends_training(tmp_path: Path) -> None:
    chosen = trainer(epochs=12, patience=1)
    heard: list[tuple[int, list[float]]] = []
    chosen.listener = _Heard(heard)
    found = chosen.train(make_model, course(epochs=12, stop_after=12), tmp_path)
    means = [float(np.mean(validation)) for _, validation in heard]
    assert found.epochs == int(np.argmax(means)) + 1
    assert len(means) == min(found.epochs + 1, 12)
    assert list(found.validation) == heard[found.epochs - 1][1]


class _Heard:
    def __init__(self, heard: list[tuple[int, list[float]]]) -> None:
        self.heard = heard

    def begin(self, *_: object) -> None:
        pass

    def step(self, *_: object) -> None:
        pass

    def epoch(self, _name: str, epoch: int, _loss: float, _rate: float, validation: list[float]) -> None:
        self.heard.append((epoch, validation))


class Counting:
    """Remembers what was announced, and counts."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []
        self.steps = 0

    def begin(self, _name: str, steps: int, done: int) -> None:
        self.told.append((steps, done))

    def epoch(self, *_: object) -> None:
        pass

    def step(self, *_: object) -> None:
        self.steps += 1


@pytest.mark.parametrize("changes", [{"sessions": 7}, {"sessions": 7, "accumulate": 2}])
def test_the_steps_announced_are_those_that_are_made(tmp_path: Path, changes: dict[str, object]) -> None:
    """Epochs are cut at other places, and have other numbers of blocks."""
    counted = trainer(**changes)
    counted.listener = heard = Counting()
    asked = course(watched=WATCHED[:0], epochs=6, stop_after=6)
    counted.train(make_model, asked, tmp_path)
    (steps, done) = heard.told[0]
    assert done == 0
    assert heard.steps == steps
    counted.train(make_model, asked, tmp_path)
    assert heard.told[1] == (steps, steps)


def test_without_sessions_to_watch_it_trains_to_the_end(tmp_path: Path) -> None:
    found = train(tmp_path, watched=WATCHED[:0], stop_after=2)
    assert found.epochs == 2
    assert np.isnan(found.validation).all()


def test_a_loss_that_is_not_finite_stops_with_step_day_and_checkpoint(tmp_path: Path) -> None:
    broken = trainer(checkpoint_every=1)
    model = make_model()

    class Spoil(Breaking):
        def step(self, *_: object) -> None:
            self.left -= 1
            if self.left == 0:
                with torch.no_grad():
                    next(model.parameters()).fill_(torch.nan)

    broken.listener = Spoil(3)
    with pytest.raises(ModelError, match="not finite") as raised:
        broken.train(lambda: model, course(), tmp_path)
    said = str(raised.value)
    assert "epoch 1, step 4" in said
    assert "2020-" in said
    assert "h1_d1" in said
    assert "the last good checkpoint is step 3" in said


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_the_day_and_horizon_that_break_a_step_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """One label of the second horizon, on one day in the middle of a block, is what breaks."""
    broken = trainer(sessions=10, checkpoint_every=1)
    labels = broken.data.labels
    labels[64, int(np.flatnonzero(np.isfinite(labels[64, :, 1]))[9]), 1] = 77.0

    class Touchy(torch.autograd.Function):
        """Gives what it is given; its gradient is not finite."""

        @staticmethod
        def forward(_context: object, value: torch.Tensor) -> torch.Tensor:
            return value.clone()

        @staticmethod
        def backward(_context: object, gradient: torch.Tensor) -> torch.Tensor:
            return gradient * torch.inf

    real = RankPreservingLoss.parts

    def parts(
        self: RankPreservingLoss, scores: torch.Tensor, labels: torch.Tensor, *rest: object, **named: object
    ):
        found = real(self, scores, labels, *rest, **named)
        if not bool((labels == 77.0).any()):
            return found
        total = found.total * torch.nan if what == "loss" else Touchy.apply(found.total)
        return replace(found, total=total)

    monkeypatch.setattr(RankPreservingLoss, "parts", parts)
    with pytest.raises(ModelError, match=f"{what} is not finite") as raised:
        broken.train(make_model, course(), tmp_path)
    assert f"{DAYS[64]}, h5_d1" in str(raised.value)


def test_what_takes_several_targets_names_none() -> None:
    labels = torch.zeros(8, 3, 2)
    assert find_fault(lambda given: bool(torch.isfinite(given).all()), labels) == (None, None)
    assert find_fault(lambda given: bool(torch.isfinite(given[5, :, 1]).any()), labels) == (5, 1)
    together = lambda given: bool(torch.isfinite(given[2:7:4, :, 0]).all())  # noqa: E731
    assert find_fault(together, labels) == (None, 0)


def test_without_a_day_to_measure_validation_on_it_stops(tmp_path: Path) -> None:
    blind = trainer()
    blind.data.labels[WATCHED, :, 1] = np.nan
    with pytest.raises(ModelError, match="validation cannot be measured") as raised:
        blind.train(make_model, course(), tmp_path)
    assert "h5_d1" in str(raised.value)
    assert "h1_d1" not in str(raised.value)


def test_a_model_that_tells_no_stocks_apart_is_stopped(tmp_path: Path) -> None:
    def constant() -> torch.nn.Module:
        model = make_model()
        with torch.no_grad():
            model.scores.weight.zero_()
        model.scores.weight.requires_grad_(False)
        return model

    with pytest.raises(ModelError, match="constant across stocks") as raised:
        trainer().train(constant, course(), tmp_path)  # type: ignore[arg-type]
    assert "h1_d1" in str(raised.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"sessions": 7}, {"parts": 2, "sessions": 30}, {"accumulate": 2}, {"clip": 0.01}, {"ema": 0.0},
        {"precision": "bfloat16"},
    ],
)  # fmt: skip
def test_every_setting_of_the_loop_changes_the_weights(tmp_path: Path, changes: dict[str, object]) -> None:
    usual = trainer().train(make_model, course(), tmp_path / "usual")
    other = trainer(**changes).train(make_model, course(), tmp_path / "other")
    assert not same(usual, other)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_reading_ahead_in_another_process_changes_no_bit(tmp_path: Path, accumulate: int) -> None:
    plain = trainer(accumulate=accumulate).train(make_model, course(), tmp_path / "plain")
    ahead = trainer(accumulate=accumulate, prefetch=True).train(make_model, course(), tmp_path / "ahead")
    assert same(plain, ahead)


def test_scores_of_a_session_are_those_of_the_block() -> None:
    days, _ = source()
    model = make_model().eval()
    whole = score_sessions(model, days, np.arange(20, 90))
    assert np.isnan(whole[~days.universe[20:90]]).all()
    for session in (20, 51, 52, 89):
        one = score_sessions(model, days, np.array([session]))
        np.testing.assert_allclose(one[0], whole[session - 20], atol=1e-5)
    assert json.dumps(float(np.nanstd(whole))) != "0.0"
