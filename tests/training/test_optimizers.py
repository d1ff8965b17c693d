from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from gogooku3.errors import ModelError
from gogooku3.training.optimizer_settings import OptimizerSettings, OptimizerType
from gogooku3.training.optimizers import make_optimizer

TYPES: tuple[OptimizerType, ...] = get_args(OptimizerType)
Moments = dict[str, Any]


def rectification(t: int, b2: float) -> float | None:
    """The factor of Liu et al. 2020 with the bias correction of the second moment, None where it is too early."""
    longest = 2 / (1 - b2) - 1
    length = longest - 2 * t * b2**t / (1 - b2**t)
    if length < 5:
        return None
    whole = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
    return math.sqrt((1 - b2**t) * whole)


def adamw(p: np.ndarray, g: np.ndarray, m: Moments, t: int, s: OptimizerSettings) -> np.ndarray:
    b1, b2 = s.decay_rates
    m["first"] = b1 * m.get("first", 0) + (1 - b1) * g
    m["second"] = b2 * m.get("second", 0) + (1 - b2) * g**2
    step = (m["first"] / (1 - b1**t)) / (np.sqrt(m["second"] / (1 - b2**t)) + s.epsilon)
    return p * (1 - s.learning_rate * s.weight_decay) - s.learning_rate * step


def adabelief(p: np.ndarray, g: np.ndarray, m: Moments, t: int, s: OptimizerSettings) -> np.ndarray:
    """Algorithm 2 of Zhuang et al. 2020, rectified and decayed as in the authors' code."""
    b1, b2 = s.decay_rates
    m["first"] = b1 * m.get("first", 0) + (1 - b1) * g
    m["belief"] = b2 * m.get("belief", 0) + (1 - b2) * (g - m["first"]) ** 2 + s.epsilon
    factor = rectification(t, b2)
    step = m["first"] if factor is None else factor * m["first"] / (np.sqrt(m["belief"]) + s.epsilon)
    return p * (1 - s.learning_rate * s.weight_decay) - s.learning_rate * step / (1 - b1**t)


def radam(p: np.ndarray, g: np.ndarray, m: Moments, t: int, s: OptimizerSettings) -> np.ndarray:
    b1, b2 = s.decay_rates
    m["first"] = b1 * m.get("first", 0) + (1 - b1) * g
    m["second"] = b2 * m.get("second", 0) + (1 - b2) * g**2
    factor = rectification(t, b2)
    if factor is None:
        return p
    step = factor * m["first"] / (1 - b1**t) / (np.sqrt(m["second"]) + s.epsilon)
    return p * (1 - s.learning_rate * s.weight_decay) - s.learning_rate * step


def lion(p: np.ndarray, g: np.ndarray, m: Moments, t: int, s: OptimizerSettings) -> np.ndarray:
    b1, b2 = s.decay_rates
    step = np.sign(b1 * m.get("first", 0) + (1 - b1) * g)
    m["first"] = b2 * m.get("first", 0) + (1 - b2) * g
    return p * (1 - s.learning_rate * s.weight_decay) - s.learning_rate * step


def adan(p: np.ndarray, g: np.ndarray, m: Moments, t: int, s: OptimizerSettings) -> np.ndarray:
    """Xie et al. 2022, each rate as what is kept; decay by division."""
    b1, b2, b3 = s.decay_rates
    change = g - m.get("gradient", g)
    m["gradient"] = g
    m["first"] = b1 * m.get("first", 0) + (1 - b1) * g
    m["change"] = b2 * m.get("change", 0) + (1 - b2) * change
    m["second"] = b3 * m.get("second", 0) + (1 - b3) * (g + b2 * change) ** 2
    step = m["first"] / (1 - b1**t) + b2 * m["change"] / (1 - b2**t)
    step = step / (np.sqrt(m["second"] / (1 - b3**t)) + s.epsilon)
    return (p - s.learning_rate * step) / (1 + s.learning_rate * s.weight_decay)


ORACLES: dict[OptimizerType, Callable[..., np.ndarray]] = {
    "adamw": adamw, "adabelief": adabelief, "radam": radam, "lion": lion, "adan": adan,
}  # fmt: skip


def chosen(kind: OptimizerType, **more: object) -> OptimizerSettings:
    return OptimizerSettings.model_validate({"type": kind, "learning_rate": 0.01, **more})


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("given", [False, True])
def test_every_rule_is_that_of_its_paper(kind: OptimizerType, given: bool) -> None:
    more: dict[str, object] = {"betas": (0.8, 0.7, 0.95) if kind == "adan" else (0.7, 0.95)} if given else {}
    if given and kind != "lion":
        more["eps"] = 1e-3
    settings = chosen(kind, weight_decay=0.3, **more)
    rng = np.random.default_rng(3)
    expected = rng.normal(size=(3, 4))
    moments: Moments = {}
    parameter = torch.nn.Parameter(torch.tensor(expected))
    optimizer = make_optimizer(settings, [parameter])
    for t in range(1, 31):
        gradient = rng.normal(size=(3, 4)) + 0.5
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
        expected = ORACLES[kind](expected, gradient, moments, t, settings)
        np.testing.assert_allclose(parameter.detach().numpy(), expected, rtol=1e-11, atol=1e-13)


class Small(torch.nn.Module):
    """A matrix, a bias, a norm and a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(6, 5)
        self.norm = torch.nn.LayerNorm(5)
        self.gate = torch.nn.Parameter(torch.full((5,), 0.5))
        self.scale = torch.nn.Parameter(torch.tensor(2.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale * self.gate * self.norm(self.linear(x))


@pytest.mark.parametrize("kind", TYPES)
def test_matrices_decay_and_nothing_else(kind: OptimizerType) -> None:
    torch.manual_seed(0)
    model = Small()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = make_optimizer(chosen(kind, weight_decay=0.5), model.parameters())
    for _ in range(9):  # rectified rules begin after some steps
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
    for name, parameter in model.named_parameters():
        if name == "linear.weight":
            assert (parameter.abs() < 0.99 * before[name].abs()).all()
        else:
            assert torch.equal(parameter, before[name]), name


def trained(kind: OptimizerType, steps: int, state: dict[str, Any] | None = None) -> dict[str, Any]:
    """Weights and optimizer after further steps on data that depends on the step alone."""
    torch.manual_seed(0)
    model = Small()
    optimizer = make_optimizer(chosen(kind), model.parameters())
    begin, losses = 0, []
    if state is not None:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        begin = state["step"]
    for step in range(begin, begin + steps):
        x = torch.randn(64, 6, generator=torch.Generator().manual_seed(step))
        loss = (model(x) - x[:, :5]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": begin + steps,
        "losses": losses,
    }


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("kind", TYPES)
def test_a_step_is_deterministic_and_resumes_exactly(kind: OptimizerType) -> None:
    whole, again = trained(kind, 60), trained(kind, 60)
    assert same(whole["model"], again["model"])
    assert np.mean(whole["losses"][-3:]) < np.mean(whole["losses"][:3])
    half = trained(kind, 31)
    saved = {
        "state": {k: {n: v.clone() for n, v in s.items()} for k, s in half["optimizer"]["state"].items()},
        "param_groups": json.loads(json.dumps(half["optimizer"]["param_groups"])),
    }
    rest = trained(kind, 29, {**half, "optimizer": saved})
    assert same(whole["model"], rest["model"])


@pytest.mark.parametrize("kind", ["adamw", "adabelief"])
def test_the_thread_count_changes_nothing(kind: OptimizerType) -> None:
    def run(threads: int) -> torch.Tensor:
        torch.set_num_threads(threads)
        parameter = torch.nn.Parameter(torch.linspace(-1, 1, 300_000).reshape(600, 500))
        optimizer = make_optimizer(chosen(kind), [parameter])
        for _ in range(8):
            parameter.grad = torch.sin(37 * parameter.detach())
            optimizer.step()
        return parameter.detach()

    before = torch.get_num_threads()
    try:
        assert torch.equal(run(1), run(2))
    finally:
        torch.set_num_threads(before)


def test_adamw_is_one_kernel_and_adabelief_as_the_issue_asks() -> None:
    parameter = torch.nn.Parameter(torch.zeros(2, 2))
    assert make_optimizer(chosen("adamw"), [parameter]).defaults["fused"]
    belief = make_optimizer(chosen("adabelief"), [parameter]).defaults
    assert (belief["rectify"], belief["weight_decouple"], belief["eps"]) == (True, True, 1e-16)


def test_frozen_parameters_are_left_out() -> None:
    free, frozen = torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(2), requires_grad=False)
    groups = make_optimizer(OptimizerSettings(), [free, frozen]).param_groups
    assert [group["params"] for group in groups] == [[free]]
    with pytest.raises(ModelError, match="no parameter"):
        make_optimizer(OptimizerSettings(), [frozen])


def test_the_usual_constants_of_each_rule() -> None:
    found = {
        kind: (OptimizerSettings(type=kind).decay_rates, OptimizerSettings(type=kind).epsilon)
        for kind in TYPES
    }
    assert found["adamw"] == ((0.9, 0.999), 1e-8)
    assert found["adabelief"] == ((0.9, 0.999), 1e-16)
    assert found["adan"] == ((0.98, 0.92, 0.99), 1e-8)
    assert found["lion"][0] == (0.9, 0.99)
    assert OptimizerSettings(type="lion").unread == {"eps"}
    assert OptimizerSettings(eps=1e-3, betas=(0.5, 0.6)).epsilon == 1e-3


@pytest.mark.parametrize(
    "given",
    [
        {"betas": (0.9, 0.99, 0.999)},
        {"betas": ()},
        {"type": "adan", "betas": (0.9, 0.99)},
        {"betas": (0.9, 1.0)},
        {"learning_rate": 0.0},
        {"learning_rate": math.inf},
        {"weight_decay": -1.0},
        {"eps": 0.0},
        {"type": "sgd"},
    ],
)
def test_settings_that_cannot_be(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        OptimizerSettings.model_validate(given)


def test_settings_load_no_torch() -> None:
    modules = "gogooku3.training.optimizer_settings, gogooku3.training.scheduler_settings"
    code = f"import sys, {modules}; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"
