from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

import gogooku3.training.losses as losses
from gogooku3.training.losses.settings import LossSettings


def test_settings_do_not_load_torch() -> None:
    code = "import sys, gogooku3.training.losses.settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_package_offers_its_two_losses_and_nothing_else() -> None:
    assert {name: getattr(losses, name).__name__ for name in losses.__all__} == {
        name: name for name in losses.__all__
    }
    with pytest.raises(AttributeError, match="no attribute 'Loss'"):
        _ = losses.Loss


def test_every_field_says_what_it_is_and_unknown_ones_are_refused() -> None:
    assert all(field.description for field in LossSettings.model_fields.values())
    with pytest.raises(ValidationError, match="huber"):
        LossSettings(huber=1.0)
    with pytest.raises(ValidationError, match="listnet"):
        LossSettings(base="mae")
    with pytest.raises(ValidationError, match="frozen"):
        LossSettings().base = "mse"
