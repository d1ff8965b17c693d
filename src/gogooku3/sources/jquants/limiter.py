"""No more requests than the plan allows."""

from __future__ import annotations

from collections import deque

from gogooku3.sources.jquants.clock import Clock

_WINDOW = 61.0
"""Seconds of the sliding window: a minute, and a second for requests that travel at different speeds."""


class Limiter:
    """Lets so many requests pass in any minute; those that the server rejects count, too.

    Args:
        requests: How many in a minute.
        clock: Tells the time and waits.
    """

    def __init__(self, requests: int, clock: Clock) -> None:
        self._requests = requests
        self._clock = clock
        self._sent: deque[float] = deque()

    def wait(self) -> None:
        """Return as soon as one more request may be sent, and count it."""
        while True:
            now = self._clock.monotonic()
            while self._sent and now - self._sent[0] >= _WINDOW:
                self._sent.popleft()
            if len(self._sent) < self._requests:
                self._sent.append(now)
                return
            self._clock.sleep(max(1e-3, self._sent[0] + _WINDOW - now))
