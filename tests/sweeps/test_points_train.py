"""Every point of the default space is built and takes a step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from gogooku3.config.settings import Settings
from gogooku3.graphs.graphs import EDGE_FEATURES, Graphs
from gogooku3.graphs.narrow import narrowed
from gogooku3.scoring.build_model import build_model
from gogooku3.scoring.day_source import DaySource
from gogooku3.sweeps.point_settings import settings_of
from gogooku3.sweeps.points import covering_array, random_points
from gogooku3.sweeps.space import Params, default_space
from gogooku3.training.losses.rank_preserving import RankPreservingLoss
from gogooku3.training.optimizers import make_optimizer
from gogooku3.training.schedulers import make_scheduler

STOCKS, DAYS, COLUMNS, HORIZONS = 24, 150, 5, [1, 1, 5, 5]


def market() -> DaySource:
    rng = np.random.default_rng(0)
    graphs = DAYS // 5
    edge = np.sort(rng.random((graphs, STOCKS, 30, len(EDGE_FEATURES))).astype(np.float32), axis=2)[
        :, :, ::-1
    ]
    return DaySource(
        first=0,
        x=(rng.random((DAYS, STOCKS, COLUMNS)) - 0.5).astype(np.float16),
        present=np.ones((DAYS, STOCKS), dtype=bool),
        universe=np.ones((DAYS, STOCKS), dtype=bool),
        graphs=Graphs(
            sessions=np.arange(0, DAYS, 5),
            every=5,
            index=rng.integers(0, STOCKS, (graphs, STOCKS, 30)).astype(np.int32),
            edge=np.ascontiguousarray(edge),
        ),
    )


def settings_at(point: Params) -> Settings:
    tree: dict[str, Any] = Settings().model_dump()
    for key, value in settings_of(point, learning_rate=1e-3, horizons=HORIZONS).items():
        section, name = key.split(".")
        tree[section][name] = value
    return Settings.model_validate(tree)


def takes_a_step(point: Params, source: DaySource) -> None:
    from dataclasses import replace

    settings = settings_at(point)
    graph = settings.graph
    source = replace(
        source, graphs=narrowed(source.graphs, neighbours=graph.neighbours, threshold=graph.threshold)
    )
    torch.manual_seed(0)
    model = build_model(
        {
            "kind": "atft_gat_fan",
            "settings": settings.atft.model_dump(mode="json"),
            "columns": list(range(COLUMNS)),
            "targets": [str(n) for n in range(len(HORIZONS))],
            "edges": list(EDGE_FEATURES),
            "quantiles": [],
        }
    )
    before = [parameter.detach().clone() for parameter in model.parameters()]
    optimizer = make_optimizer(settings.optimizer, model.parameters())
    schedule = make_scheduler(settings.scheduler, optimizer, steps_per_epoch=4, epochs=2)
    schedule.step(0, 2)
    stop = DAYS
    block = source.block(stop - settings.deep.sessions, stop, model.lookback, np.arange(STOCKS))
    labels = torch.randn(settings.deep.sessions, STOCKS, len(HORIZONS))
    loss = RankPreservingLoss.from_settings(settings.loss, seed=0)(model(block), labels, block.scored)
    loss.backward()
    optimizer.step()
    assert torch.isfinite(loss)
    after = list(model.parameters())
    assert all(new.grad is not None and torch.isfinite(new).all() for new in after)
    assert any(not torch.equal(old, new) for old, new in zip(before, after, strict=True))


def test_a_pairwise_covering_array_is_built_and_takes_a_step() -> None:
    source, points = market(), covering_array(default_space())
    for point in points:
        takes_a_step(point, source)
    assert len(points) >= 12


@pytest.mark.slow
def test_200_random_points_are_built_and_take_a_step() -> None:
    source = market()
    for point in random_points(default_space(), 200, seed=0):
        takes_a_step(point, source)
