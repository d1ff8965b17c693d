from __future__ import annotations

from pathlib import Path

from gogooku3.models.baselines.lightgbm import FittedLightGBM
from gogooku3.models.baselines.ridge import FittedRidge
from gogooku3.models.names import RowModelName
from gogooku3.scoring.fitted import Fitted


def load_fitted(model: RowModelName, path: Path) -> Fitted:
    """Read a model that ``save`` wrote."""
    return FittedRidge.load(path) if model == "ridge" else FittedLightGBM.load(path)
