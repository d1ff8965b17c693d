"""ATFT's encoder written again: numpy, float64, one stock and one window at a time, formula by formula."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from torch import nn

Weights = Mapping[str, np.ndarray]


def weights_of(module: nn.Module) -> Weights:
    return {name: tensor.detach().double().numpy() for name, tensor in module.state_dict().items()}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def elu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, np.expm1(x))


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max())
    return e / e.sum()


def norm(w: Weights, name: str, x: np.ndarray) -> np.ndarray:
    centred = (x - x.mean()) / math.sqrt(x.var() + 1e-5)
    return centred * w[f"{name}.weight"] + w[f"{name}.bias"]


def linear(w: Weights, name: str, x: np.ndarray) -> np.ndarray:
    return w[f"{name}.weight"] @ x + w.get(f"{name}.bias", 0.0)


def glu(x: np.ndarray) -> np.ndarray:
    half = len(x) // 2
    return x[:half] * sigmoid(x[half:])


def gated(w: Weights, name: str, x: np.ndarray) -> np.ndarray:
    inner = elu(linear(w, f"{name}.inner", x))
    return norm(w, f"{name}.norm", x + glu(linear(w, f"{name}.gate", inner)))


def embedded(w: Weights, x: np.ndarray) -> np.ndarray:
    known = np.where(np.isnan(x), w["selection.missing"], x * math.sqrt(12))
    weight = softmax(linear(w, "selection.weigh", elu(linear(w, "selection.squeeze", known)))) * len(x)
    return gated(w, "entry", linear(w, "selection.embed", weight * known))


def state(
    w: Weights, window: np.ndarray, present: np.ndarray, *, convolutions: int, heads: int
) -> np.ndarray:
    """Return the state of a window's last session.

    Args:
        w: Weights of the model.
        window: Features of one stock [lookback, F].
        present: Whether it has a bar [lookback].
    """
    width = len(w["selection.embed.bias"])
    zero = np.zeros(width)
    h = [embedded(w, x) if p else zero for x, p in zip(window, present, strict=True)]
    entered, seen = h, list(present)
    for layer in range(convolutions):
        dilation, name = 2**layer, f"convolutions.{layer}"
        out = []
        for t in range(2 * dilation, len(h)):
            stacked = np.concatenate([h[t - 2 * dilation], h[t - dilation], h[t]])
            moved = glu(stacked @ w[f"{name}.weight"] + w[f"{name}.bias"])
            out.append(norm(w, f"{name}.norm", h[t] + w[f"{name}.scale"] * moved) if seen[t] else zero)
        h, seen = out, seen[2 * dilation :]
    out = attended(w, h, seen, heads)
    return filtered(w, out, entered[-len(h) :]) if "filters.kernel" in w else out


def attended(w: Weights, h: list[np.ndarray], seen: list[bool], heads: int) -> np.ndarray:
    """Return the last session's state after attention over all that is left of the window."""
    depth = len(h[0]) // heads
    query = linear(w, "attention.query", h[-1])
    mean = np.zeros(len(h))
    for head in range(heads):
        part = slice(head * depth, (head + 1) * depth)
        logits = np.array(
            [
                query[part] @ linear(w, "attention.key", one)[part] / math.sqrt(depth)
                + w["attention.age"][head, age]
                for age, one in enumerate(h)
            ]
        )
        mean += softmax(np.where(seen, logits, -np.inf)) / heads
    value = sum(m * linear(w, "attention.value", one) for m, one in zip(mean, h, strict=True))
    return norm(
        w, "attention.norm", h[-1] + w["attention.scale"] * glu(linear(w, "attention.out", np.asarray(value)))
    )


def filtered(w: Weights, y: np.ndarray, entered: list[np.ndarray]) -> np.ndarray:
    """Return the state with what the filters say of the window's embedded sessions."""
    total = sum(
        tap * linear(w, "filters.into", x) for tap, x in zip(w["filters.kernel"].T, entered, strict=True)
    )
    return norm(w, "filters.norm", y + linear(w, "filters.out", np.asarray(total)))
