"""Out-of-sample scores as files and as grids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from gogooku3.axes import FloatDN
from gogooku3.errors import StorageError
from gogooku3.labels.target import Target
from gogooku3.models.names import ModelName
from gogooku3.panel.panel import Panel
from gogooku3.splits.fold import Fold
from gogooku3.storage.parquet import write_parquet
from gogooku3.training.fit import FoldScores


def column(model: str, target: Target) -> str:
    """Name of the column that holds a model's scores for a target."""
    return f"{model}_{target}"


def scores_file(model: str, fold: Fold) -> str:
    """Name of the file that holds a model's scores of a fold's test sessions."""
    return f"predictions/{model}-{fold.name}.parquet"


def fold_frame(panel: Panel, model: str, scores: FoldScores) -> pl.DataFrame:
    """Return ``date``, ``code``, the model's mean score per target, and every member's score beside it."""
    columns = {}
    for t, target in enumerate(panel.targets):
        columns[column(model, target)] = scores.scores[:, t]
        if len(scores.members) > 1:
            for k in range(len(scores.members)):
                columns[f"{column(model, target)}_seed{k}"] = scores.member_scores[k, :, t]
    codes = np.array(panel.codes, dtype=object)[scores.stock]
    keys = {"date": panel.sessions[scores.session], "code": pl.Series(codes, dtype=pl.String)}
    return pl.DataFrame({**keys, **columns}).with_columns(pl.col("date").cast(pl.Date))


def merge(paths: Mapping[ModelName, Sequence[Path]], output: Path) -> None:
    """Join the fold files of all models into one table, one row a (date, code), sorted by date and code.

    Raises:
        StorageError: The models do not score the same stock-days.
    """
    whole: pl.DataFrame | None = None
    for model, files in paths.items():
        frame = pl.concat([pl.read_parquet(path) for path in files]).sort("date", "code")
        if whole is None:
            whole = frame
            continue
        if not whole.select("date", "code").equals(frame.select("date", "code")):
            raise StorageError(
                "the models score different stock-days",
                where=output,
                got=model,
                remedy="run `gogooku3 train` again",
            )
        whole = whole.hstack(frame.drop("date", "code"))
    if whole is None or whole.height == 0:
        raise StorageError("there are no predictions to write", where=output, remedy="run `gogooku3 train`")
    write_parquet(whole, output, level=1)


def to_grid(panel: Panel, frame: pl.DataFrame, name: str, start: int, stop: int) -> FloatDN:
    """Spread a column over sessions [start, stop) and all stocks of the panel; NaN where there is no score.

    Raises:
        StorageError: The table names a session or stock that the panel does not have.
    """
    day = np.searchsorted(panel.sessions, frame["date"].to_numpy())
    place = {code: n for n, code in enumerate(panel.codes)}
    stock = frame["code"].replace_strict(place, default=-1, return_dtype=pl.Int64).to_numpy()
    known = (day < len(panel.sessions)) & (stock >= 0)
    if not known.all() or (panel.sessions[day] != frame["date"].to_numpy()).any():
        raise StorageError(
            "predictions name sessions or stocks that the panel does not have",
            got=f"{int((~known).sum())} rows",
            remedy="run `gogooku3 train` again",
        )
    inside = (day >= start) & (day < stop)
    grid = np.full((stop - start, len(panel.codes)), np.nan)
    grid[day[inside] - start, stock[inside]] = frame[name].cast(pl.Float64).to_numpy()[inside]
    return grid
