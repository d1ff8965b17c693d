"""Shape of the day's bar."""

from __future__ import annotations

import numpy as np

from gogooku3.axes import FloatLN

BAR = ("KMID", "KLEN", "KMID2", "KUP", "KUP2", "KLOW", "KLOW2", "KSFT", "KSFT2", "OPEN0", "HIGH0", "LOW0")
"""What ``bar_shape`` returns, in order."""


def bar_shape(intraday: FloatLN, log_high: FloatLN, log_low: FloatLN) -> tuple[FloatLN, ...]:
    """Evaluate ``BAR`` with the open as the unit of price.

    Args:
        intraday: Log of close over open.
        log_high: Log of high over open.
        log_low: Log of low over open.
    """
    close, high, low = np.exp(intraday), np.exp(log_high), np.exp(log_low)
    body, upper, lower = close - 1.0, high - np.maximum(close, 1.0), np.minimum(close, 1.0) - low
    shift, spread = 2.0 * close - high - low, high - low
    over = np.where(spread == 0.0, 1.0, spread)
    return (
        body,
        spread,
        body / over,
        upper,
        upper / over,
        lower,
        lower / over,
        shift,
        shift / over,
        1.0 / close,
        high / close,
        low / close,
    )
