"""The sessions of the simulated market."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from gogooku3.errors import DataError
from gogooku3.market.calendar import sessions_between
from gogooku3.sources.simulation.settings import SimulationSettings

_DAYS_PER_SESSION = 1.7


def simulated_sessions(settings: SimulationSettings) -> np.ndarray:
    """Return the exchange's last ``settings.sessions`` sessions up to ``settings.end``, datetime64[D] [D].

    Raises:
        SettingsError: The calendar is unknown.
        DataError: The calendar does not reach back, or forward, that far.
    """
    start = settings.end - timedelta(days=int(settings.sessions * _DAYS_PER_SESSION) + 30)
    days = sessions_between(settings.calendar, start, settings.end)
    if len(days) < settings.sessions:
        raise DataError(
            "the calendar has too few sessions",
            where=f"simulation.sessions, calendar {settings.calendar}",
            got=f"{len(days)} sessions from {start} to {settings.end}",
            expected=settings.sessions,
            remedy="ask for fewer sessions",
        )
    return days[-settings.sessions :]
