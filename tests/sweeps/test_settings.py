from __future__ import annotations

import pytest

from gogooku3.sweeps.settings import SweepSettings
from tests.config.test_load_is_read import READS


@pytest.mark.parametrize("key", SweepSettings.model_fields)
def test_a_key_is_read_and_says_what_it_means(key: str) -> None:
    assert READS.get(key, set()) & {"settings", "sweep"}, f"no code reads {key}"
    assert SweepSettings.model_fields[key].description
