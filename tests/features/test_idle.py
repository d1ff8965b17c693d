"""What counts as a session without a trade."""

from __future__ import annotations

import numpy as np

from gogooku3.features.core import core


def test_halts_and_empty_bars_are_idle_but_holes_and_unknown_turnover_are_not():
    idle = core().by_name["idle"].function
    turnover = np.array([[5.0, 0.0, np.nan, np.nan], [np.nan] * 4])
    present = np.array([[True, True, True, False], [False] * 4])
    np.testing.assert_array_equal(idle(turnover, present), [[0.0, 1.0, np.nan, 1.0], [np.nan] * 4])
