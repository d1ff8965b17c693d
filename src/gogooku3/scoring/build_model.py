"""Deep models from their descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gogooku3.errors import ModelError
from gogooku3.models.deep_model import DeepModel


def build_model(described: Mapping[str, Any]) -> DeepModel:
    """Return a model with fresh weights.

    Args:
        described: ``kind``, ``settings``, ``columns`` (names), ``targets`` (names), ``edges`` (names) and
            ``quantiles``.

    Raises:
        ModelError: There is no such kind.
    """
    from gogooku3.models.atft_gat_fan import AtftGatFan
    from gogooku3.models.atft_gat_fan_settings import AtftGatFanSettings
    from gogooku3.models.baselines.gru import Gru
    from gogooku3.models.baselines.gru_settings import GruSettings

    shape: Any = {
        "features": len(described["columns"]),
        "targets": len(described["targets"]),
        "quantiles": tuple(described["quantiles"]),
    }
    match described["kind"]:
        case "atft_gat_fan":
            settings = AtftGatFanSettings.model_validate(described["settings"])
            return AtftGatFan(settings, edges=len(described["edges"]), **shape)
        case "gru":
            return Gru(GruSettings.model_validate(described["settings"]), **shape)
        case other:
            raise ModelError("a kind of model is not known", got=other, expected="atft_gat_fan or gru")
