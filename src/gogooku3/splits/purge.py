"""Which rows' spans touch which others', and what is left without them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int64

Indices = Int64[np.ndarray, "_"]
"""Session indices; every part has its own length."""

Flags = Bool[np.ndarray, "_"]
"""One truth value for each of them."""


def touches(rows: Indices, block: Indices, *, reach: int, embargo: int = 0) -> Flags:
    """Tell which ``rows`` have a span that touches the span of any row of ``block``.

    The span of a row is ``[t, t + reach]``: from the session whose close its features still use to the one at
    whose close its label at the longest trained horizon and lag is known (``Target.known_after``).
    ``embargo`` more sessions after the spans of ``block`` count as touched (López de Prado, Advances in
    Financial Machine Learning, 2018, section 7.4).

    Args:
        rows: Session indices, any order.
        block: Session indices, increasing, possibly none.
        reach: Sessions until the label at the longest trained horizon and lag is known.
        embargo: Sessions kept free after the spans of ``block``.
    """
    if block.size == 0:
        return np.zeros(rows.shape, dtype=np.bool_)
    following = np.searchsorted(block, rows)
    after = block[np.minimum(following, block.size - 1)]
    before = block[np.maximum(following - 1, 0)]
    runs_into = (following < block.size) & (rows + reach >= after)
    starts_inside = (following > 0) & (rows <= before + reach + embargo)
    return runs_into | starts_inside


class Parts(NamedTuple):
    """Train, validation and test sessions of one fold."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def purged(parts: Parts, *, reach: int, embargo: int = 0) -> Parts:
    """Drop the validation rows that touch the test spans, and the training rows that touch either.

    Validation rows go first, so that no training row gives way to a validation row that is not there.
    """
    train, validation, test = parts
    validation = validation[~touches(validation, test, reach=reach, embargo=embargo)]
    train = train[~touches(train, test, reach=reach, embargo=embargo)]
    train = train[~touches(train, validation, reach=reach)]
    return Parts(train, validation, test)
