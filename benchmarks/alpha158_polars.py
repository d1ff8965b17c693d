"""Most of Alpha158 as polars expressions over a table of bars, written the plain way: one expression per formula.

Left out are the families for which polars has no rolling expression: BETA, RSQR, RESI, RANK, IMAX, IMIN, IMXD.
"""

from __future__ import annotations

import polars as pl

WINDOWS = (5, 10, 20, 30, 60)
_OPEN, _HIGH, _LOW, _CLOSE, _VOLUME = (pl.col(name) for name in ("open", "high", "low", "close", "volume"))


def table(bars: pl.DataFrame) -> pl.DataFrame:
    """Return ``code``, ``session`` and one column per feature.

    Args:
        bars: ``code``, ``session`` and adjusted ``open``, ``high``, ``low``, ``close``, ``volume``, sorted by both.
    """
    before, volume_before = _CLOSE.shift(1).over("code"), _VOLUME.shift(1).over("code")
    moves = bars.with_columns(
        move=_CLOSE - before,
        gross=_CLOSE / before,
        change=_VOLUME - volume_before,
        growth=(_VOLUME / volume_before + 1).log(),
        log_volume=(_VOLUME + 1).log(),
    ).with_columns(moved=(pl.col("gross") - 1).abs() * _VOLUME)
    rolling = [
        expression.over("code").alias(f"{name}{d}")
        for d in WINDOWS
        for name, expression in _rolling(d).items()
    ]
    return moves.select("code", "session", *(e.alias(name) for name, e in _bar().items()), *rolling)


def _bar() -> dict[str, pl.Expr]:
    top, bottom = pl.max_horizontal("open", "close"), pl.min_horizontal("open", "close")
    spread = _HIGH - _LOW + 1e-12
    return {
        "KMID": (_CLOSE - _OPEN) / _OPEN,
        "KLEN": (_HIGH - _LOW) / _OPEN,
        "KMID2": (_CLOSE - _OPEN) / spread,
        "KUP": (_HIGH - top) / _OPEN,
        "KUP2": (_HIGH - top) / spread,
        "KLOW": (bottom - _LOW) / _OPEN,
        "KLOW2": (bottom - _LOW) / spread,
        "KSFT": (2 * _CLOSE - _HIGH - _LOW) / _OPEN,
        "KSFT2": (2 * _CLOSE - _HIGH - _LOW) / spread,
        "OPEN0": _OPEN / _CLOSE,
        "HIGH0": _HIGH / _CLOSE,
        "LOW0": _LOW / _CLOSE,
    }


def _rolling(d: int) -> dict[str, pl.Expr]:
    move, change = pl.col("move"), pl.col("change")
    high, low = _HIGH.rolling_max(d), _LOW.rolling_min(d)
    up, down = (move > 0).cast(pl.Float64).rolling_mean(d), (move < 0).cast(pl.Float64).rolling_mean(d)
    return {
        "ROC": _CLOSE.shift(d) / _CLOSE,
        "MA": _CLOSE.rolling_mean(d) / _CLOSE,
        "STD": _CLOSE.rolling_std(d) / _CLOSE,
        "MAX": high / _CLOSE,
        "MIN": low / _CLOSE,
        "QTLU": _CLOSE.rolling_quantile(0.8, "linear", d) / _CLOSE,
        "QTLD": _CLOSE.rolling_quantile(0.2, "linear", d) / _CLOSE,
        "RSV": (_CLOSE - low) / (high - low + 1e-12),
        "CORR": pl.rolling_corr("close", "log_volume", window_size=d),
        "CORD": pl.rolling_corr("gross", "growth", window_size=d),
        "CNTP": up,
        "CNTN": down,
        "CNTD": up - down,
        **_sums("SUM", move, d),
        "VMA": _VOLUME.rolling_mean(d) / (_VOLUME + 1e-12),
        "VSTD": _VOLUME.rolling_std(d) / (_VOLUME + 1e-12),
        "WVMA": pl.col("moved").rolling_std(d) / (pl.col("moved").rolling_mean(d) + 1e-12),
        **_sums("VSUM", change, d),
    }


def _sums(name: str, step: pl.Expr, d: int) -> dict[str, pl.Expr]:
    rise, fall = step.clip(lower_bound=0).rolling_sum(d), (-step).clip(lower_bound=0).rolling_sum(d)
    moved = step.abs().rolling_sum(d) + 1e-12
    return {f"{name}P": rise / moved, f"{name}N": fall / moved, f"{name}D": (rise - fall) / moved}
