"""Planted leaks in training: one seed each here, twenty in benchmarks/leaks.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.audit.hunt import hunt
from tests.audit.leaks import LEAKS, TRAINING


def test_there_are_at_least_twelve() -> None:
    assert len(LEAKS) >= 12
    assert set(TRAINING) <= set(LEAKS)


@pytest.mark.parametrize("name", TRAINING)
def test_it_is_caught(name: str, tmp_path: Path) -> None:
    certificate, what = hunt(name, seed=0, folder=tmp_path)
    assert certificate.verdict == "fail", what
