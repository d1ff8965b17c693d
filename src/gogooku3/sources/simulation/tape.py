"""What the bars show besides the return: abnormal turnover and where the day closes in its range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gogooku3.axes import FloatDN
from gogooku3.sources.simulation.autoregression import autoregression
from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.sources.simulation.streams import stream

TURNOVER_DECAY = 0.8
LOCATION_DECAY = 0.92
_UNIFORM = np.sqrt(3.0)  # a uniform variable on +-sqrt(3) has unit variance


@dataclass(frozen=True, eq=False, kw_only=True)
class Tape:
    """Two observable processes that the planted signal reads; neither depends on the signal.

    Attributes:
        abnormal_turnover: Autoregression of unit variance that moves log turnover [D, N].
        location: White noise, uniform with unit variance, that the close location shows linearly [D, N].
        tilt: Exponential average of ``location`` with unit variance [D, N].
    """

    abnormal_turnover: FloatDN
    location: FloatDN
    tilt: FloatDN

    @property
    def close_location(self) -> FloatDN:
        """Return where the close should lie in the day's range, in [0.05, 0.95], [D, N]."""
        place: FloatDN = 0.5 + 0.45 / _UNIFORM * self.location
        return place


def draw_tape(settings: SimulationSettings) -> Tape:
    """Draw the processes, in the same way whichever signals are on."""
    shape = (settings.sessions, settings.stocks)
    turnover = stream(settings.seed, "abnormal turnover").standard_normal(shape)
    location = stream(settings.seed, "close location").uniform(-_UNIFORM, _UNIFORM, shape)
    return Tape(
        abnormal_turnover=autoregression(turnover, TURNOVER_DECAY),
        location=location,
        tilt=autoregression(location, LOCATION_DECAY),
    )
