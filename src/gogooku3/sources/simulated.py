"""The simulated market as a source."""

from __future__ import annotations

from dataclasses import dataclass, field

from gogooku3.market.bars import Bars
from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.sources.simulation.simulate import DEFAULT_TARGETS, Simulation, simulate, truth_frame

__all__ = [
    "DEFAULT_TARGETS",
    "SimulatedSource",
    "Simulation",
    "SimulationSettings",
    "simulate",
    "truth_frame",
]


@dataclass(frozen=True)
class SimulatedSource:
    """Bars of a simulated market; ``simulate`` gives the truth about the same market beside them."""

    settings: SimulationSettings = field(default_factory=SimulationSettings)

    def load(self) -> Bars:
        """Return the bars, bit for bit the same for the same settings.

        Raises:
            SettingsError: The calendar is unknown.
            DataError: The calendar does not cover the sessions.
        """
        return simulate(self.settings, ()).bars
