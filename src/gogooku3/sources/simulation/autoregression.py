"""First-order autoregressions along the sessions."""

from __future__ import annotations

import numpy as np


def autoregression(innovations: np.ndarray, decay: float) -> np.ndarray:
    """Return x[t] = decay x[t-1] + sqrt(1 - decay^2) innovations[t], started in its stationary law.

    Args:
        innovations: [D, ...] of unit variance, uncorrelated between sessions.
        decay: In [0, 1).

    Returns:
        Array of the same shape, of unit variance on every session.
    """
    scale = np.sqrt(1.0 - decay**2)
    path: np.ndarray = innovations * scale
    path[0] = innovations[0]
    for now in range(1, len(path)):
        path[now] += decay * path[now - 1]
    return path
