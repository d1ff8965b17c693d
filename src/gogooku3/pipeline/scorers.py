"""Trained models from their files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gogooku3.axes import IntD
from gogooku3.models.baselines.lightgbm import FittedLightGBM
from gogooku3.models.baselines.ridge import FittedRidge
from gogooku3.models.names import ModelName
from gogooku3.scoring.blend import Blend, BlendScorer
from gogooku3.scoring.scorer import RowScorer, Scorer

if TYPE_CHECKING:
    from gogooku3.scoring.day_source import DaySource


def load_scorer(
    model: ModelName,
    paths_of: Callable[[ModelName], Sequence[Path]],
    source_of: Callable[[ModelName], DaySource | None] = lambda _: None,
    tested: IntD | None = None,
) -> Scorer:
    """Read the members of a model from the files that training wrote.

    Args:
        model: Name of the model.
        paths_of: The files of a model, one a member; asked for the two models of a blend too.
        source_of: For deep models, where all sessions lie encoded; see ``DeepScorer``.
        tested: For deep models, sessions that a backtest scores together; see ``DeepScorer``.

    Raises:
        StorageError: A file holds another kind of model.
    """
    paths = paths_of(model)
    match model:
        case "ridge":
            return RowScorer([FittedRidge.load(path) for path in paths])
        case "lightgbm":
            return RowScorer([FittedLightGBM.load(path) for path in paths])
        case "gru" | "atft_gat_fan":
            from gogooku3.scoring.deep_member import DeepMember
            from gogooku3.scoring.deep_scorer import DeepScorer

            return DeepScorer([DeepMember.load(path) for path in paths], source_of(model), tested)
        case "blend":
            blend = Blend.load(paths[0])
            parts = [load_scorer(name, paths_of, source_of, tested) for name in blend.of]
            return BlendScorer(blend, parts)
