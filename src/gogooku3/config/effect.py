"""Which settings the chosen models do not read."""

from __future__ import annotations

from gogooku3.config.settings import Settings
from gogooku3.models.names import DEEP

_OF_BASE = {"huber_delta": "huber", "pairs": "pairwise", "quantiles": "pinball"}


def unread_by_models(settings: Settings) -> set[str]:
    """Return sections and dotted keys that no model of ``train.models`` reads."""
    models = set(settings.train.models)
    unread = {"ridge", "lightgbm", "gru", "blend"} - models
    if not models & set(DEEP):
        unread |= {"deep", "loss", "optimizer", "scheduler", "frequency"}
    if "atft_gat_fan" not in models:
        unread |= {"atft", "graph"}
    elif not settings.atft.gat_layers:
        unread |= {"atft.gat_dropout", "graph"}
    return unread | _unread_keys(settings)


def _unread_keys(settings: Settings) -> set[str]:
    """Return keys that another key of the same section makes meaningless."""
    loss = settings.loss
    unread = {f"loss.{key}" for key, base in _OF_BASE.items() if loss.base != base}
    if loss.target in {"rank", "raw"}:
        unread.add("loss.neutral_share")
    if loss.target != "factor_neutral":
        unread.add("loss.factors")
    if not loss.rank_weight:
        unread.add("loss.temperature")
    if not settings.frequency.channels:
        unread |= {"frequency.window", "frequency.components"}
    unread |= {f"optimizer.{key}" for key in settings.optimizer.unread}
    return unread | {f"scheduler.{key}" for key in settings.scheduler.unread}
