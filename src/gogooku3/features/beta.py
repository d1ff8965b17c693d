"""How a stock moves with its market and its sector, and what is left of its returns."""

from __future__ import annotations

import numpy as np

from gogooku3.axes import FloatLN, FloatWN
from gogooku3.features import kernels
from gogooku3.features.helpers import enough, field, std_of, sum_of
from gogooku3.features.registry import Feature

_SECTOR_SIZE = 3


def beta() -> list[Feature]:
    """Betas, residual risk and residual returns; the market is the equal-weighted universe of each session."""
    return [*_market_fields(), *_slopes(), *_residuals()]


def _market_fields() -> list[Feature]:
    return [
        field(
            "market",
            ("loglink", "universe"),
            market_return,
            "mean log return of the universe, for every stock",
        ),
        field(
            "sector_return",
            ("loglink", "universe", "sector"),
            sector_mean,
            "mean log return of the stock's sector",
        ),
        field(
            "market_loss",
            ("market",),
            lambda m: np.where(m < 0, m, np.nan),
            "market return on losing sessions",
        ),
        field("market_before", ("market",), lambda m: m[:-1], "market return of the session before", 2),
    ]


def _slopes() -> list[Feature]:
    made = []
    for w in (60, 250):
        made.append(_regressed(f"beta_{w}", "market", w, 0, f"slope on the market over {w} sessions"))
        made.append(
            _regressed(f"market_corr_{w}", "market", w, 1, f"correlation with the market over {w} sessions")
        )
        made.append(
            _regressed(
                f"residual_vol_{w}", "market", w, 2, f"volatility left by the market over {w} sessions"
            )
        )
    made.append(
        _regressed(
            "downside_beta_250",
            "market_loss",
            250,
            0,
            "slope on the market's losing sessions over 250",
            need=60,
        )
    )
    made.append(
        _regressed(
            "lag_beta_60", "market_before", 60, 0, "slope on the market of the session before, over 60"
        )
    )
    made.append(_regressed("sector_beta_60", "sector_return", 60, 0, "slope on the sector over 60 sessions"))
    made.append(
        _regressed("sector_corr_60", "sector_return", 60, 1, "correlation with the sector over 60 sessions")
    )
    return made


def _residuals() -> list[Feature]:
    made = [
        field("residual", ("loglink", "market", "beta_60"), _residual, "log return left by the market"),
        field(
            "sector_residual", ("loglink", "sector_return"), np.subtract, "log return against the sector's"
        ),
    ]
    made += [
        sum_of(f"residual_{w}", "beta", "residual", w, f"return left by the market over {w} sessions")
        for w in (1, 5, 20, 60)
    ]
    made += [
        sum_of(
            f"sector_residual_{w}",
            "beta",
            "sector_residual",
            w,
            f"return against the sector over {w} sessions",
        )
        for w in (1, 5, 20, 60)
    ]
    made += [
        sum_of(f"sector_ret_{w}", "beta", "sector_return", w, f"return of the sector over {w} sessions")
        for w in (1, 5, 20, 60)
    ]
    made.append(
        std_of(
            "sector_residual_vol_20",
            "beta",
            "sector_residual",
            20,
            "volatility against the sector over 20 sessions",
        )
    )
    return made


def market_return(r: FloatLN, universe: np.ndarray) -> FloatLN:
    """Mean over the session's universe, repeated for every stock; NaN where the universe is empty."""
    everybody = np.zeros(r.shape[1], dtype=np.int64)
    return kernels.group_mean(r, universe, everybody, 1, 1)


def sector_mean(x: FloatLN, universe: np.ndarray, sector: np.ndarray) -> FloatLN:
    """Mean of the session's universe within each sector; NaN in a sector of fewer than three members."""
    return kernels.group_mean(x, universe, sector, int(sector.max(initial=-1)) + 1, _SECTOR_SIZE)


def _residual(r: FloatLN, market: FloatLN, slope: FloatLN) -> FloatLN:
    return r - slope * market


def _regressed(
    name: str, on: str, window: int, which: int, meaning: str, *, need: int | None = None
) -> Feature:
    observations = enough(window) if need is None else need

    def function(r: FloatWN, x: FloatWN) -> tuple[FloatLN, FloatLN, FloatLN]:
        value: tuple[FloatLN, FloatLN, FloatLN] = kernels.rolling_regression(r, x, window, observations)
        return value

    return Feature(
        name=name,
        family="beta",
        inputs=("loglink", on),
        window=window,
        function=function,
        meaning=meaning,
        shared=f"regression on {on} over {window}",
        output=which,
    )
