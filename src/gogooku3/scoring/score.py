"""A deep model over sessions: the one path of validation, backtest and every morning."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from gogooku3.scoring.day_source import DaySource

if TYPE_CHECKING:
    import torch

    from gogooku3.models.deep_model import DeepModel

_SESSIONS = 32  # scored at a time
_STOCKS = 16  # a block's stocks are a multiple of it


def score_sessions(
    model: DeepModel,
    source: DaySource,
    sessions: np.ndarray,
    *,
    device: torch.device | None = None,
    dropout: bool = False,
    tick: Callable[[], None] = lambda: None,
) -> Float32[np.ndarray, "S N T"]:
    """Return the scores of the universe of every session.

    Which stocks and how many sessions a block has depends on its later sessions, and products of matrices round
    by their size. So each block is filled up with empty sessions and stocks to the size of whole tiles: a session's
    scores are the same to the last bit whatever comes after it.

    Args:
        model: The model; it is left in the mode it was in.
        source: What it reads.
        sessions: Sessions of the panel, increasing, int64 [S].
        device: Where the model is; the CPU if not given.
        dropout: Leave dropout on, to see how far scores depend on it.
        tick: Called once a session.

    Returns:
        float32 [S, N, T] on the panel's stock axis, NaN outside the session's universe.
    """
    import torch

    scores = np.full((len(sessions), source.universe.shape[1], model.targets), np.nan, dtype=np.float32)
    was_training = model.training
    model.train(dropout)
    with torch.inference_mode():
        for chunk in _runs(sessions):
            start, stop = int(sessions[chunk.start]), int(sessions[chunk.stop - 1]) + 1
            stocks = source.stocks(start, stop)
            if len(stocks):
                block = source.block(start, stop, model.lookback, stocks)
                tiled = block.padded(_SESSIONS, -(-len(stocks) // _STOCKS) * _STOCKS)
                tiled = tiled.to(device or torch.device("cpu"))
                found = torch.where(tiled.scored[..., None], model.rank_scores(model(tiled)), torch.nan)
                own = found[: stop - start, : len(stocks)].float().cpu().numpy()
                scores[chunk.start : chunk.stop, stocks] = own
            for _ in range(chunk.start, chunk.stop):
                tick()
    model.train(was_training)
    return scores


def _runs(sessions: np.ndarray) -> list[slice]:
    """Cut sessions into runs of consecutive ones, none longer than a block."""
    runs, begin = [], 0
    for i in range(1, len(sessions) + 1):
        if i == len(sessions) or sessions[i] != sessions[i - 1] + 1 or i - begin == _SESSIONS:
            runs.append(slice(begin, i))
            begin = i
    return runs
