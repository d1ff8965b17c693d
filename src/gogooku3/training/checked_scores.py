"""Scores of a model that is being trained, or was just trained, and may have learnt nothing."""

from __future__ import annotations

import numpy as np
import torch

from gogooku3.models.deep_model import DeepModel
from gogooku3.scoring.score import score_sessions
from gogooku3.training.degenerate import ScoresSNT, refuse_constant_scores, refuse_jitter
from gogooku3.training.seeds import mixed_seed, seeded
from gogooku3.training.training_data import TrainingData

_DRAWN = 5  # sessions on which two draws of the dropout are compared


def checked_scores(
    model: DeepModel, data: TrainingData, sessions: np.ndarray, where: str, *, seed: int, device: torch.device
) -> ScoresSNT:
    """Return the scores of the universe of every session, and stop if they do not tell stocks apart.

    Args:
        model: The model.
        data: What it reads, and the names of sessions and targets.
        sessions: Sessions of the panel, increasing, int64 [S].
        where: What errors call the model.
        seed: Of the dropout, two draws of which have to agree.
        device: Where the model is.

    Returns:
        float32 [S, N, T], NaN outside the session's universe; they are made without dropout.

    Raises:
        ModelError: Scores are not finite, constant across stocks, or chance: two draws of the dropout do not agree.
    """
    scores = score_sessions(model, data.source, sessions, device=device)
    refuse_constant_scores(scores, data.source.universe[sessions], data.days[sessions], data.targets, where)
    last = sessions[-_DRAWN:]
    draws = []
    for draw in range(2):
        with seeded(mixed_seed(seed, draw)):
            draws.append(score_sessions(model, data.source, last, device=device, dropout=True))
    refuse_jitter(draws[0], draws[1], data.days[last], data.targets, where)
    return scores
