from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from gogooku3.models.atft_gat_fan import AtftGatFan
from gogooku3.models.atft_gat_fan_settings import AtftGatFanSettings
from gogooku3.models.day_block import DayBlock
from gogooku3.models.layers.neighbours import Neighbours
from tests.models.naive_encoder import gated, linear, state, weights_of

FEATURES, TARGETS, LOOKBACK = 7, 3, 24


def settings(**changes: object) -> AtftGatFanSettings:
    small: dict[str, object] = {
        "hidden": 16, "lookback": LOOKBACK, "convolutions": 2, "heads": 2, "gat_layers": 0
    }  # fmt: skip
    return AtftGatFanSettings.model_validate({**small, **changes})


def model_of(**changes: object) -> AtftGatFan:
    torch.manual_seed(3)
    model = AtftGatFan(settings(**changes), features=FEATURES, targets=TARGETS, edges=2)
    with torch.no_grad():  # away from the special values that layers begin with
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def drawn(length: int, stocks: int, *, seed: int = 0, graph: bool = False) -> DayBlock:
    rng = np.random.default_rng(seed)
    sessions = length + LOOKBACK - 1
    x = (rng.random((sessions, stocks, FEATURES)) - 0.5).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    present = rng.random((sessions, stocks)) < 0.85
    scored = present[-length:] & (rng.random((length, stocks)) < 0.9)
    return DayBlock(
        x=torch.from_numpy(x),
        present=torch.from_numpy(present),
        scored=torch.from_numpy(scored),
        neighbours=linked(length, stocks, rng) if graph else None,
    )


def linked(length: int, stocks: int, rng: np.random.Generator) -> Neighbours:
    index = rng.integers(0, stocks, size=(2, stocks, 4))
    return Neighbours(
        index=torch.from_numpy(index),
        valid=torch.from_numpy(rng.random(index.shape) < 0.8),
        edge=torch.from_numpy(rng.normal(size=(*index.shape, 2)).astype(np.float32)),
        graph_of_day=torch.from_numpy(np.arange(length) // (length // 2 + 1)),
    )


@pytest.mark.parametrize("filters", [0, 5])
def test_scores_are_those_of_one_window_a_day(filters: int) -> None:
    model, block = model_of(filters=filters), drawn(9, 5)
    w = weights_of(model)
    found = model(block).detach().numpy()
    seen = 0
    for day in range(9):
        for stock in range(5):
            if not block.scored[day, stock]:
                continue
            window = slice(day, day + LOOKBACK)
            x, present = block.x[window, stock].double().numpy(), block.present[window, stock].numpy()
            expected = linear(w, "scores", gated(w, "exit", state(w, x, present, convolutions=2, heads=2)))
            np.testing.assert_allclose(found[day, stock], expected, atol=1e-5)
            seen += 1
    assert seen > 20


@pytest.mark.parametrize("graph", [False, True])
def test_a_session_scores_alike_in_every_block(graph: bool) -> None:
    model = model_of(gat_layers=2 if graph else 0, filters=3)
    block = drawn(70, 6, graph=graph)
    whole = model(block)
    for day in (0, 31, 32, 69):
        window = slice(day, day + LOOKBACK)
        links = block.neighbours
        one = DayBlock(
            x=block.x[window],
            present=block.present[window],
            scored=block.scored[day : day + 1],
            neighbours=None
            if links is None
            else Neighbours(
                index=links.index,
                valid=links.valid,
                edge=links.edge,
                graph_of_day=links.graph_of_day[day : day + 1],
            ),
        )
        torch.testing.assert_close(model(one)[0], whole[day], atol=1e-5, rtol=0)


@pytest.mark.parametrize("noise", [torch.nan, torch.inf, 1e30])
@pytest.mark.parametrize("layers", [0, 2])
def test_noise_in_absent_slots_changes_no_bit(noise: float, layers: int) -> None:
    model, block = model_of(gat_layers=layers, filters=layers), drawn(6, 8, graph=layers > 0)
    noisy = DayBlock(
        x=torch.where(block.present[..., None], block.x, noise),
        present=block.present,
        scored=block.scored,
        neighbours=block.neighbours,
    )
    plain = torch.where(block.present[..., None], block.x, 0.0)
    clean = DayBlock(x=plain, present=block.present, scored=block.scored, neighbours=block.neighbours)
    left, right = model(clean)[block.scored], model(noisy)[block.scored]
    assert left.isfinite().all()
    assert torch.equal(left, right)
    model.train()
    for parts in (clean, noisy):
        model.zero_grad()
        torch.manual_seed(0)
        model(parts)[block.scored].sum().backward()
        parts.__dict__["gradients"] = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    for one, other in zip(clean.__dict__["gradients"], noisy.__dict__["gradients"], strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("layers", [0, 1, 3, 10])
@pytest.mark.parametrize("convolutions", [0, 3])
def test_every_parameter_receives_a_gradient(layers: int, convolutions: int) -> None:
    torch.manual_seed(1)
    model = AtftGatFan(
        settings(gat_layers=layers, convolutions=convolutions), features=FEATURES, targets=TARGETS, edges=2
    ).train()
    block = drawn(5, 12, graph=layers > 0)
    output = model(block)[block.scored]
    (output * torch.randn_like(output)).sum().backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []


def test_older_sessions_than_the_lookback_do_not_matter() -> None:
    model, block = model_of(), drawn(1, 4)
    for back, matters in ((LOOKBACK - 1, True), (LOOKBACK, False)):
        longer = drawn(2, 4, seed=5)
        changed = longer.x.clone()
        changed[len(changed) - 1 - back] += 0.3
        present = torch.ones_like(longer.present)
        one = DayBlock(x=longer.x, present=present, scored=longer.scored)
        other = DayBlock(x=changed, present=present, scored=longer.scored)
        assert torch.equal(model(one)[-1], model(other)[-1]) is not matters
    assert block.x.shape[0] == LOOKBACK


def test_quantiles_are_an_axis_and_the_median_ranks() -> None:
    model = AtftGatFan(settings(), features=FEATURES, targets=TARGETS, quantiles=(0.1, 0.5, 0.9))
    output = model(drawn(4, 5))
    assert output.shape == (4, 5, TARGETS, 3)
    assert torch.equal(model.rank_scores(output), output[..., 1])


@pytest.mark.parametrize(
    "changes", [{"heads": 3}, {"lookback": 6}, {"gat_layers": 11}, {"hidden": 20}, {"dropout": 1.0}]
)
def test_impossible_settings_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**changes)
