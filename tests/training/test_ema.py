from __future__ import annotations

import pytest
import torch

from gogooku3.errors import ModelError
from gogooku3.training.ema import Ema


def model() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))


def jitter(net: torch.nn.Module, step: int) -> None:
    generator = torch.Generator().manual_seed(step)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator))


def weights(net: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in net.named_parameters()}


def averaged(ema: Ema, net: torch.nn.Module) -> dict[str, torch.Tensor]:
    with ema.swap():
        return weights(net)


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("decay", [0.05, 0.5, 0.999])
def test_the_average_by_hand(decay: float) -> None:
    net = model().double()
    ema = Ema(net, decay)
    expected = weights(net)
    for n in range(12):
        jitter(net, n)
        ema.update()
        kept = min(decay, (1 + n) / (10 + n))
        now = weights(net)
        expected = {name: kept * expected[name] + (1 - kept) * now[name] for name in now}
    found = averaged(ema, net)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-12, atol=1e-12)


def test_the_model_gets_its_own_weights_back_bit_for_bit() -> None:
    net = model()
    ema = Ema(net, 0.9)
    jitter(net, 1)
    own, places = weights(net), [parameter.data_ptr() for parameter in net.parameters()]
    with ema.swap():
        assert not equal(weights(net), own)
        assert all(parameter.requires_grad for parameter in net.parameters())
    assert equal(weights(net), own)
    with pytest.raises(RuntimeError, match="in the block"), ema.swap():
        raise RuntimeError("in the block")
    assert equal(weights(net), own)
    assert places == [parameter.data_ptr() for parameter in net.parameters()]


def test_swapping_does_not_touch_the_average_nor_the_gradients() -> None:
    net = model()
    ema = Ema(net, 0.9)
    jitter(net, 1)
    ema.update()
    net(torch.ones(2, 3)).sum().backward()
    gradients = [parameter.grad for parameter in net.parameters()]
    first = averaged(ema, net)
    assert equal(first, averaged(ema, net))
    assert all(a is b.grad for a, b in zip(gradients, net.parameters(), strict=True))


def test_zero_is_off() -> None:
    net = model()
    ema = Ema(net, 0.0)
    jitter(net, 1)
    ema.update()
    assert equal(averaged(ema, net), weights(net))
    assert ema.state_dict()["averages"] == {}


def test_frozen_parameters_and_buffers_stay() -> None:
    net = model()
    net[0].weight.requires_grad_(False)
    ema = Ema(net, 0.9)
    jitter(net, 1)
    mean = net[1].running_mean.clone()
    assert "0.weight" not in ema.state_dict()["averages"]
    assert torch.equal(averaged(ema, net)["0.weight"], net[0].weight)
    assert torch.equal(net[1].running_mean, mean)


def test_resuming_is_exact() -> None:
    net = model()
    ema = Ema(net, 0.99)
    for step in range(9):
        jitter(net, step)
        ema.update()
        if step == 4:
            saved = {"updates": ema.state_dict()["updates"]}
            saved["averages"] = {name: t.clone() for name, t in ema.state_dict()["averages"].items()}
            kept = weights(net)
    other = model()
    other.load_state_dict({**other.state_dict(), **kept})
    again = Ema(other, 0.99)
    again.load_state_dict(saved)
    for step in range(5, 9):
        jitter(other, step)
        again.update()
    assert equal(averaged(ema, net), averaged(again, other))


def test_the_average_of_another_model_is_refused() -> None:
    ema = Ema(model(), 0.9)
    for other in (torch.nn.Linear(3, 4), torch.nn.Sequential(torch.nn.Linear(3, 5))):
        with pytest.raises(ModelError, match="another model"):
            ema.load_state_dict(Ema(other, 0.9).state_dict())
    with pytest.raises(ModelError, match="another model"):
        ema.load_state_dict(Ema(model(), 0.0).state_dict())
