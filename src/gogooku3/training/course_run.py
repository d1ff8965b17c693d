"""The training loop: epochs of steps, each epoch judged and kept."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import torch

from gogooku3.errors import ModelError
from gogooku3.models.deep_model import DeepModel
from gogooku3.scoring.block_reader import Item
from gogooku3.training.block_loss import BlockLoss
from gogooku3.training.checkpoint import checkpoint_steps, load_checkpoint, save_checkpoint
from gogooku3.training.course import Course, Recipe, Trained
from gogooku3.training.day_sampler import Batch, DaySampler
from gogooku3.training.device import device_of
from gogooku3.training.feed import Fed, Feed, open_feed
from gogooku3.training.listener import Listener
from gogooku3.training.seeds import mixed_seed, seeded
from gogooku3.training.step_fault import find_step_fault
from gogooku3.training.training_data import TrainingData
from gogooku3.training.training_state import TrainingState
from gogooku3.training.validation import validate, watched_mean


class CourseRun:
    """One course at work.

    Args:
        make_model: Returns the model with fresh weights.
        course: What it learns from and for how long.
        data: Inputs and labels.
        recipe: How to train.
        folder: Of this training's checkpoints.
        listener: Told of steps and epochs.

    Raises:
        ModelError: The device is not there.
    """

    def __init__(
        self,
        make_model: Callable[[], DeepModel],
        course: Course,
        *,
        data: TrainingData,
        recipe: Recipe,
        folder: Path,
        listener: Listener,
    ) -> None:
        self.course, self.data, self.deep = course, data, recipe.deep
        self.folder, self.listener = folder, listener
        self.device = device_of(recipe.deep)
        with seeded(course.seed):
            self.model = make_model().to(self.device)
        graphs = data.source.graphs
        self.sampler = DaySampler(
            course.sessions,
            data.source.universe,
            block=recipe.deep.sessions,
            parts=recipe.deep.parts,
            seed=course.seed,
            neighbours=None if graphs is None else graphs.neighbours,
        )
        self.loss = BlockLoss(self.model, recipe, seed=course.seed)
        self.state = TrainingState(self.model, recipe, steps=self._steps_of(0), epochs=course.epochs)
        self.feed: Feed

    def _steps_of(self, epoch: int) -> int:
        """Return the steps of an epoch: its blocks are cut at other places than those of the one before."""
        return -(-len(self.sampler.epoch(epoch)) // self.deep.accumulate)

    def resume(self) -> None:
        """Go on from the last checkpoint of the same course, if there is one.

        Raises:
            StorageError: It is damaged.
        """
        if not checkpoint_steps(self.folder):
            return
        state = load_checkpoint(self.folder)
        if state["key"] == self.course.key:  # else it is of other data, settings or code
            self.state.load_state_dict(state)

    def finish(self) -> Trained:
        """Train to the end.

        Raises:
            ModelError: Loss or gradient are not finite, or scores are degenerate.
        """
        course, state, source = self.course, self.state, self.data.source
        self.listener.begin(
            course.name,
            sum(map(self._steps_of, range(course.stop_after))),
            sum(map(self._steps_of, range(state.at.epoch))) + state.at.step,
        )
        lookback = self.model.lookback
        ahead = source.reader(lookback).most_bytes(2 * self.deep.sessions) if self.deep.prefetch else None
        with open_feed(source, self.data.labels, lookback, self.device, ahead_bytes=ahead) as self.feed:
            while state.at.epoch < course.stop_after and not self._patience_is_over():
                self._epoch()
                self._judge()
                self._save(best=state.at.best == state.at.epoch)
        return self._trained()

    def _trained(self) -> Trained:
        state, at = self.state, self.state.at
        history = tuple(mean for mean, _ in at.history)
        if not len(self.course.watched):
            unknown = (float("nan"),) * len(self.data.targets)
            return Trained(weights=state.averaged(), epochs=at.epoch, validation=unknown, history=history)
        validation = tuple(at.history[at.best - 1][1])
        return Trained(weights=state.best, epochs=at.best, validation=validation, history=history)

    def _patience_is_over(self) -> bool:
        at = self.state.at
        return bool(at.best) and at.epoch - at.best >= self.deep.patience

    def _epoch(self) -> None:
        at, deep = self.state.at, self.deep
        batches = self.sampler.epoch(at.epoch)
        self.model.train()
        steps = -(-len(batches) // deep.accumulate)
        left = batches[at.step * deep.accumulate :]
        blocks = zip(left, self.feed.over([_item(batch) for batch in left]), strict=True)
        while at.step < steps:
            self.state.schedule.step(at.epoch, min(at.step, self.state.steps))
            self._step(list(islice(blocks, deep.accumulate)))
            at.step += 1
            if at.step % deep.checkpoint_every == 0 and at.step < steps:
                self._save()
        next(blocks, None)  # lets the reader end its round

    def _step(self, blocks: list[tuple[Batch, Fed]]) -> None:
        """Make one step of the optimizer from the blocks of one batch or several."""
        state = self.state
        state.optimizer.zero_grad(set_to_none=True)
        total, rows = 0.0, 0
        for number, (batch, fed) in enumerate(blocks):
            loss = self._loss_of(number, fed)
            if not bool(torch.isfinite(loss)):
                raise self._broken(blocks, "the loss is not finite")
            torch.autograd.backward(loss / len(blocks))
            total += float(loss.detach()) / len(blocks)
            rows += (batch.stop - batch.start) * len(batch.stocks)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.deep.clip)
        if not bool(torch.isfinite(norm)):
            raise self._broken(blocks, "a gradient is not finite")
        state.optimizer.step()
        state.ema.update()
        state.at.seen += total
        self.listener.step(total, rows, state.schedule.learning_rate)

    def _loss_of(self, number: int, fed: Fed) -> torch.Tensor:
        """Return the loss of a block of the step at hand, by its number in it."""
        at = self.state.at
        seed = mixed_seed(self.course.seed, at.epoch, at.step, number)
        return self.loss(fed, seed=seed, step=self.state.step + number)

    def _judge(self) -> None:
        """Measure the epoch that is done, and move on to the next."""
        course, state, at = self.course, self.state, self.state.at
        loss = at.seen / max(at.step, 1)
        at.epoch, at.step, at.seen = at.epoch + 1, 0, 0.0
        mean, found = float("nan"), [float("nan")] * len(self.data.targets)
        if len(course.watched):
            with state.ema.swap():
                found = validate(self.model, self.data, course, epoch=at.epoch, device=self.device)
            mean = watched_mean(found, self.data, course)
            if all(mean > before for before, _ in at.history):
                at.best, state.best = at.epoch, state.averaged()
        at.history.append((mean, found))
        seen = [mean] if len(course.watched) else list(course.replayed[at.epoch - 1 : at.epoch])
        state.schedule.step(at.epoch, 0, seen[0] if seen else None)
        self.listener.epoch(course.name, at.epoch, loss, state.schedule.learning_rate, found)

    def _save(self, *, best: bool = False) -> None:
        kept = {"key": self.course.key, **self.state.state_dict()}
        save_checkpoint(self.folder, kept, step=self.state.step, best=best)

    def _broken(self, blocks: list[tuple[Batch, Fed]], what: str) -> ModelError:
        """Find what breaks the step, and return the error that says so."""
        fault = find_step_fault(self.model, blocks, self._loss_of, self.data)
        at, steps = self.state.at, checkpoint_steps(self.folder)
        last = (
            f"the last good checkpoint is step {steps[-1]} in {self.folder}" if steps else "no checkpoint yet"
        )
        return ModelError(
            what,
            where=f"{self.course.name}, epoch {at.epoch + 1}, step {at.step + 1}, {fault.day}, {fault.target}",
            got=", ".join(fault.parameters[:5]) or None,
            remedy=f"{last}; lower the learning rate or deep.clip",
        )


def _item(batch: Batch) -> Item:
    return batch.start, batch.stop, batch.stocks
