from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import DataError
from gogooku3.labels.target import Target
from gogooku3.models.names import ModelName
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.train import folds_of, model_files
from gogooku3.scoring.fitted import Fitted
from gogooku3.scoring.ranking import rank_session
from gogooku3.scoring.scorer import RowScorer
from tests.pipeline.tiny import tiny_run
from tests.training.fitted import load_fitted

TARGETS = [Target(5, 1), Target(1, 1)]


@pytest.fixture(scope="module")
def run(made: Path) -> Run:
    return tiny_run(made)


@pytest.fixture(scope="module")
def panel(run: Run) -> Panel:
    return panel_of(run)


def members_of(run: Run, model: ModelName) -> list[Fitted]:
    return [load_fitted(model, run.path(name)) for name in model_files(run, model, "2024")]


@pytest.mark.parametrize("model", ["ridge", "lightgbm"])
def test_scores_are_the_bits_of_the_backtest(run: Run, panel: Panel, model: ModelName) -> None:
    predictions = pl.read_parquet(run.path("predictions.parquet"))
    members = members_of(run, model)
    (fold,) = folds_of(run, panel)
    for day in fold.test[::17]:
        table = rank_session(panel, int(day), RowScorer(members), TARGETS).sort("code")
        backtest = predictions.filter(pl.col("date") == panel.sessions[day].item()).sort("code")
        assert table["code"].to_list() == backtest["code"].to_list()
        for target in TARGETS:
            one = table[f"score_{target}"].to_numpy()
            assert one.tobytes() == backtest[f"{model}_{target}"].to_numpy().tobytes()


def test_ranks_follow_the_scores(run: Run, panel: Panel) -> None:
    day = len(panel.sessions) - 1
    table = rank_session(panel, day, RowScorer(members_of(run, "ridge")), TARGETS)
    assert table.columns == [
        "code", "name", "sector", "score_h5_d1", "rank_h5_d1", "score_h1_d1", "rank_h1_d1"
    ]  # fmt: skip
    assert table.height == panel.universe[day].sum()
    assert table["rank_h5_d1"].to_list() == list(range(1, table.height + 1))
    scores = table["score_h5_d1"].to_list()
    assert scores == sorted(scores, reverse=True)
    order = table.sort("score_h1_d1", descending=True)["rank_h1_d1"].to_list()
    assert order == list(range(1, table.height + 1))
    known = dict(zip(panel.stocks["code"], panel.stocks["name"], strict=True))
    assert [known[code] for code in table["code"]] == table["name"].to_list()


class _Alike:
    """A model to which pairs of stocks are alike."""

    validation: tuple[float, ...] = ()

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.repeat((np.arange(len(x)) // 2)[:, None], 4, axis=1).astype(np.float32)

    def save(self, path: Path) -> None:
        raise NotImplementedError


def test_ties_are_broken_by_code(panel: Panel) -> None:
    day = len(panel.sessions) - 1
    members: Sequence[Fitted] = [_Alike()]
    table = rank_session(panel, day, RowScorer(members), TARGETS)
    for _, tied in table.group_by("score_h5_d1", maintain_order=True):
        assert tied["code"].to_list() == sorted(tied["code"].to_list())


def test_a_session_without_a_universe_is_refused(run: Run, panel: Panel) -> None:
    with pytest.raises(DataError, match="no stocks to rank"):
        rank_session(panel, 0, RowScorer(members_of(run, "ridge")), TARGETS)
