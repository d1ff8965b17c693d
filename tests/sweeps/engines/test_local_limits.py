"""Which limit of time is over."""

from __future__ import annotations

import pytest

from gogooku3.errors import SettingsError
from gogooku3.sweeps.engines.local_limits import LocalLimits


def test_without_limits_nothing_is_over() -> None:
    assert LocalLimits().over(elapsed=1e9, quiet=1e9) is None


def test_each_limit_counts_from_its_own_start() -> None:
    limits = LocalLimits(seconds=100.0, quiet_seconds=10.0)
    assert limits.over(elapsed=100.0, quiet=10.0) is None
    assert limits.over(elapsed=50.0, quiet=10.1) == "it reported nothing for 10 s"
    assert limits.over(elapsed=100.1, quiet=0.0) == "it took longer than the 100 s that a trial may take"


@pytest.mark.parametrize("name", ["seconds", "quiet_seconds", "memory_mb", "grace"])
@pytest.mark.parametrize("value", [0, -1.0, float("nan")])
def test_a_limit_that_makes_no_sense_is_refused(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=name):
        LocalLimits(**{name: value})
