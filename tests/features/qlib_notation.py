"""Qlib's formulas evaluated from their text in the plainest way, on full windows only."""

from __future__ import annotations

import numpy as np

FLAT = 2e-5


def evaluate(formula: str, grids: dict[str, np.ndarray]) -> np.ndarray:
    """The formula on [D, N] grids named as in it; NaN where a window has a missing value."""
    return eval(formula.replace("$", ""), {**OPERATORS, **grids})  # the published text is the program


def sessions_read(formula: str, window: int) -> int:
    """Sessions that a value reads: one more than the window where the session before is referred to."""
    return window + 1 if "Ref(" in formula else window


def rolled(x: np.ndarray, window: int, function) -> np.ndarray:
    """``function`` of each stock's latest ``window`` values, [..., window] to [...]."""
    out = np.full(x.shape, np.nan)
    views = np.lib.stride_tricks.sliding_window_view(x.astype(float), window, axis=0)
    out[window - 1 :] = function(views)
    return np.where(missing(x, window), np.nan, out)


def missing(x: np.ndarray, window: int) -> np.ndarray:
    out = np.ones(x.shape, dtype=bool)
    views = np.lib.stride_tricks.sliding_window_view(~np.isfinite(x.astype(float)), window, axis=0)
    out[window - 1 :] = views.any(axis=-1)
    return out


def _ref(x, sessions):
    return np.concatenate([np.full((sessions, x.shape[1]), np.nan), x[:-sessions]])


def _std(view):
    return view.std(axis=-1, ddof=1)


def _line(view):
    """Slope and intercept at the last of positions 1 .. d."""
    x = np.arange(1.0, view.shape[-1] + 1)
    slope = ((x - x.mean()) * (view - view.mean(axis=-1, keepdims=True))).sum(axis=-1) / (
        (x - x.mean()) ** 2
    ).sum()
    return slope, view.mean(axis=-1) + slope * (x[-1] - x.mean())


def _pearson(left, right):
    a = left - left.mean(axis=-1, keepdims=True)
    b = right - right.mean(axis=-1, keepdims=True)
    return (a * b).sum(axis=-1) / np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))


def _rsquare(x, window):
    ages = np.arange(1.0, window + 1)
    square = rolled(x, window, lambda view: _pearson(view, np.broadcast_to(ages, view.shape)) ** 2)
    return np.where(rolled(x, window, _std) <= FLAT, np.nan, square)


def _corr(x, y, window):
    both = np.lib.stride_tricks.sliding_window_view(y, window, axis=0)
    value = rolled(x, window, lambda view: _pearson(view, both))
    flat = (rolled(x, window, _std) <= FLAT) | (rolled(y, window, _std) <= FLAT)
    return np.where(flat, np.nan, value)


def _rank(view):
    last = view[..., -1:]
    return ((view < last).sum(axis=-1) + ((view == last).sum(axis=-1) + 1) / 2) / view.shape[-1]


OPERATORS = {
    "Ref": _ref,
    "Abs": np.abs,
    "Log": np.log,
    "Greater": np.maximum,
    "Less": np.minimum,
    "Mean": lambda x, d: rolled(x, d, lambda v: v.mean(axis=-1)),
    "Sum": lambda x, d: rolled(x, d, lambda v: v.sum(axis=-1)),
    "Std": lambda x, d: rolled(x, d, _std),
    "Max": lambda x, d: rolled(x, d, lambda v: v.max(axis=-1)),
    "Min": lambda x, d: rolled(x, d, lambda v: v.min(axis=-1)),
    "IdxMax": lambda x, d: rolled(x, d, lambda v: v.argmax(axis=-1) + 1.0),
    "IdxMin": lambda x, d: rolled(x, d, lambda v: v.argmin(axis=-1) + 1.0),
    "Quantile": lambda x, d, q: rolled(x, d, lambda v: np.quantile(v, q, axis=-1)),
    "Rank": lambda x, d: rolled(x, d, _rank),
    "Slope": lambda x, d: rolled(x, d, lambda v: _line(v)[0]),
    "Resi": lambda x, d: rolled(x, d, lambda v: v[..., -1] - _line(v)[1]),
    "Rsquare": _rsquare,
    "Corr": _corr,
}
