"""The planted signal: expected returns that are functions of past bars, with their closed-form future.

Every part gives ``alpha[t]``, what it adds to the expected log return of session t + 1 given the close of t,
and ``E[alpha[t + j] | t]`` for every j, so that the expected log return of any target is a known sum.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from gogooku3.axes import BoolDN, FloatDN
from gogooku3.sources.simulation.autoregression import autoregression
from gogooku3.sources.simulation.noise import Noise
from gogooku3.sources.simulation.settings import SignalName, SimulationSettings
from gogooku3.sources.simulation.stocks import Stocks
from gogooku3.sources.simulation.tape import LOCATION_DECAY, TURNOVER_DECAY, Tape

_LEAD_DECAY = 0.75
_SCALE: dict[SignalName, float] = {  # standard deviation of alpha, log return a session
    "linear": 0.00095,
    "interaction": 0.00180,  # the largest: no learner of pairs gets more than a part of it
    "pattern": 0.00095,
    "lead_lag": 0.00140,
}

# Weights of the close location of t, t-1, ... t-19. Of all kernels of 20 sessions this is (rounded) the
# leading eigenvector of A - 10 B: A is the energy of the kernel's forward sums over horizons 1, 5, 10, 20 and
# lags 0, 1; B is the part of it that means over 1, 3, 5, 10, 20 sessions and an exponential average express.
PATTERN_KERNEL = (
    0.02, 0.00, -0.04, -0.03, 0.01, 0.06, 0.01, -0.05, -0.03, 0.05,
    0.07, -0.01, -0.09, -0.08, -0.17, -0.29, 0.39, 0.63, 0.09, -0.54,
)  # fmt: skip


class Signal(ABC):
    """One part of the planted signal."""

    @property
    @abstractmethod
    def alpha(self) -> FloatDN:
        """Expected log return of the next session given this close [D, N]."""

    @abstractmethod
    def expected(self, horizon: int, lag: int) -> FloatDN:
        """Return the expected log return from the close of t + lag to t + lag + horizon, given t [D, N]."""


@dataclass(frozen=True, eq=False)
class Fading(Signal):
    """A signal whose expectation fades geometrically: ``E[alpha[t + j] | t] = decay^j alpha[t]``."""

    now: FloatDN
    decay: float

    @property
    def alpha(self) -> FloatDN:
        """Expected log return of the next session given this close [D, N]."""
        return self.now

    def expected(self, horizon: int, lag: int) -> FloatDN:
        """Return ``alpha[t]`` times the geometric sum over the sessions held [D, N]."""
        held = range(lag, lag + horizon)
        return self.now * float(sum(self.decay**ahead for ahead in held))


@dataclass(frozen=True, eq=False)
class Filtered(Signal):
    """A filter of white noise, ``alpha[t] = sum_m kernel[m] noise[t - m]``; noise to come has mean 0."""

    noise: FloatDN
    kernel: np.ndarray

    @property
    def alpha(self) -> FloatDN:
        """Expected log return of the next session given this close [D, N]."""
        return self.expected(1, 0)

    def expected(self, horizon: int, lag: int) -> FloatDN:
        """Return ``sum_m (kernel[m + lag] + ... + kernel[m + lag + horizon - 1]) noise[t - m]`` [D, N].

        Noise before the first session is unknown to everybody and never enters.
        """
        length = len(self.kernel)
        padded = np.concatenate([self.kernel, np.zeros(lag + horizon)])
        result = np.zeros_like(self.noise)
        for back in range(min(length, len(self.noise))):
            weight = padded[back + lag : back + lag + horizon].sum()
            if weight != 0.0:
                result[back:] += weight * self.noise[: len(self.noise) - back]
        return result


def plant(
    settings: SimulationSettings, stocks: Stocks, noise: Noise, tape: Tape, present: BoolDN
) -> dict[str, Signal]:
    """Return the parts that are switched on, in a fixed order.

    * linear: proportional to abnormal turnover (the high-volume premium of Gervais, Kaniel, Mingelgrin 2001).
    * interaction: abnormal turnover times the average close location; each factor alone says nothing.
    * pattern: a kernel over 20 sessions of close location to which averages over windows are blind.
    * lead_lag: the own shock of a group's leader reaches the followers over the next sessions.
    """
    turnover, tilt = tape.abnormal_turnover, tape.tilt
    scale = {name: settings.strength * value for name, value in _SCALE.items()}
    signals: dict[str, Signal] = {}
    if "linear" in settings.signals:
        signals["linear"] = Fading(scale["linear"] * turnover, TURNOVER_DECAY)
    if "interaction" in settings.signals:
        product = scale["interaction"] * turnover * tilt
        signals["interaction"] = Fading(product, TURNOVER_DECAY * LOCATION_DECAY)
    if "pattern" in settings.signals:
        kernel = np.array(PATTERN_KERNEL)
        kernel *= scale["pattern"] / np.linalg.norm(kernel)
        signals["pattern"] = Filtered(tape.location, kernel)
    if "lead_lag" in settings.signals:
        spill = scale["lead_lag"] * _spillover(stocks, noise, present)
        signals["lead_lag"] = Fading(spill, _LEAD_DECAY)
    return signals


def _spillover(stocks: Stocks, noise: Noise, present: BoolDN) -> FloatDN:
    """Return the followers' fading response to their leader [D, N]; a leader without a bar says nothing."""
    follower = np.flatnonzero(stocks.leader >= 0)
    leader = stocks.leader[follower]
    news = np.where(present[:, leader], noise.own[:, leader], 0.0)
    result = np.zeros_like(noise.own)
    result[:, follower] = autoregression(news, _LEAD_DECAY)
    return result
