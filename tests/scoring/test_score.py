"""A session's scores are of what is known by then: nothing later changes a bit of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from gogooku3.graphs.graphs import EDGE_FEATURES, Graphs
from gogooku3.models.atft_gat_fan import AtftGatFan
from gogooku3.models.atft_gat_fan_settings import AtftGatFanSettings
from gogooku3.models.baselines.gru import Gru
from gogooku3.models.baselines.gru_settings import GruSettings
from gogooku3.models.deep_model import DeepModel
from gogooku3.scoring.day_source import DaySource
from gogooku3.scoring.score import score_sessions

SESSIONS, STOCKS, FEATURES, TARGETS = 120, 150, 30, 4
DAYS = np.arange(70, 102)


def model_of(kind: str) -> DeepModel:
    torch.manual_seed(3)
    model: DeepModel
    if kind == "gru":
        model = Gru(GruSettings(), features=FEATURES, targets=TARGETS)
    else:
        edges = len(EDGE_FEATURES)
        model = AtftGatFan(AtftGatFanSettings(), features=FEATURES, targets=TARGETS, edges=edges)
    with torch.no_grad():  # away from the gates that let nothing of the graph through at first
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def drawn() -> DaySource:
    """A third of the stocks joins and leaves the universe, all of them have bars throughout."""
    rng = np.random.default_rng(0)
    starts = np.arange(0, SESSIONS, 5)
    universe = np.ones((SESSIONS, STOCKS), dtype=bool)
    universe[:, ::3] = rng.random((SESSIONS, len(universe[0, ::3]))) < 0.1
    shape = (len(starts), STOCKS, 8)
    graphs = Graphs(
        sessions=starts,
        every=5,
        index=rng.integers(-1, STOCKS, shape).astype(np.int32),
        edge=rng.uniform(-0.2, 0.2, (*shape, len(EDGE_FEATURES))).astype(np.float32),
    )
    x = rng.uniform(-0.5, 0.5, (SESSIONS, STOCKS, FEATURES)).astype(np.float16)
    return DaySource(first=0, x=x, present=np.ones_like(universe), universe=universe, graphs=graphs)


def source_of(kind: str) -> DaySource:
    return drawn() if kind == "atft_gat_fan" else replace(drawn(), graphs=None)


@pytest.mark.parametrize("kind", ["gru", "atft_gat_fan"])
@pytest.mark.parametrize("known", [1, 3, 14, 31])
def test_sessions_that_are_not_there_yet_change_no_bit(kind: str, known: int) -> None:
    model, source = model_of(kind), source_of(kind)
    whole = score_sessions(model, source, DAYS)
    np.testing.assert_array_equal(score_sessions(model, source, DAYS[:known]), whole[:known])


@pytest.mark.parametrize("kind", ["gru", "atft_gat_fan"])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_universe_of_later_sessions_changes_no_bit(kind: str, share: float) -> None:
    """Nor whose neighbours count: a stock that will be in the universe is no neighbour before it is."""
    model, source, known = model_of(kind), source_of(kind), 9
    universe = source.universe.copy()
    later = universe[DAYS[known] :]
    later[...] = np.random.default_rng(1).random(later.shape) < share
    other = replace(source, universe=universe)
    assert set(source.stocks(70, 102)) != set(other.stocks(70, 102)) or share == 1
    whole = score_sessions(model, source, DAYS)
    np.testing.assert_array_equal(score_sessions(model, other, DAYS)[:known], whole[:known])
