"""Models that rank a session, and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from gogooku3.axes import IntD
from gogooku3.scoring.scorer import Scorer


@dataclass(frozen=True, eq=False, kw_only=True)
class Ranker:
    """A model with its provenance.

    Attributes:
        model: Its name.
        fold: Fold that it is of.
        trained_until: Last session that it learned from, or that chose its settings.
        made_of: SHA-256 of the bundle, or of each of the model's files.
        learned: Sessions of the panel that it was fitted on; a bundle may have learned from more.
        scorer: The model itself.
        stem: End of the names of the ranking's files.
    """

    model: str
    fold: str
    trained_until: date
    made_of: Mapping[str, Any]
    learned: IntD
    scorer: Scorer
    stem: str
