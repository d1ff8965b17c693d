"""What deep models learn, on the panel's axes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from gogooku3.errors import SettingsError
from gogooku3.labels.residual import beta_neutral, neutral_ranks, sector_neutral
from gogooku3.panel.panel import Panel
from gogooku3.training.losses.settings import TargetName

_BETAS = ("beta_250", "beta_60")


def deep_labels(panel: Panel, target: TargetName, stop: int) -> Float32[np.ndarray, "D N T"]:
    """Return the labels of sessions [0, stop) for every target, NaN outside the universe and where there is none.

    Args:
        panel: The panel.
        target: ``rank`` of the forward return, the ``raw`` return, or its rank once the day's mean of the sector, or
            what the market and a beta of the past explain, is taken off.
        stop: Session after the last.

    Raises:
        SettingsError: The panel has no beta.
    """
    if target == "rank":
        return np.stack([panel.target_rank(t)[:stop] for t in panel.targets], axis=-1)
    universe = panel.universe[:stop]
    found = []
    for one in panel.targets:
        returns = np.where(universe, panel.target(one)[:stop].astype(np.float64), np.nan)
        if target == "raw":
            found.append(returns.astype(np.float32))
        elif target == "sector_neutral":
            found.append(neutral_ranks(sector_neutral(returns, _sectors(panel), universe), universe))
        else:
            found.append(neutral_ranks(beta_neutral(returns, _beta(panel, stop), universe), universe))
    return np.stack(found, axis=-1)


def _sectors(panel: Panel) -> np.ndarray:
    return np.array([sector or "" for sector in panel.stocks["sector"]], dtype=object)


def _beta(panel: Panel, stop: int) -> np.ndarray:
    names = [name for name in _BETAS if name in panel.feature_names]
    if not names:
        raise SettingsError(
            "the panel holds no beta to take off",
            where="loss.target",
            got="beta_neutral",
            expected=f"a panel with {' or '.join(_BETAS)}",
            remedy="build it with panel.features=core, or choose another target",
        )
    column = panel.feature_names.index(names[0])
    grid = np.full((stop, len(panel.codes)), np.nan)
    for block in panel.blocks(0, stop):
        grid[block.first : block.first + len(block.sessions), block.stock] = block.features[:, :, column]
    return grid
