"""Out-of-sample scores, as the backtest has them and as the morning would have made them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from gogooku3.audit.witness import Sighting
from gogooku3.labels.target import Target
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.predict import predict
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.train import folds_of
from gogooku3.splits.fold import Fold


class ScoreWitness:
    """Scores of every test session up to t, those of every member beside their mean."""

    name = "scores"
    needs_models = True

    def observe(self, run: Run, until: int) -> Iterator[Sighting]:
        """Yield the scores of each fold."""
        panel = panel_of(run)
        predictions = pl.read_parquet(run.path("predictions.parquet"))
        for fold in folds_of(run, panel):
            tested = fold.test[fold.test <= until]
            if tested.size:
                yield _fold(panel, predictions, fold, tested)


class MorningWitness:
    """The ranking of session t itself, made from the model files as on any morning."""

    name = "ranking"
    needs_models = True

    def observe(self, run: Run, until: int) -> Iterator[Sighting]:
        """Yield the ranking of ``until`` by every model at every lag, if a fold tests that session."""
        panel = panel_of(run)
        day = panel.sessions[until]
        tested = [fold for fold in folds_of(run, panel) if until in fold.test]
        for fold in tested[:1]:
            for model in run.settings.train.models:
                for target in _one_per_lag(panel):
                    ranking = predict(run, session=day.item(), model=model, target=str(target), checked=False)
                    names = tuple(name for name in ranking.table.columns if name.startswith("score_"))
                    table = ranking.table.sort("code")
                    yield Sighting(
                        name=f"{model} lag {target.lag} on {day}",
                        values=table.select(names).to_numpy()[None],
                        sessions=panel.sessions[until : until + 1],
                        codes=tuple(table["code"]),
                        columns=names,
                        fold=fold.name,
                    )


def _one_per_lag(panel: Panel) -> list[Target]:
    return [next(t for t in panel.targets if t.lag == lag) for lag in sorted({t.lag for t in panel.targets})]


def _fold(panel: Panel, predictions: pl.DataFrame, fold: Fold, tested: np.ndarray) -> Sighting:
    days = panel.sessions[tested]
    frame = predictions.filter(pl.col("date").is_between(days[0].item(), days[-1].item()))
    names = tuple(name for name in frame.columns if name not in {"date", "code"})
    place = {code: n for n, code in enumerate(panel.codes)}
    stock = frame["code"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
    session = np.searchsorted(days, frame["date"].to_numpy().astype(days.dtype))
    grid = np.full((len(days), len(panel.codes), len(names)), np.nan)
    grid[session, stock] = frame.select(names).to_numpy()
    return Sighting(
        name=f"scores {fold.name}",
        values=grid,
        sessions=days,
        codes=panel.codes,
        columns=names,
        fold=fold.name,
    )
