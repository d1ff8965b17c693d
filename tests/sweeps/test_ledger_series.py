"""Daily series are kept whole beside the ledger and are refused where they are not what was written."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from gogooku3.errors import EvaluationError, StorageError
from gogooku3.storage.hashing import digest_file
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.trial_series import TrialSeries
from tests.sweeps.test_ledger import made

NAN = float("nan")


def made_series(**changes) -> TrialSeries:
    """Three sessions, two horizons."""
    usual = {
        "sessions": np.array(["2022-01-04", "2022-01-05", "2022-01-11"], dtype="datetime64[D]"),
        "horizons": (1, 20),
        "rank_ic": np.array([[0.1, NAN, 0.25], [0.3, 0.5, 0.75]]),
        "net": np.array([[NAN, 0.01, -0.02], [NAN, 0.03, 0.04]]),
    }
    return TrialSeries(**usual | changes)


def test_columns_are_means_and_horizons():
    frame = made_series().to_frame()
    expected = pl.DataFrame(
        {
            "date": [dt.date(2022, 1, 4), dt.date(2022, 1, 5), dt.date(2022, 1, 11)],
            "rank_ic": [0.2, None, 0.5],
            "rank_ic_h1": [0.1, None, 0.25],
            "rank_ic_h20": [0.3, 0.5, 0.75],
            "net": [None, 0.02, 0.01],
            "net_h1": [None, 0.01, -0.02],
            "net_h20": [None, 0.03, 0.04],
        }
    )
    assert_frame_equal(frame, expected)


def test_series_are_read_as_they_were_written(tmp_path):
    ledger = Ledger(tmp_path)
    file = ledger.store(4, 1, made_series())
    assert file.name == "series/4-1.parquet"
    assert file.sha256 == digest_file(tmp_path / file.name)
    assert ledger.append(made(4, 1, series=file))
    found = ledger.series(ledger.read().entries[0].series)
    for name in ("sessions", "rank_ic", "net", "mean_rank_ic"):
        np.testing.assert_array_equal(getattr(found, name), getattr(made_series(), name))
    assert found.horizons == (1, 20)
    assert [path.name for path in tmp_path.rglob("*.parquet*")] == ["4-1.parquet"]


def test_a_line_never_refers_to_what_is_not_there(tmp_path):
    ledger = Ledger(tmp_path)
    file = ledger.store(0, 0, made_series())
    path = tmp_path / file.name
    data = bytearray(path.read_bytes())
    data[50] ^= 1
    path.write_bytes(data)
    with pytest.raises(StorageError, match=r"series is damaged[\s\S]*0-0\.parquet"):
        ledger.append(made(0, series=file))
    path.unlink()
    with pytest.raises(StorageError, match=r"series is absent[\s\S]*0-0\.parquet"):
        ledger.append(made(0, series=file))
    assert ledger.read().entries == ()
    assert ledger.append(made(0, series=ledger.store(0, 0, made_series())))


def test_damaged_series_are_refused_when_read(tmp_path):
    ledger = Ledger(tmp_path)
    file = ledger.store(0, 0, made_series())
    assert ledger.append(made(0, series=file))
    path = tmp_path / file.name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StorageError, match="series is damaged"):
        ledger.series(file)
    path.unlink()
    with pytest.raises(StorageError, match="series is absent"):
        ledger.series(file)
    for content in (b"no table", b""):
        path.write_bytes(content)
        with pytest.raises(StorageError, match="cannot be read"):
            ledger.series(file.model_copy(update={"sha256": digest_file(path)}))
    made_series().to_frame().rename({"net": "gross"}).write_parquet(path)
    with pytest.raises(StorageError, match=r"cannot be read[\s\S]*no trial's series"):
        ledger.series(file.model_copy(update={"sha256": digest_file(path)}))


@pytest.mark.parametrize(
    "changes",
    [
        {"horizons": (1,)},
        {"horizons": (5, 5)},
        {"horizons": (), "rank_ic": np.empty((0, 3)), "net": np.empty((0, 3))},
        {"net": np.zeros((2, 2))},
        {"rank_ic": np.full((2, 3), np.inf)},
        {"net": np.full((2, 3), -np.inf)},
        {"sessions": np.array(["2022-01-04", "2022-01-04", "2022-01-05"], dtype="datetime64[D]")},
    ],
)
def test_impossible_series_are_refused(changes):
    with pytest.raises(EvaluationError, match="series"):
        made_series(**changes)
