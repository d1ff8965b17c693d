"""What deep models learn, on the panel's axes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, Int64

from gogooku3.axes import BoolDN, FloatDN
from gogooku3.errors import SettingsError
from gogooku3.labels.factor_neutral import factor_neutral
from gogooku3.labels.residual import beta_neutral, neutral_ranks, sector_neutral
from gogooku3.panel.panel import Panel
from gogooku3.scoring.rank_kernel import rank_columns
from gogooku3.training.losses.settings import LossSettings

_BETAS = ("beta_250", "beta_60")


def deep_labels(panel: Panel, loss: LossSettings, stop: int) -> Float32[np.ndarray, "D N T"]:
    """Return the labels of sessions [0, stop) for every target, NaN outside the universe and where there is none.

    Args:
        panel: The panel.
        loss: Its ``target``: ``rank`` of the forward return, the ``raw`` return, or its rank once the session's mean of
            the sector, or what the market and a beta of the past explain, or what a regression on sectors and
            ``factors`` explains, is taken off; the plain rank has ``1 - neutral_share`` of such a label.
        stop: Session after the last.

    Raises:
        SettingsError: The panel lacks the feature that is taken off.
    """
    if loss.target == "rank":
        return np.stack([panel.target_rank(t)[:stop] for t in panel.targets], axis=-1)
    universe = panel.universe[:stop]
    found = []
    rest = _rest(panel, loss, stop)
    for one in panel.targets:
        returns = np.where(universe, panel.target(one)[:stop].astype(np.float64), np.nan)
        label = rest(returns)
        if loss.target != "raw" and loss.neutral_share < 1.0:
            share = np.float32(loss.neutral_share)
            label = share * label + (1 - share) * panel.target_rank(one)[:stop]
        found.append(label)
    return np.stack(found, axis=-1)


def _rest(panel: Panel, loss: LossSettings, stop: int) -> Callable[[FloatDN], Float32[np.ndarray, "D N"]]:
    """Return what makes the label of a return."""
    universe = panel.universe[:stop]
    match loss.target:
        case "sector_neutral":
            sector = sector_numbers(panel)
            return lambda returns: neutral_ranks(sector_neutral(returns, sector, universe), universe)
        case "beta_neutral":
            beta = _feature(
                panel, next((name for name in _BETAS if name in panel.feature_names), _BETAS[0]), stop
            )
            return lambda returns: neutral_ranks(beta_neutral(returns, beta, universe), universe)
        case "factor_neutral":
            ranks = [_ranked(_feature(panel, name, stop), universe) for name in loss.factors]
            factors = np.stack(ranks, axis=-1) if ranks else np.zeros((*universe.shape, 0), dtype=np.float32)
            own = sector_numbers(panel)
            return lambda returns: neutral_ranks(factor_neutral(returns, own, factors, universe), universe)
        case _:
            return lambda returns: returns.astype(np.float32)


def sector_numbers(panel: Panel) -> Int64[np.ndarray, " N"]:
    """Return the number of each stock's sector, -1 where it has none."""
    names = panel.stocks["sector"].fill_null("").to_list()
    number = {name: place for place, name in enumerate(sorted({*names} - {""}))}
    return np.array([number.get(name, -1) for name in names], dtype=np.int64)


def _feature(panel: Panel, name: str, stop: int) -> FloatDN:
    if name not in panel.feature_names:
        raise SettingsError(
            "the panel lacks a feature that labels are to be neutral to",
            where="loss.target, loss.factors",
            got=name,
            expected=f"one of its {len(panel.feature_names)} features",
            remedy="build it with panel.features=core, or choose another target",
        )
    column = panel.feature_names.index(name)
    grid = np.full((stop, len(panel.codes)), np.nan)
    for block in panel.blocks(0, stop):
        grid[block.first : block.first + len(block.sessions), block.stock] = block.features[:, :, column]
    return grid


def _ranked(grid: FloatDN, universe: BoolDN) -> Float32[np.ndarray, "D N"]:
    """Return ranks within each session's universe, in (-0.5, 0.5), NaN where there is no value."""
    held = np.where(universe, grid, np.nan).astype(np.float32)
    return np.ascontiguousarray(rank_columns(np.ascontiguousarray(held.T)).T)
