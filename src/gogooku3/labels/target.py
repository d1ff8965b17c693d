"""A prediction target: how far ahead, entered how late."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gogooku3.errors import SettingsError

_NAME = re.compile(r"h(\d+)_d(\d+)")


@dataclass(frozen=True, order=True)
class Target:
    """The return from the close of session t + lag to the close of session t + lag + horizon.

    Attributes:
        horizon: Sessions held, at least 1.
        lag: Sessions between the score and the entry; 0 is the classic label nobody could trade at.
    """

    horizon: int
    lag: int

    def __post_init__(self) -> None:
        if self.horizon < 1 or self.lag < 0:
            raise SettingsError("a target is impossible", got=self, expected="horizon >= 1 and lag >= 0")

    def __str__(self) -> str:
        return f"h{self.horizon}_d{self.lag}"

    @property
    def reach(self) -> int:
        """Sessions from the score to the end of the label's span."""
        return self.lag + self.horizon

    def span(self, session: int) -> tuple[int, int]:
        """Return the first and last session index whose price the label of ``session`` uses."""
        return session + self.lag, session + self.reach

    def known_after(self, ended_after: int) -> int:
        """Return the sessions from the score until the label is known, a stock's end included.

        A stock without a bar at the exit may have ended at the session before. That is known when it has been silent
        for ``ended_after + 1`` sessions (``Ends``).

        Args:
            ended_after: As in ``MarketSettings``.
        """
        return self.reach + ended_after

    @classmethod
    def parse(cls, name: str) -> Target:
        """Read a name such as ``h5_d1``.

        Raises:
            SettingsError: The name has another form.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            raise SettingsError("a target's name is not understood", got=name, expected="such as h5_d1")
        return cls(int(match[1]), int(match[2]))
