"""The training loop of deep models over blocks of sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from jaxtyping import Float32

from gogooku3.errors import ModelError
from gogooku3.evaluation.rank_ic import daily_rank_ic
from gogooku3.models.deep_model import DeepModel
from gogooku3.scoring.block_reader import Item
from gogooku3.scoring.day_source import DaySource
from gogooku3.scoring.score import score_sessions
from gogooku3.training.checkpoint import checkpoint_steps, load_checkpoint, save_checkpoint
from gogooku3.training.day_sampler import Batch, DaySampler
from gogooku3.training.deep_settings import DeepSettings
from gogooku3.training.degenerate import refuse_constant_scores, refuse_jitter
from gogooku3.training.ema import Ema
from gogooku3.training.feed import Fed, Feed, open_feed
from gogooku3.training.find_fault import find_fault
from gogooku3.training.listener import Listener, Quiet
from gogooku3.training.losses.rank_preserving import RankPreservingLoss
from gogooku3.training.losses.settings import LossSettings
from gogooku3.training.optimizer_settings import OptimizerSettings
from gogooku3.training.optimizers import make_optimizer
from gogooku3.training.scheduler_settings import SchedulerSettings
from gogooku3.training.schedulers import make_scheduler

_DRAWN = 5  # sessions on which two draws of the dropout are compared


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train: the loop, the loss, the optimizer and the course of its learning rate."""

    deep: DeepSettings
    loss: LossSettings
    optimizer: OptimizerSettings
    scheduler: SchedulerSettings


@dataclass(frozen=True, eq=False, kw_only=True)
class Course:
    """One training: what it learns from and for how long.

    Attributes:
        name: What errors and progress call it.
        key: Digest of everything that the result depends on; a checkpoint of another key is not gone on from.
        seed: Seed of weights, order and dropout.
        sessions: Sessions to learn from, int64 [S].
        watched: Later sessions to stop by, int64 [V]; empty to train for all ``epochs``.
        epochs: Epochs at most, of which the learning rate's course is made.
        stop_after: Epochs after which to stop in any case.
        replayed: Validation score after each epoch of the training that found ``stop_after``: what a plateau goes by
            where nothing is watched.
    """

    name: str
    key: str
    seed: int
    sessions: np.ndarray
    watched: np.ndarray
    epochs: int
    stop_after: int
    replayed: tuple[float, ...] = ()


@dataclass(kw_only=True)
class Progressed:
    """Where a training stands; what a checkpoint holds beside weights and optimizer.

    Attributes:
        epoch: Epoch at hand, from 0.
        step: Steps done in it.
        seen: Sum of the losses of the epoch's steps.
        history: Mean validation RankIC and that of each target after every epoch, as [mean, [T]].
        best: Epochs after which validation was best; 0 before the first.
    """

    epoch: int = 0
    step: int = 0
    seen: float = 0.0
    history: list[tuple[float, list[float]]] = field(default_factory=list)
    best: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Trained:
    """What a training ends with.

    Attributes:
        weights: The averaged weights after the best epoch, or after the last one where nothing was watched.
        epochs: Number of epochs that made them.
        validation: Validation RankIC of each target then; NaN where nothing was watched.
        history: Mean validation RankIC after each epoch that was made.
    """

    weights: Mapping[str, torch.Tensor]
    epochs: int
    validation: tuple[float, ...]
    history: tuple[float, ...]


class DeepTrainer:
    """Trains models on the sessions of one source.

    Args:
        source: What models read.
        labels: What they predict, float32 [D, N, T], NaN where there is no label.
        days: The D sessions, to name.
        targets: The T targets, to name.
        watch: The targets whose mean validation RankIC stops training, [T].
        recipe: How to train.
        listener: Told of steps and epochs.
    """

    def __init__(
        self,
        source: DaySource,
        labels: Float32[np.ndarray, "D N T"],
        *,
        days: np.ndarray,
        targets: tuple[object, ...],
        watch: np.ndarray,
        recipe: Recipe,
        listener: Listener | None = None,
    ) -> None:
        self.source, self.labels, self.days, self.targets = source, labels, days, targets
        self.watch, self.recipe = watch, recipe
        self.listener = listener or Quiet()

    def train(self, make_model: Callable[[], DeepModel], course: Course, folder: Path) -> Trained:
        """Train from the last checkpoint in ``folder``, or from the start.

        The same course gives the same weights, bit for bit, however often it was interrupted, on one machine with
        one number of threads.

        Raises:
            ModelError: Loss or gradient are not finite, or scores are degenerate.
            StorageError: A checkpoint is damaged.
        """
        run = _Run(self, make_model, course, folder)
        run.resume()
        return run.finish()

    def refuse_chance(
        self, model: DeepModel, sessions: np.ndarray, where: str, *, seed: int, device: torch.device
    ) -> None:
        """Stop if two draws of a model's dropout do not agree on the last of the sessions.

        Raises:
            ModelError: With target and day.
        """
        last = sessions[-_DRAWN:]
        draws = []
        for draw in range(2):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(_mixed(seed, draw))
                draws.append(score_sessions(model, self.source, last, device=device, dropout=True))
        refuse_jitter(draws[0], draws[1], self.days[last], self.targets, where)


class _Run:
    """One course at work."""

    def __init__(
        self, trainer: DeepTrainer, make_model: Callable[[], DeepModel], course: Course, folder: Path
    ) -> None:
        self.t, self.course, self.folder = trainer, course, folder
        recipe, deep = trainer.recipe, trainer.recipe.deep
        self.device = device_of(deep)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(course.seed)
            self.model = make_model().to(self.device)
        self.source = trainer.source
        graphs = self.source.graphs
        self.sampler = DaySampler(
            course.sessions,
            trainer.source.universe,
            block=deep.sessions,
            parts=deep.parts,
            seed=course.seed,
            neighbours=None if graphs is None else graphs.neighbours,
        )
        self.loss = RankPreservingLoss.from_settings(recipe.loss, seed=course.seed)
        self.optimizer = make_optimizer(recipe.optimizer, self.model.parameters())
        self.ema = Ema(self.model, deep.ema)
        self.steps = self._steps_of(0)
        self.schedule = make_scheduler(
            recipe.scheduler, self.optimizer, steps_per_epoch=self.steps, epochs=course.epochs
        )
        self.forward = torch.compile(self.model) if deep.compile else self.model
        self.feed: Feed
        self.at = Progressed()
        self.best: Mapping[str, torch.Tensor] = {}

    def _steps_of(self, epoch: int) -> int:
        """Return the steps of an epoch: its blocks are cut at other places than those of the one before."""
        return -(-len(self.sampler.epoch(epoch)) // self.t.recipe.deep.accumulate)

    def resume(self) -> None:
        """Go on from the last checkpoint of the same course, if there is one."""
        if not checkpoint_steps(self.folder):
            return
        state = load_checkpoint(self.folder)
        if state["key"] != self.course.key:
            return  # it is of other data, settings or code
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.ema.load_state_dict(state["ema"])
        self.schedule.load_state_dict(state["schedule"])
        self.at = Progressed(**state["at"])
        self.best = state["best"]

    def finish(self) -> Trained:
        """Train to the end."""
        self.t.listener.begin(
            self.course.name,
            sum(map(self._steps_of, range(self.course.stop_after))),
            sum(map(self._steps_of, range(self.at.epoch))) + self.at.step,
        )
        deep, lookback = self.t.recipe.deep, self.model.lookback
        ahead = self.source.reader(lookback).most_bytes(2 * deep.sessions) if deep.prefetch else None
        with open_feed(self.source, self.t.labels, lookback, self.device, ahead_bytes=ahead) as self.feed:
            while self.at.epoch < self.course.stop_after and not self._patience_is_over():
                self._epoch()
                self._judge()
                self._save(best=self.at.best == self.at.epoch)
        history = tuple(mean for mean, _ in self.at.history)
        if not len(self.course.watched):
            return Trained(
                weights=self._averaged(),
                epochs=self.at.epoch,
                validation=(float("nan"),) * len(self.t.targets),
                history=history,
            )
        validation = tuple(self.at.history[self.at.best - 1][1])
        return Trained(weights=self.best, epochs=self.at.best, validation=validation, history=history)

    def _patience_is_over(self) -> bool:
        return bool(self.at.best) and self.at.epoch - self.at.best >= self.t.recipe.deep.patience

    def _epoch(self) -> None:
        deep = self.t.recipe.deep
        batches = self.sampler.epoch(self.at.epoch)
        self.model.train()
        steps = -(-len(batches) // deep.accumulate)
        left = batches[self.at.step * deep.accumulate :]
        blocks = zip(left, self.feed.over([_item(batch) for batch in left]), strict=True)
        while self.at.step < steps:
            self.schedule.step(self.at.epoch, min(self.at.step, self.steps))
            self._step(list(islice(blocks, deep.accumulate)))
            self.at.step += 1
            if self.at.step % deep.checkpoint_every == 0 and self.at.step < steps:
                self._save()
        next(blocks, None)  # lets the reader end its round

    def _step(self, blocks: list[tuple[Batch, Fed]]) -> None:
        """Make one step of the optimizer from the blocks of one batch or several."""
        self.optimizer.zero_grad(set_to_none=True)
        total, rows = 0.0, 0
        for number, (batch, fed) in enumerate(blocks):
            loss = self._loss(fed, number)
            if not bool(torch.isfinite(loss)):
                self._stop(blocks, "the loss is not finite")
            torch.autograd.backward(loss / len(blocks))
            total += float(loss.detach()) / len(blocks)
            rows += (batch.stop - batch.start) * len(batch.stocks)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.t.recipe.deep.clip)
        if not bool(torch.isfinite(norm)):
            self._stop(blocks, "a gradient is not finite")
        self.optimizer.step()
        self.ema.update()
        self.at.seen += total
        self.t.listener.step(total, rows, self.schedule.learning_rate)

    def _loss(self, fed: Fed, number: int) -> torch.Tensor:
        """Return the loss of a block, the same however often it is asked for."""
        block, labels = fed
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_mixed(self.course.seed, self.at.epoch, self.at.step, number))
            with self._arithmetic():
                output = self.forward(block)
            step = self.at.epoch * self.steps + self.at.step
            return self.loss.parts(output.float(), labels, block.scored, step=step + number).total

    def _arithmetic(self) -> Any:
        if self.t.recipe.deep.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def _judge(self) -> None:
        """Measure the epoch that is done, and move on to the next."""
        course, at = self.course, self.at
        loss = at.seen / max(at.step, 1)
        at.epoch, at.step, at.seen = at.epoch + 1, 0, 0.0
        mean, found = float("nan"), [float("nan")] * len(self.t.targets)
        if len(course.watched):
            found = self._validate()
            mean = self._mean(found)
            if all(mean > before for before, _ in at.history):
                at.best, self.best = at.epoch, self._averaged()
        at.history.append((mean, found))
        seen = [mean] if len(course.watched) else list(course.replayed[at.epoch - 1 : at.epoch])
        self.schedule.step(at.epoch, 0, seen[0] if seen else None)
        self.t.listener.epoch(course.name, at.epoch, loss, self.schedule.learning_rate, found)

    def _mean(self, found: list[float]) -> float:
        """Return the mean over the watched targets, none of which may be unknown: nothing could be better then."""
        unknown = [self.t.targets[t] for t in np.flatnonzero(self.t.watch) if not np.isfinite(found[t])]
        if unknown:
            raise ModelError(
                "validation cannot be measured",
                where=f"{self.course.name}, {', '.join(map(str, unknown))}",
                got=f"no day with labels of enough stocks among {len(self.course.watched)} sessions",
                remedy="validate on more sessions or stocks, or leave the horizon out of train.horizons",
            )
        return float(np.mean([found[t] for t in np.flatnonzero(self.t.watch)]))

    def _validate(self) -> list[float]:
        watched = self.course.watched
        with self.ema.swap():
            scores = score_sessions(self.model, self.t.source, watched, device=self.device)
            where = f"{self.course.name}, after epoch {self.at.epoch}"
            refuse_constant_scores(
                scores, self.t.source.universe[watched], self.t.days[watched], self.t.targets, where
            )
            self.t.refuse_chance(
                self.model, watched, where, seed=_mixed(self.course.seed, self.at.epoch), device=self.device
            )
        labels = self.t.labels[watched]
        return [
            _mean_of_days(daily_rank_ic(_float64(scores[:, :, t]), _float64(labels[:, :, t])).values)
            for t in range(len(self.t.targets))
        ]

    def _averaged(self) -> Mapping[str, torch.Tensor]:
        with self.ema.swap():
            return {name: tensor.detach().cpu().clone() for name, tensor in self.model.state_dict().items()}

    def _save(self, *, best: bool = False) -> None:
        at = self.at
        state = {
            "key": self.course.key,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema.state_dict(),
            "schedule": self.schedule.state_dict(),
            "at": dict(vars(at)),
            "best": dict(self.best),
        }
        save_checkpoint(self.folder, state, step=at.epoch * self.steps + at.step, best=best)

    def _last(self) -> str:
        steps = checkpoint_steps(self.folder)
        return (
            f"the last good checkpoint is step {steps[-1]} in {self.folder}" if steps else "no checkpoint yet"
        )

    def _stop(self, blocks: list[tuple[Batch, Fed]], what: str) -> NoReturn:
        """Find what breaks the step, and say so."""
        named = [name for name, p in self.model.named_parameters() if not _is_finite(p.grad)]
        day, target = self._fault(blocks)
        raise ModelError(
            what,
            where=f"{self.course.name}, epoch {self.at.epoch + 1}, step {self.at.step + 1}, {day}, {target}",
            got=", ".join(named[:5]) or None,
            remedy=f"{self._last()}; lower the learning rate or deep.clip",
        )

    def _fault(self, blocks: list[tuple[Batch, Fed]]) -> tuple[str, str]:
        """Return session and target, by name, that break the step by themselves; else what they are among."""
        days, targets = self.t.days, self.t.targets
        among = f"{days[blocks[0][0].start]} to {days[blocks[-1][0].stop - 1]}"
        for number, (batch, (block, labels)) in enumerate(blocks):
            day, target = find_fault(partial(self._breaks, block, number), labels)
            if target is not None:
                return among if day is None else str(days[batch.start + day]), str(targets[target])
        return among, "several targets together"

    def _breaks(self, block: Any, number: int, labels: torch.Tensor) -> bool:
        """Tell whether loss or gradient of a block are not finite with these labels."""
        self.optimizer.zero_grad(set_to_none=True)
        try:
            loss = self._loss((block, labels), number)
        except ModelError:
            return False  # too few labels for a loss
        if not bool(torch.isfinite(loss)):
            return True
        torch.autograd.backward(loss)
        return not all(_is_finite(p.grad) for p in self.model.parameters())


def _item(batch: Batch) -> Item:
    return batch.start, batch.stop, batch.stocks


def device_of(deep: DeepSettings) -> torch.device:
    """Return where models are trained and score.

    Raises:
        ModelError: CUDA is asked for and not there.
    """
    if deep.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if deep.device == "cuda" and not torch.cuda.is_available():
        raise ModelError("there is no CUDA device", where="deep.device", got="cuda", expected="auto or cpu")
    return torch.device(deep.device)


def _mixed(*numbers: int) -> int:
    """Return a seed that differs for every combination of numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _is_finite(gradient: torch.Tensor | None) -> bool:
    return gradient is None or bool(torch.isfinite(gradient).all())


def _mean_of_days(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _float64(grid: np.ndarray) -> np.ndarray:
    return grid.astype(np.float64)
