"""The axis legend, and the array aliases that every shape annotation uses.

| letter | axis |
|---|---|
| D | sessions of the exchange, in order |
| N | stocks |
| L | consecutive sessions of one block |
| W | sessions of a block and of the window before it: L + window - 1 |
| F | features |
| T | targets: pairs of horizon and entry lag |
| H | horizons |
| R | rows: stock-days |
| Q | quantile buckets |

Grids are day-major: ``x[d, n]`` is stock ``n`` on session ``d``; a value that does not exist is NaN.
The strings are checked while the tests run (jaxtyping and beartype).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float16, Float32, Float64, Int16, Int64

FloatDN = Float64[np.ndarray, "D N"]
FloatLN = Float64[np.ndarray, "L N"]
FloatWN = Float64[np.ndarray, "W N"]
FloatD = Float64[np.ndarray, "D"]
FloatN = Float64[np.ndarray, "N"]
BoolDN = Bool[np.ndarray, "D N"]
BoolLN = Bool[np.ndarray, "L N"]
BoolD = Bool[np.ndarray, "D"]
IntD = Int64[np.ndarray, "D"]
Int16N = Int16[np.ndarray, "N"]
FeatureLNF = Float32[np.ndarray, "L N F"]
StoredLNF = Float32[np.ndarray, "L N F"] | Float16[np.ndarray, "L N F"]
TargetLNT = Float32[np.ndarray, "L N T"]
RowsRF = Float32[np.ndarray, "R F"]
IndexR = Int64[np.ndarray, "R"]
BoundsB = Int64[np.ndarray, "B"]

__all__ = [
    "BoolD",
    "BoolDN",
    "BoolLN",
    "BoundsB",
    "FeatureLNF",
    "FloatD",
    "FloatDN",
    "FloatLN",
    "FloatN",
    "FloatWN",
    "IndexR",
    "Int16N",
    "IntD",
    "RowsRF",
    "StoredLNF",
    "TargetLNT",
]
