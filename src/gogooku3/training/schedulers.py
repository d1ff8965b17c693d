"""The course of the learning rate."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from torch.optim import Optimizer

from gogooku3.errors import ModelError
from gogooku3.training.scheduler_settings import SchedulerSettings

_ONE_CYCLE_BEGINS = 1 / 25  # share of the highest rate, as in torch


class Schedule(ABC):
    """Sets the learning rate of all groups of an optimizer.

    `step` is called before each step of the optimizer with the place of that step, and once after an epoch with its
    validation score and the place of the next epoch's first step. But for a plateau, the rate follows from the place
    alone.
    """

    def __init__(self, settings: SchedulerSettings, optimizer: Optimizer) -> None:
        self.settings, self._optimizer = settings, optimizer
        self._top = float(optimizer.defaults["lr"])

    @property
    def learning_rate(self) -> float:
        """The rate that is set now."""
        return float(self._optimizer.param_groups[0]["lr"])

    @abstractmethod
    def step(self, epoch: int, step: int, validation: float | None = None) -> None:
        """Set the learning rate.

        Args:
            epoch: Number of the epoch, from 0.
            step: Number of the optimizer's step within the epoch, from 0.
            validation: Score of the epoch that has just ended, higher is better (RankIC).
        """

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint has to keep, as plain JSON."""
        return {"type": self.settings.type}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned.

        Raises:
            ModelError: It is of another type of schedule.
        """
        if state["type"] != self.settings.type:
            raise ModelError(
                "a schedule cannot go on from another type's state",
                where="scheduler.type",
                got=state["type"],
                expected=self.settings.type,
                remedy="go on with the settings of the checkpoint, or begin a new training",
            )

    def _set(self, rate: float) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = rate


def make_scheduler(
    settings: SchedulerSettings, optimizer: Optimizer, *, steps_per_epoch: int, epochs: int
) -> Schedule:
    """Return the schedule that the settings name, and set its first rate.

    Args:
        settings: The type and its constants.
        optimizer: The rate that it was made with is the highest of the schedule.
        steps_per_epoch: Steps of the optimizer in an epoch: fewer than batches where gradients are accumulated.
        epochs: Epochs at most; `warmup_cosine` and `one_cycle` reach ``eta_min`` with the last.

    Raises:
        SettingsError: ``eta_min`` is at or above the learning rate.
    """
    settings.refuse_high_floor(float(optimizer.defaults["lr"]))
    if settings.type == "plateau":
        return _Plateau(settings, optimizer)
    return _Course(settings, optimizer, steps_per_epoch, epochs)


def rate_at(
    settings: SchedulerSettings, top: float, epoch: int, step: int, *, steps_per_epoch: int, epochs: int
) -> float:
    """Return the learning rate of a step, for every type but plateau.

    `cosine_restarts` is that of Loshchilov and Hutter (2017) by fractional epochs, `one_cycle` that of Smith and
    Topin (2018) with both phases cosines and without a cycle of the momentum.

    Args:
        settings: The type and its constants.
        top: The highest rate.
        epoch: Number of the epoch, from 0.
        step: Number of the step within the epoch, from 0.
        steps_per_epoch: Steps in an epoch.
        epochs: Epochs at most; the last rate holds beyond them.
    """
    total = epochs * steps_per_epoch
    done = min(epoch * steps_per_epoch + step, total)
    if settings.type == "warmup_cosine":
        return _warmup_cosine(settings, top, done, total)
    if settings.type == "one_cycle":
        return _one_cycle(settings, top, done, total)
    if settings.type == "cosine_restarts":
        return _cosine_restarts(settings, top, epoch + step / steps_per_epoch)
    return top


def _warmup_cosine(settings: SchedulerSettings, top: float, done: int, total: int) -> float:
    rise = round(settings.warmup_share * total)
    if done < rise:
        return top * (done + 1) / (rise + 1)
    return _cosine(top, settings.eta_min, (done - rise) / max(total - rise, 1))


def _one_cycle(settings: SchedulerSettings, top: float, done: int, total: int) -> float:
    rise = max(settings.warmup_share * total - 1, 0.0)
    if done < rise:
        return _cosine(top * _ONE_CYCLE_BEGINS, top, done / rise)
    return _cosine(top, settings.eta_min, min((done - rise) / max(total - 1 - rise, 1.0), 1.0))


def _cosine_restarts(settings: SchedulerSettings, top: float, place: float) -> float:
    length = settings.t0
    while place >= length:
        place -= length
        length *= settings.t_mult
    return _cosine(top, settings.eta_min, place / length)


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


class _Course(Schedule):
    """A rate that follows from the place alone."""

    def __init__(
        self, settings: SchedulerSettings, optimizer: Optimizer, steps_per_epoch: int, epochs: int
    ) -> None:
        super().__init__(settings, optimizer)
        self._steps_per_epoch, self._epochs = steps_per_epoch, epochs
        self.step(0, 0)

    def step(self, epoch: int, step: int, validation: float | None = None) -> None:  # noqa: ARG002 - the place decides
        self._set(
            rate_at(
                self.settings,
                self._top,
                epoch,
                step,
                steps_per_epoch=self._steps_per_epoch,
                epochs=self._epochs,
            )
        )


class _Plateau(Schedule):
    """A rate that falls when validation has not risen for some epochs."""

    def __init__(self, settings: SchedulerSettings, optimizer: Optimizer) -> None:
        super().__init__(settings, optimizer)
        self._rate, self._waited = self._top, 0
        self._best: float | None = None
        self._set(self._rate)

    def step(self, epoch: int, step: int, validation: float | None = None) -> None:  # noqa: ARG002 - the score decides
        if validation is not None:
            self._judge(validation)
        self._set(self._rate)

    def _judge(self, validation: float) -> None:
        if validation > (-math.inf if self._best is None else self._best):  # never true of NaN
            self._best, self._waited = validation, 0
            return
        self._waited += 1
        if self._waited > self.settings.plateau_patience:
            self._rate = max(self._rate * self.settings.plateau_factor, self.settings.eta_min)
            self._waited = 0

    def state_dict(self) -> dict[str, Any]:
        own = {"rate": self._rate, "best": self._best, "waited": self._waited}
        return {**super().state_dict(), **own}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self._rate, self._best, self._waited = state["rate"], state["best"], state["waited"]
        self._set(self._rate)
