"""What the feature families share: how much of a window must be there, and the plainest kinds of feature."""

from __future__ import annotations

import math
from collections.abc import Callable

from gogooku3.axes import FloatLN, FloatWN
from gogooku3.features import kernels
from gogooku3.features.registry import Feature

COVERAGE = 0.6
"""Share of a window's sessions that must have an observation, else the feature is missing."""


def enough(window: int) -> int:
    """Observations that a window of this many sessions needs."""
    return max(1, math.ceil(COVERAGE * window))


def field(
    name: str, inputs: tuple[str, ...], function: Callable[..., FloatLN], meaning: str, window: int = 1
) -> Feature:
    """An intermediate quantity that other features read and that is not exported."""
    return Feature(
        name=name, family="field", inputs=inputs, window=window, function=function, meaning=meaning
    )


def sum_of(name: str, family: str, source: str, window: int, meaning: str) -> Feature:
    """The sum of ``source`` over the window."""

    def function(x: FloatWN) -> FloatLN:
        return kernels.rolling_sum(x, window, enough(window))

    return Feature(
        name=name, family=family, inputs=(source,), window=window, function=function, meaning=meaning
    )


def mean_of(name: str, family: str, source: str, window: int, meaning: str) -> Feature:
    """The mean of ``source`` over the window."""

    def function(x: FloatWN) -> FloatLN:
        return kernels.rolling_mean(x, window, enough(window))

    return Feature(
        name=name, family=family, inputs=(source,), window=window, function=function, meaning=meaning
    )


def std_of(name: str, family: str, source: str, window: int, meaning: str) -> Feature:
    """The standard deviation (ddof 1) of ``source`` over the window."""

    def function(x: FloatWN) -> FloatLN:
        return kernels.rolling_std(x, window, enough(window))

    return Feature(
        name=name, family=family, inputs=(source,), window=window, function=function, meaning=meaning
    )


def combined(
    name: str, family: str, inputs: tuple[str, ...], function: Callable[..., FloatLN], meaning: str
) -> Feature:
    """A function of other features on the same session."""
    return Feature(name=name, family=family, inputs=inputs, window=1, function=function, meaning=meaning)
