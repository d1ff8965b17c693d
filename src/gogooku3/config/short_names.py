"""Environment variables without our prefix, for scripts/train_atft.py alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

SHORT_NAMES: Mapping[str, str] = MappingProxyType({
    "OPTIMIZER_TYPE": "optimizer.type",
    "LEARNING_RATE": "optimizer.learning_rate",
    "WEIGHT_DECAY": "optimizer.weight_decay",
    "SCHEDULER_TYPE": "scheduler.type",
    "COSINE_T0": "scheduler.t0",
    "COSINE_TMULT": "scheduler.t_mult",
    "COSINE_ETA_MIN": "scheduler.eta_min",
    "RANK_WEIGHT": "loss.rank_weight",
    "MAX_EPOCHS": "deep.epochs",
    "HIDDEN_SIZE": "atft.hidden",
    "GAT_LAYERS": "atft.gat_layers",
    "GAT_DROPOUT": "atft.gat_dropout",
    "GRAPH_K": "graph.neighbours",
    "GRAPH_THRESHOLD": "graph.threshold",
})  # fmt: skip
"""Variable to the dotted key it sets."""

_are_read = ContextVar("short names are read", default=False)


@contextmanager
def short_names() -> Iterator[None]:
    """Let settings that are resolved in the block read `SHORT_NAMES`, beside the names with our prefix.

    They are too common to be read always: a LEARNING_RATE that somebody exported for another tool must not change an
    evaluation.
    """
    token = _are_read.set(True)
    try:
        yield
    finally:
        _are_read.reset(token)


def short_names_read() -> Mapping[str, str]:
    """Return the short names that are read here: all of them, or none."""
    return SHORT_NAMES if _are_read.get() else {}
