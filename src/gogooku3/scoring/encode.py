"""What a deep model reads of a panel: every stock-day encoded once, as ranks among the day's universe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float16

from gogooku3.errors import SettingsError
from gogooku3.models.frequency_settings import FrequencySettings
from gogooku3.panel.panel import Panel
from gogooku3.progress import Progress, Silent
from gogooku3.scoring.rank_kernel import rank_among

EncodedLNC = Float16[np.ndarray, "L N C"]


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """The columns of an encoded panel: all features, then two for each normalised channel.

    Attributes:
        features: Names of the panel's features.
        frequency: Which of them are split by frequency, over how long a window.
    """

    features: tuple[str, ...]
    frequency: FrequencySettings

    def __post_init__(self) -> None:
        unknown = [name for name in self.frequency.channels if name not in self.features]
        if unknown:
            raise SettingsError(
                "a channel to normalise is no feature of the panel",
                where="frequency.channels",
                got=", ".join(unknown),
                expected="features of the panel, see docs/reference/features.md",
                remedy="name others, or none: --set frequency.channels=[]",
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the C columns."""
        split = [f"{name} {part}" for name in self.frequency.channels for part in ("main", "residual")]
        return (*self.features, *split)

    @property
    def warm_up(self) -> int:
        """Sessions before a session that its columns are computed from."""
        return self.frequency.window - 1 if self.frequency.channels else 0

    @property
    def channels(self) -> list[int]:
        """Where the channels stand among the features."""
        return [self.features.index(name) for name in self.frequency.channels]


def encode(
    panel: Panel,
    encoding: Encoding,
    start: int,
    stop: int,
    *,
    out: EncodedLNC | None = None,
    progress: Progress | None = None,
) -> EncodedLNC:
    """Rank sessions [start, stop): each column of every stock with a bar is placed among the day's universe.

    Nothing is fitted, and a session's values come from it and ``encoding.warm_up`` sessions before it, so a session
    is encoded alike whether it is read alone or with all others.

    Args:
        panel: The panel.
        encoding: Its columns.
        start: First session.
        stop: Session after the last.
        out: Float16 [L, N, C] to fill, such as a mapped file.
        progress: Told of every session.

    Returns:
        float16 [L, N, C], NaN where there is no value, no bar or no universe.
    """
    progress = progress or Silent()
    shape = (stop - start, len(panel.codes), len(encoding.names))
    into = np.empty(shape, dtype=np.float16) if out is None else out
    first = max(0, start - encoding.warm_up)
    trailing = _Trailing(len(panel.codes), encoding)
    progress.start("encoding sessions", stop - first, "sessions")
    for block in panel.blocks(first, stop):
        for day in range(len(block.sessions)):
            here = np.flatnonzero(block.present[day])
            features = block.features[day][here].astype(np.float32, copy=False)
            split = trailing.split(block.stock[here], features)
            session = block.first + day
            if session >= start:
                placed = rank_among(np.concatenate([features, split], axis=1), block.universe[day][here])
                into[session - start] = np.nan
                into[session - start, block.stock[here]] = placed
            progress.advance()
    return into


class _Trailing:
    """The trailing windows of the channels of all stocks; a session without a bar is a gap."""

    def __init__(self, stocks: int, encoding: Encoding) -> None:
        self.columns = encoding.channels
        self.settings = encoding.frequency
        self.window = np.full((stocks, len(self.columns), self.settings.window), np.nan, dtype=np.float32)

    def split(self, stock: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Move on by a session; return main and residual of each channel of the stocks that have a bar [n, 2 C]."""
        if not self.columns:
            return features[:, :0]
        import torch

        from gogooku3.models.layers.frequency import frequency_split

        self.window[:, :, :-1] = self.window[:, :, 1:]
        self.window[:, :, -1] = np.nan
        self.window[stock, :, -1] = features[:, self.columns]
        main, residual = frequency_split(torch.from_numpy(self.window[stock]), self.settings.components)
        return torch.stack([main, residual], dim=-1).flatten(1).numpy()


def scored_stocks(universe: np.ndarray) -> np.ndarray:
    """Return the stocks that are in the universe on any session of a block [L, N], increasing."""
    return np.flatnonzero(universe.any(axis=0))


__all__: Sequence[str] = ("EncodedLNC", "Encoding", "encode", "scored_stocks")
