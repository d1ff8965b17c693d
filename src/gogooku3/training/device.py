"""The device of a training."""

from __future__ import annotations

import torch

from gogooku3.errors import ModelError
from gogooku3.training.deep_settings import DeepSettings


def device_of(deep: DeepSettings) -> torch.device:
    """Return where models are trained and score.

    Raises:
        ModelError: CUDA is asked for and not there.
    """
    if deep.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if deep.device == "cuda" and not torch.cuda.is_available():
        raise ModelError("there is no CUDA device", where="deep.device", got="cuda", expected="auto or cpu")
    return torch.device(deep.device)
