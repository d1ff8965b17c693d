"""A small training that can be stopped after any step and go on from disk in another process.

`python -m tests.training.resumed FOLDER` goes on from every checkpoint FOLDER/OPTIMIZER/STEP, each in turn, and prints
a line of JSON a checkpoint: optimizer, step, and a digest of the weights and outputs at the end.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gogooku3.training.checkpoint import load_checkpoint, save_checkpoint

STEPS = 9
_DAYS = 12


def _adabelief(parameters: Iterator[nn.Parameter]) -> torch.optim.Optimizer:
    from pytorch_optimizer import AdaBelief

    return AdaBelief(parameters, lr=0.01, weight_decay=0.01, weight_decouple=True, rectify=True, eps=1e-16)


OPTIMIZERS: dict[str, Callable[[Iterator[nn.Parameter]], torch.optim.Optimizer]] = {
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.1),
    "adamw-fused-amsgrad": lambda parameters: torch.optim.AdamW(
        parameters, lr=0.01, fused=True, amsgrad=True
    ),
    "adabelief": _adabelief,
}


class Training:
    """Dropout, a norm with buffers, weights that are averaged, a schedule, gradients of two steps added up."""

    def __init__(self, optimizer: str, seed: int) -> None:
        torch.manual_seed(seed)
        data = np.random.default_rng(0)
        self.x = torch.from_numpy(data.standard_normal((_DAYS, 40, 6)).astype(np.float32))
        self.y = torch.from_numpy(data.standard_normal((_DAYS, 40, 1)).astype(np.float32))
        self.model = nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Dropout(0.3), nn.Linear(8, 1)
        )
        self.average = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.optimizer = OPTIMIZERS[optimizer](self.model.parameters())
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(self.optimizer, T_0=3, T_mult=2)
        self.sampler = np.random.default_rng(seed)
        self.step = 0
        self.losses: list[float] = []

    def state(self) -> dict[str, object]:
        """Everything that the next step depends on."""
        return {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "rng": {"torch": torch.get_rng_state(), "sampler": self.sampler.bit_generator.state},
            "step": self.step,
            "losses": self.losses,
        }

    def go_on_from(self, state: dict[str, object]) -> None:
        """Stand where the state was taken."""
        self.model.load_state_dict(state["model"])
        self.average = state["average"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["rng"]["torch"])
        self.sampler.bit_generator.state = state["rng"]["sampler"]
        self.step, self.losses = state["step"], state["losses"]

    def train(self, save: Callable[[Training], None] = lambda _: None) -> str:
        """Train to the end and return a digest of weights, their average, losses and outputs."""
        while self.step < STEPS:
            self.optimizer.zero_grad()
            for day in self.sampler.choice(_DAYS, size=2, replace=False):
                loss = nn.functional.mse_loss(self.model(self.x[day]), self.y[day])
                loss.backward()
                self.losses.append(loss.item())
            self.optimizer.step()
            self.schedule.step()
            for name, value in self.model.state_dict().items():
                if value.is_floating_point():
                    self.average[name].lerp_(value, 0.1)
            self.step += 1
            save(self)
        self.model.eval()
        with torch.no_grad():
            outputs = self.model(self.x.flatten(0, 1))
        digest = hashlib.sha256(repr(self.losses).encode())
        for tensor in (*self.model.state_dict().values(), *self.average.values(), outputs):
            digest.update(tensor.numpy().tobytes())
        return digest.hexdigest()


def save_below(folder: Path) -> Callable[[Training], None]:
    """Return what saves each step in a folder of its own."""
    return lambda training: save_checkpoint(folder / str(training.step), training.state(), step=training.step)


def main(folder: str) -> None:
    """Go on from each checkpoint, with another seed before it is loaded."""
    torch.set_num_threads(1)
    for path in sorted(Path(folder).glob("*/*")):
        training = Training(path.parent.name, seed=99)
        training.go_on_from(load_checkpoint(path))
        print(json.dumps([path.parent.name, path.name, training.train()]), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main(*sys.argv[1:])
