"""The alpha158 set against Qlib itself, where pyqlib is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gogooku3.features.fields import base_fields
from tests.conftest import random_market
from tests.features.test_alpha158 import NAMES, exact, grids_of, is_full

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "alpha158_qlib.py"


def test_full_windows_equal_qlib(tmp_path):
    pytest.importorskip("qlib", reason="pyqlib is not installed")
    market = random_market(np.random.default_rng(41), sessions=400, stocks=30)
    grids, out = tmp_path / "grids.npz", tmp_path / "values.npz"
    np.savez(grids, sessions=market.sessions, **grids_of(market))
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "values", str(grids), str(out)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1])["features"] == len(NAMES)
    with np.load(out) as file:
        theirs = dict(zip(file["names"].tolist(), file["values"], strict=True))
    ours = exact(base_fields(market, market.present))
    assert tuple(theirs) == NAMES
    for name in NAMES:
        full = is_full(market, name)
        np.testing.assert_allclose(
            ours[name][full], theirs[name][full], rtol=1e-6, atol=1e-6, equal_nan=True, err_msg=name
        )
