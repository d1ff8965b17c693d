"""A trained deep model on disk: weights and what is needed to build it, no code."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gogooku3.errors import StorageError

if TYPE_CHECKING:
    import torch

_FORMAT = "gogooku3-deep-1"


@dataclass(frozen=True, eq=False, kw_only=True)
class DeepMember:
    """One seed of a deep model.

    Attributes:
        described: Kind of model, its settings, columns, targets: what ``scoring.build_model`` builds it from.
        weights: Name to tensor.
        epochs: Epochs it was trained for.
        validation: Validation RankIC of each target where the number of epochs was chosen.
    """

    described: Mapping[str, Any]
    weights: Mapping[str, torch.Tensor]
    epochs: int
    validation: tuple[float, ...]

    def save(self, path: Path) -> None:
        """Write weights as safetensors, the rest as JSON in its header."""
        from safetensors.torch import save

        said = {
            "format": _FORMAT,
            "model": self.described,
            "epochs": self.epochs,
            "validation": [None if math.isnan(value) else value for value in self.validation],
        }
        # one key, since the order of several differs from run to run
        metadata = {"gogooku3": json.dumps(said, sort_keys=True)}
        path.write_bytes(save({k: v.contiguous() for k, v in self.weights.items()}, metadata=metadata))

    @classmethod
    def load(cls, path: Path) -> DeepMember:
        """Read what ``save`` wrote.

        Raises:
            StorageError: The file is of another kind.
        """
        from safetensors import safe_open

        with safe_open(path, framework="pt") as file:
            said = json.loads((file.metadata() or {}).get("gogooku3", "{}"))
            if said.get("format") != _FORMAT:
                raise StorageError(
                    "a file holds no deep model of this version",
                    where=path,
                    got=said.get("format"),
                    expected=_FORMAT,
                    remedy="train the model again",
                )
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        return cls(
            described=said["model"],
            weights=weights,
            epochs=said["epochs"],
            validation=tuple(math.nan if value is None else value for value in said["validation"]),
        )
