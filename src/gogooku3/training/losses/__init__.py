"""Losses that train to rank: a base loss and a soft Spearman, per session and horizon.

```python
from gogooku3.training.losses import RankPreservingLoss

loss_fn = RankPreservingLoss(rank_weight=0.1)
loss = loss_fn(predictions, targets)
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gogooku3.training.losses.multi_horizon import MultiHorizonRankPreservingLoss
    from gogooku3.training.losses.rank_preserving import RankPreservingLoss

__all__ = ["MultiHorizonRankPreservingLoss", "RankPreservingLoss"]

_HOMES = {
    "MultiHorizonRankPreservingLoss": "gogooku3.training.losses.multi_horizon",
    "RankPreservingLoss": "gogooku3.training.losses.rank_preserving",
}


def __getattr__(name: str) -> object:
    """Import a loss when it is first used: settings lie in this package too, and must not load torch."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module 'gogooku3.training.losses' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
