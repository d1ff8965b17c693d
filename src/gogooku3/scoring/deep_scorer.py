"""Members of a deep model as a scorer of sessions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from gogooku3.errors import ModelError
from gogooku3.graphs.build import build_graphs
from gogooku3.graphs.settings import GraphSettings
from gogooku3.models.deep_model import DeepModel
from gogooku3.models.frequency_settings import FrequencySettings
from gogooku3.panel.panel import Panel
from gogooku3.scoring.build_model import build_model
from gogooku3.scoring.day_source import DaySource
from gogooku3.scoring.deep_member import DeepMember
from gogooku3.scoring.encode import Encoding, encode
from gogooku3.scoring.score import (
    _runs,
    score_sessions,
)  # its name is kept: trained models are known by that code
from gogooku3.scoring.scorer import MemberScores, Scores, mean_rank


class DeepScorer:
    """Members that read a stretch of sessions, the stocks of a day together.

    Args:
        members: Trained members of one model.
        source: Where all sessions lie encoded; without it each session's own stretch is encoded when it is asked for.
        tested: Sessions that a backtest scores one after the other, int64. A session among them is scored in the same
            block of sessions as there, so that its scores are the backtest's bit for bit; alone they round otherwise.
    """

    def __init__(
        self,
        members: Sequence[DeepMember],
        source: DaySource | None = None,
        tested: np.ndarray | None = None,
    ) -> None:
        self.described = members[0].described
        self.models = [_loaded(member) for member in members]
        self.source = source
        self.tested = np.empty(0, dtype=np.int64) if tested is None else tested

    def members(self, panel: Panel, session: int) -> MemberScores:
        """Return every member's raw scores of a session's universe [S, R, T].

        Raises:
            ModelError: The panel has other features or targets than the model was trained on.
        """
        sessions = self._block(session)
        place = int(np.searchsorted(sessions, session))
        return next(islice(self.members_of(panel, sessions), place, None))

    def members_of(self, panel: Panel, sessions: np.ndarray) -> Iterator[MemberScores]:
        """Yield every member's raw scores of each session's universe [S, R, T]; neighbours are read together.

        Args:
            panel: The panel.
            sessions: Sessions of the panel, increasing, int64.

        Raises:
            ModelError: The panel has other features or targets than the model was trained on.
        """
        # Without a source, sessions that lie far apart must not be encoded with all that lies between them.
        stretches = [sessions] if self.source else [sessions[run] for run in _runs(sessions)]
        for stretch in stretches:
            source = self.source or self._own_source(panel, int(stretch[0]), int(stretch[-1]) + 1)
            found = np.stack([score_sessions(model, source, stretch) for model in self.models])
            for k, session in enumerate(stretch):
                yield found[:, k, panel.universe[session]]

    def combine(self, scores: MemberScores) -> Scores:
        """Return the mean of the members' ranks [R, T]."""
        return mean_rank(scores)

    def _block(self, session: int) -> np.ndarray:
        """Return the sessions that a backtest scores together with this one; itself if it is not tested."""
        place = int(np.searchsorted(self.tested, session))
        if place == len(self.tested) or self.tested[place] != session:
            return np.array([session])
        (block,) = (run for run in _runs(self.tested) if run.start <= place < run.stop)
        return self.tested[block]

    def _own_source(self, panel: Panel, start: int, stop: int) -> DaySource:
        self._check(panel)
        frequency = FrequencySettings.model_validate(self.described["frequency"])
        encoding = Encoding(features=panel.feature_names, frequency=frequency)
        first = max(0, start + 1 - self.models[0].lookback)
        graph = self.described["graph"]
        return DaySource(
            first=first,
            x=encode(panel, encoding, first, stop),
            present=panel.present,
            universe=panel.universe,
            graphs=None
            if graph is None
            else build_graphs(panel, GraphSettings.model_validate(graph), start=start, stop=stop),
        )

    def _check(self, panel: Panel) -> None:
        for what, known, found in (
            ("features", self.described["features"], list(panel.feature_names)),
            ("targets", self.described["targets"], [str(target) for target in panel.targets]),
        ):
            if known != found:
                raise ModelError(
                    f"a model was trained on other {what} than the panel has",
                    got=_differing(found, known),
                    expected=_differing(known, found),
                    remedy="score a panel that was built with the model's settings",
                )


def _loaded(member: DeepMember) -> DeepModel:
    model = build_model(member.described)
    model.load_state_dict(dict(member.weights))
    model.eval()
    return model


def _differing(left: Sequence[Any], right: Sequence[Any]) -> str:
    other = [str(one) for one in left if one not in right]
    return ", ".join(other[:5]) or f"the same {len(left)} in another order"
