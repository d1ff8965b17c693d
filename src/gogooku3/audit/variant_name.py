"""The ways in which the future is changed."""

from __future__ import annotations

from typing import Literal

VariantName = Literal["delete", "perturb", "null"]
