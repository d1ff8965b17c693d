"""Samples of stock-days that stand for the sessions that a model was fitted on, or was tested on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from gogooku3.axes import RowsRF
from gogooku3.evaluation.drift.settings import DriftSettings
from gogooku3.panel.panel import Panel
from gogooku3.scoring.scorer import MemberScores, Scorer

Sample = Sequence[tuple[int, slice]]
"""Sessions, and which of the stocks of their universe."""


_STRETCH = 10


@runtime_checkable
class _OfSessions(Protocol):
    """A scorer for which neighbouring sessions cost less together."""

    def members_of(self, panel: Panel, sessions: np.ndarray) -> Iterable[MemberScores]:
        """Return every member's raw scores of each session's universe, each [S, R, T]."""


def sample_of(panel: Panel, sessions: np.ndarray, settings: DriftSettings, *, stretch: int = 1) -> Sample:
    """Return sessions that are spread evenly, and every k-th stock of each, the first in turn.

    Args:
        panel: Whose universe it is.
        sessions: Session indices, increasing; one without a universe is passed over.
        settings: How many sessions and stock-days, about, at most.
        stretch: How many sessions stay together.
    """
    members = panel.universe[sessions].sum(axis=1)
    sessions, members = sessions[members > 0], members[members > 0]
    chosen = _spread(len(sessions), min(settings.sample_sessions, len(sessions)), stretch)
    step = max(1, int(-(-members[chosen].sum() // settings.sample_rows)))
    return [(t, slice(k % step, None, step)) for k, t in enumerate(sessions[chosen].tolist())]


def stretch_of(scorer: Scorer) -> int:
    """Return how many sessions of a scorer's sample stay together: one, unless neighbours cost less together."""
    return _STRETCH if isinstance(scorer, _OfSessions) else 1


def _spread(length: int, count: int, stretch: int) -> np.ndarray:
    """Return ``count`` of ``length`` places in stretches that are spread evenly, increasing."""
    parts = -(-count // stretch)
    begins = np.linspace(0, length - min(stretch, count), parts).round().astype(np.int64)
    places = (begins[:, None] + np.arange(min(stretch, count))).ravel()
    return np.unique(places)[:count]


def raw_features(panel: Panel, sample: Sample) -> RowsRF:
    """Return features as they stand in the panel, float32 [R, F], NaN where missing."""
    parts = [np.empty((0, len(panel.feature_names)), dtype=np.float32)]
    parts += [_universe(panel, session)[picked] for session, picked in sample]
    return np.concatenate(parts)


def _universe(panel: Panel, session: int) -> Float32[np.ndarray, "N F"]:
    (block,) = panel.blocks(session, session + 1)
    features: np.ndarray = block.features[0][np.flatnonzero(block.universe[0])]
    return features.astype(np.float32, copy=False)


def raw_outputs(scorer: Scorer, panel: Panel, sample: Sample) -> Float32[np.ndarray, "R T"]:
    """Return the mean of the members' raw outputs, float32 [R, T]."""
    sessions = [session for session, _ in sample]
    parts = [np.empty((0, len(panel.targets)))]
    for (_, picked), scores in zip(sample, _members(scorer, panel, sessions), strict=True):
        parts.append(scores[:, picked].mean(axis=0, dtype=np.float64))
    return np.concatenate(parts).astype(np.float32)


def _members(scorer: Scorer, panel: Panel, sessions: Sequence[int]) -> Iterable[MemberScores]:
    if isinstance(scorer, _OfSessions):
        return scorer.members_of(panel, np.array(sessions, dtype=np.int64))
    return (scorer.members(panel, session) for session in sessions)
