from __future__ import annotations

import numpy as np
import torch

from gogooku3.models.baselines.gru import Gru
from gogooku3.models.baselines.gru_settings import GruSettings
from gogooku3.models.day_block import DayBlock

LOOKBACK = 6


def model_of() -> Gru:
    torch.manual_seed(0)
    return Gru(GruSettings(hidden=8, lookback=LOOKBACK), features=5, targets=2).eval()


def drawn(length: int, stocks: int = 7) -> DayBlock:
    rng = np.random.default_rng(1)
    sessions = length + LOOKBACK - 1
    x = (rng.random((sessions, stocks, 5)) - 0.5).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    present = rng.random((sessions, stocks)) < 0.8
    return DayBlock(
        x=torch.from_numpy(x), present=torch.from_numpy(present), scored=torch.from_numpy(present[-length:])
    )


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_scores_are_those_of_the_recurrence_over_each_window() -> None:
    model, block = model_of(), drawn(5)
    w = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    found = model(block).detach().numpy()
    for day in range(5):
        for stock in range(7):
            h = np.zeros(8)
            for t in range(day, day + LOOKBACK):
                x = np.nan_to_num(block.x[t, stock].double().numpy()) * np.sqrt(12)
                x = x if block.present[t, stock] else np.zeros(5)
                v = w["embed.weight"] @ x + w["embed.bias"]
                own = (w["recur.weight_ih_l0"] @ v + w["recur.bias_ih_l0"]).reshape(3, 8)
                past = (w["recur.weight_hh_l0"] @ h + w["recur.bias_hh_l0"]).reshape(3, 8)
                reset, update = sigmoid(own[0] + past[0]), sigmoid(own[1] + past[1])
                h = (1 - update) * np.tanh(own[2] + reset * past[2]) + update * h
            centred = (h - h.mean()) / np.sqrt(h.var() + 1e-5) * w["norm.weight"] + w["norm.bias"]
            expected = w["scores.weight"] @ centred + w["scores.bias"]
            np.testing.assert_allclose(found[day, stock], expected, atol=1e-5)


def test_noise_in_absent_slots_changes_no_bit_and_every_parameter_learns() -> None:
    model, block = model_of(), drawn(4)
    noisy = DayBlock(
        x=torch.where(block.present[..., None], block.x, 1e30), present=block.present, scored=block.scored
    )
    assert torch.equal(model(block)[block.scored], model(noisy)[block.scored])
    model.train()
    output = model(block)
    (output * torch.randn_like(output)).sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []
