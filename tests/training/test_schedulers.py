from __future__ import annotations

import json
import math
import warnings
from typing import Any, get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import SGD, lr_scheduler

from gogooku3.errors import ModelError, SettingsError
from gogooku3.training.optimizer_settings import OptimizerSettings
from gogooku3.training.optimizers import make_optimizer
from gogooku3.training.scheduler_settings import SchedulerSettings, SchedulerType
from gogooku3.training.schedulers import make_scheduler

TOP = 2e-3
TYPES: tuple[SchedulerType, ...] = get_args(SchedulerType)


def optimizer(rate: float = TOP) -> SGD:
    return SGD([{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in range(2)], lr=rate)


def rates(settings: SchedulerSettings, steps_per_epoch: int, epochs: int) -> list[float]:
    schedule = make_scheduler(settings, optimizer(), steps_per_epoch=steps_per_epoch, epochs=epochs)
    found = []
    for epoch in range(epochs):
        for step in range(steps_per_epoch):
            schedule.step(epoch, step)
            found.append(schedule.learning_rate)
    return found


def of_torch(theirs: Any, steps: int) -> list[float]:
    """Rates of one of torch's own schedulers that is stepped after every optimizer step."""
    found = []
    for _ in range(steps):
        found.append(theirs.get_last_lr()[0])
        theirs.optimizer.step()
        theirs.step()
    return found


def test_constant() -> None:
    assert set(rates(SchedulerSettings(type="constant"), 3, 4)) == {TOP}


@pytest.mark.parametrize(("t0", "t_mult"), [(3, 2), (1, 1), (2, 1), (1, 3), (3, 4)])
def test_cosine_restarts_are_those_of_torch(t0: int, t_mult: int) -> None:
    settings = SchedulerSettings(type="cosine_restarts", t0=t0, t_mult=t_mult, eta_min=5e-5)
    theirs = lr_scheduler.CosineAnnealingWarmRestarts(optimizer(), t0, t_mult, 5e-5)
    steps_per_epoch, epochs = 7, 21
    found = rates(settings, steps_per_epoch, epochs)
    theirs.optimizer.step()
    for number, rate in enumerate(found):
        theirs.step(number // steps_per_epoch + number % steps_per_epoch / steps_per_epoch)
        assert rate == pytest.approx(theirs.get_last_lr()[0], rel=1e-9), number


def test_restarts_by_hand() -> None:
    found = rates(SchedulerSettings(type="cosine_restarts"), 2, 12)
    begins = [number / 2 for number, rate in enumerate(found) if rate == TOP]
    assert begins == [0, 3, 9]
    assert found[3] == pytest.approx(5e-5 + (TOP - 5e-5) / 2)  # half of the first three epochs
    assert min(found) > 5e-5


@pytest.mark.parametrize(("share", "steps_per_epoch", "epochs"), [(0.3, 7, 10), (0.1, 5, 4), (0.5, 1, 9)])
def test_one_cycle_is_that_of_torch(share: float, steps_per_epoch: int, epochs: int) -> None:
    settings = SchedulerSettings(type="one_cycle", warmup_share=share, eta_min=5e-5)
    total = steps_per_epoch * epochs
    theirs = lr_scheduler.OneCycleLR(
        optimizer(), TOP, total, pct_start=share, final_div_factor=TOP / 25 / 5e-5, cycle_momentum=False
    )
    found = rates(settings, steps_per_epoch, epochs)
    assert found[:-1] == pytest.approx(of_torch(theirs, total - 1), rel=1e-9)
    assert found[-1] == pytest.approx(5e-5)


@pytest.mark.parametrize(("share", "steps_per_epoch", "epochs"), [(0.1, 20, 5), (0.25, 3, 8), (0.5, 1, 2)])
def test_warmup_cosine_is_torchs_two_in_sequence(share: float, steps_per_epoch: int, epochs: int) -> None:
    total = steps_per_epoch * epochs
    rise = round(share * total)
    theirs = optimizer()
    with warnings.catch_warnings():  # SequentialLR itself calls what torch warns of
        warnings.simplefilter("ignore")
        both = lr_scheduler.SequentialLR(
            theirs,
            [
                lr_scheduler.LinearLR(theirs, 1 / (rise + 1), total_iters=rise),
                lr_scheduler.CosineAnnealingLR(theirs, total - rise, 5e-5),
            ],
            [rise],
        )
        expected = of_torch(both, total)
    settings = SchedulerSettings(type="warmup_cosine", warmup_share=share, eta_min=5e-5)
    assert rates(settings, steps_per_epoch, epochs) == pytest.approx(expected, rel=1e-9)


def test_without_warmup_the_first_rate_is_the_highest() -> None:
    for kind in ("warmup_cosine", "one_cycle"):
        found = rates(SchedulerSettings(type=kind, warmup_share=0.0), 4, 3)
        assert found[0] == TOP
        assert found == sorted(found, reverse=True)


@given(
    scores=st.lists(st.floats(-1, 1) | st.just(math.nan), min_size=1, max_size=30),
    patience=st.integers(0, 3),
    factor=st.sampled_from([0.1, 0.5, 0.9]),
)
def test_plateau_is_that_of_torch(scores: list[float], patience: int, factor: float) -> None:
    settings = SchedulerSettings(type="plateau", plateau_patience=patience, plateau_factor=factor)
    schedule = make_scheduler(settings, optimizer(), steps_per_epoch=2, epochs=len(scores))
    theirs = lr_scheduler.ReduceLROnPlateau(
        optimizer(), "max", factor, patience, threshold=0, threshold_mode="abs", min_lr=5e-5, eps=0
    )
    for epoch, score in enumerate(scores):
        schedule.step(epoch, 0)
        schedule.step(epoch, 1)
        schedule.step(epoch + 1, 0, score)
        theirs.step(score)
        assert schedule.learning_rate == pytest.approx(theirs.optimizer.param_groups[0]["lr"])


@pytest.mark.parametrize("kind", TYPES)
def test_resuming_at_any_step_is_exact(kind: SchedulerType) -> None:
    settings = SchedulerSettings(type=kind, t0=1, plateau_patience=0)
    places = [(epoch, step) for epoch in range(5) for step in range(3)]

    def go(schedule: Any, places: list[tuple[int, int]]) -> list[float]:
        found = []
        for epoch, step in places:
            schedule.step(epoch, step)
            found.append(schedule.learning_rate)
            if step == 2:
                schedule.step(epoch + 1, 0, [0.1, 0.3, 0.2, 0.3, 0.4][epoch])
        return found

    def fresh() -> Any:
        return make_scheduler(settings, optimizer(), steps_per_epoch=3, epochs=5)

    whole = go(fresh(), places)
    for cut in range(len(places)):
        first = fresh()
        go(first, places[:cut])
        second = fresh()
        second.load_state_dict(json.loads(json.dumps(first.state_dict())))
        assert whole[cut:] == go(second, places[cut:])


@pytest.mark.parametrize("kind", TYPES)
def test_all_groups_have_the_rate_before_the_first_step(kind: SchedulerType) -> None:
    model = torch.nn.Linear(2, 2)
    made = make_optimizer(OptimizerSettings(learning_rate=TOP), model.parameters())
    schedule = make_scheduler(SchedulerSettings(type=kind), made, steps_per_epoch=10, epochs=2)
    assert {group["lr"] for group in made.param_groups} == {schedule.learning_rate}
    assert len(made.param_groups) == 2
    first = {"warmup_cosine": TOP / 3, "one_cycle": TOP / 25}
    assert schedule.learning_rate == pytest.approx(first.get(kind, TOP))


def test_the_rate_of_a_loaded_optimizer_is_not_taken_for_the_highest() -> None:
    model = torch.nn.Linear(2, 2)
    made = make_optimizer(OptimizerSettings(learning_rate=TOP), model.parameters())
    saved = made.state_dict()
    for group in saved["param_groups"]:
        group["lr"] = 1e-4
    made.load_state_dict(saved)
    schedule = make_scheduler(SchedulerSettings(type="cosine_restarts"), made, steps_per_epoch=1, epochs=9)
    schedule.step(3, 0)
    assert schedule.learning_rate == TOP


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("eta_min", [TOP, 2 * TOP])
def test_a_floor_at_or_above_the_rate_is_refused(kind: SchedulerType, eta_min: float) -> None:
    settings = SchedulerSettings(type=kind, eta_min=eta_min)
    if kind == "constant":
        make_scheduler(settings, optimizer(), steps_per_epoch=1, epochs=1)
        return
    with pytest.raises(SettingsError) as caught:
        make_scheduler(settings, optimizer(), steps_per_epoch=1, epochs=1)
    text = str(caught.value)
    assert f"scheduler.eta_min {eta_min}" in text
    assert f"optimizer.learning_rate {TOP}" in text


def test_the_state_of_another_type_is_refused() -> None:
    plateau = make_scheduler(SchedulerSettings(type="plateau"), optimizer(), steps_per_epoch=1, epochs=1)
    cosine = make_scheduler(SchedulerSettings(), optimizer(), steps_per_epoch=1, epochs=1)
    for one, other in ((plateau, cosine), (cosine, plateau)):
        with pytest.raises(ModelError, match="another type"):
            one.load_state_dict(other.state_dict())


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("warmup_cosine", {"eta_min": 1e-4, "warmup_share": 0.5}),
        ("one_cycle", {"eta_min": 1e-4, "warmup_share": 0.5}),
        ("cosine_restarts", {"eta_min": 1e-4, "t0": 2, "t_mult": 3}),
        ("plateau", {"eta_min": 1e-3, "plateau_factor": 0.1, "plateau_patience": 0}),
        ("constant", {}),
    ],
)
def test_every_setting_changes_the_rates_of_the_types_that_read_it(
    kind: SchedulerType, changes: dict[str, float]
) -> None:
    def course(**more: object) -> list[float]:
        settings = SchedulerSettings.model_validate({"type": kind, **more})
        schedule = make_scheduler(settings, optimizer(), steps_per_epoch=2, epochs=20)
        found = []
        for epoch in range(20):
            schedule.step(epoch, 0, 0.0)
            found.append(schedule.learning_rate)
        return found

    for name, value in changes.items():
        assert course(**{name: value}) != course(), name
    unread = {
        "eta_min": 1e-4,
        "warmup_share": 0.3,
        "t0": 2,
        "t_mult": 3,
        "plateau_factor": 0.1,
        "plateau_patience": 0,
    }
    assert SchedulerSettings(type=kind).unread == set(unread) - set(changes)
    for name in SchedulerSettings(type=kind).unread:
        assert course(**{name: unread[name]}) == course(), name
