"""What a graph stands for: the session, and a digest of all that was read for it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gogooku3.graphs.settings import GraphSettings
from gogooku3.panel.panel import Panel


@dataclass(frozen=True, kw_only=True)
class GraphKey:
    """A graph of the same key, settings and sectors is the same graph.

    Attributes:
        session: Day at whose close it was known, ISO.
        inputs: SHA-256 over the digests of the days of its window.
    """

    session: str
    inputs: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def graph_keys(panel: Panel, settings: GraphSettings, sessions: np.ndarray) -> list[GraphKey]:
    """Return the keys of the graphs that are built at some sessions, int64 [G]."""
    days = panel.days("known")
    names = np.datetime_as_string(panel.sessions[sessions]).tolist()
    keys = []
    for name, session in zip(names, sessions.tolist(), strict=True):
        window = days[max(0, session - settings.window + 1) : session + 1]
        keys.append(GraphKey(session=name, inputs=hashlib.sha256("\n".join(window).encode()).hexdigest()))
    return keys


def sectors_of(panel: Panel) -> dict[str, str]:
    """Return each code's sector, empty where it has none."""
    sectors = panel.stocks["sector"].fill_null("").to_list()
    return dict(zip(panel.codes, sectors, strict=True))
