"""Which names of each row count, in the forms that the losses need."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Names:
    """Names along the last axis of rows; ``Names.of`` makes it from the mask.

    Attributes:
        valid: Which count, [*rows, n].
        weight: The same as 1 and 0, since products are ten times faster than choices, [*rows, n].
        count: How many, at least 1 so that one can divide by it, [*rows, 1].
    """

    valid: Bool[Tensor, "*rows n"]
    weight: Float[Tensor, "*rows n"]
    count: Float[Tensor, "*rows 1"]

    @classmethod
    def of(cls, valid: Bool[Tensor, "*rows n"], dtype: torch.dtype = torch.float32) -> Names:
        """Return the names that are valid, for values of a float type."""
        weight = valid.to(dtype)
        return cls(valid, weight, weight.sum(dim=-1, keepdim=True).clamp(min=1.0))

    def mean(self, x: Float[Tensor, "*rows n"]) -> Float[Tensor, "*rows"]:
        """Return the mean of values that are 0 where a name does not count; 0 in a row without names."""
        return x.sum(dim=-1) / self.count[..., 0]
