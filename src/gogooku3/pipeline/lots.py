"""Money into whole lots."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64

from gogooku3.axes import FloatN

SharesN = Int64[np.ndarray, "N"]

_ROUNDING = 1e-9  # of the budget: what sums of floating-point products may be off by


def to_lots(wanted: FloatN, price: FloatN, held: SharesN, *, lot: int, budget: float) -> SharesN:
    """Return the shares of one leg, worth at most ``budget``, by largest remainder.

    Every name first gets the lots that its money pays in full. What is left buys one more lot of the names whose
    money pays the largest part of one, the earlier name first among equals, as far as the budget goes. A position
    that is not a whole number of lots keeps its odd shares, so that a trade is of whole lots, or is closed.

    Args:
        wanted: Money for each name, at least 0, together at most ``budget`` [N].
        price: Of a share, above 0 [N].
        held: Shares held on the leg's side, at least 0 [N].
        lot: Shares of a trading unit.
        budget: Money for the leg.

    Returns:
        Shares, at least 0; 0 where nothing is wanted [N].

    Source: the method of Hamilton and Hare, on lots instead of seats.
    """
    odd = held % lot
    exact = wanted / price
    kept = (exact >= odd) & (wanted > 0)
    base = np.where(kept, odd + (np.maximum(exact - odd, 0.0) // lot).astype(np.int64) * lot, 0)
    step = np.where(kept | (odd == 0), lot, odd)
    part = (exact - base) / step
    rest = budget - float(base @ price) + _ROUNDING * abs(budget)
    for n in np.argsort(-part, kind="stable"):
        cost = float(step[n] * price[n])
        if part[n] > 0 and cost <= rest:
            base[n] += step[n]
            rest -= cost
    shares: SharesN = base.astype(np.int64)
    return shares
