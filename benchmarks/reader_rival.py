"""One way to read windows of days, timed beside memcpy in its own process, with any Python that has the package.

python benchmarks/reader_rival.py RIVAL FOLDER

FOLDER holds ``features.npy`` (float32 [D, N, F], NaN where a stock has no bar), ``present.npy`` (bool [D, N]) and
``windows.npz`` (``start`` [K], ``length``, ``stocks`` [K, P]); what the rival needs is made below it. Every window is
compared with the array before anything is timed. Only numpy and the rival itself are imported.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_DAY = np.datetime64("2015-01-01")
Read = Callable[[int, int, np.ndarray, np.ndarray], None]


def polars_scan(folder: Path, features: np.ndarray, present: np.ndarray) -> Read:
    """Parquet, one row a stock-day, ordered by day and stock; row groups of about ten days; scan, filter, collect."""
    import polars as pl  # noqa: PLC0415 - only the rival that is asked for

    path = folder / "rows.parquet"
    names = [f"f{i}" for i in range(features.shape[2])]
    if not path.exists():
        day, stock = np.nonzero(present)
        values = features[day, stock]
        columns = {name: values[:, i] for i, name in enumerate(names)}
        frame = pl.DataFrame({"day": day.astype(np.int32), "stock": stock.astype(np.int32), **columns})
        frame.write_parquet(path, row_group_size=10 * features.shape[1])
    lazy = pl.scan_parquet(path)

    def read(start: int, length: int, stocks: np.ndarray, out: np.ndarray) -> None:
        inside = pl.col("day").is_between(start, start + length - 1)
        frame = lazy.filter(inside & pl.col("stock").is_in(stocks.tolist())).collect()
        row = frame["day"].to_numpy() - start
        place = np.searchsorted(stocks, frame["stock"].to_numpy())
        out[:] = np.nan
        out[row, place] = frame.select(names).to_numpy()

    return read


def datasets_days(folder: Path, features: np.ndarray, _present: np.ndarray) -> Read:
    """Hugging Face datasets, one row a day of all stocks, memory-mapped Arrow, numpy format."""
    import datasets  # noqa: PLC0415 - only the rival that is asked for

    datasets.disable_progress_bars()
    path = folder / "days"
    if not path.exists():
        shape = features.shape[1:]
        kind = datasets.Features({"x": datasets.Array2D(shape=shape, dtype="float32")})
        made = datasets.Dataset.from_generator(
            lambda: ({"x": day} for day in features), features=kind, cache_dir=str(folder / "cache")
        )
        made.save_to_disk(str(path))
    stored = datasets.load_from_disk(str(path)).with_format("numpy")

    def read(start: int, length: int, stocks: np.ndarray, out: np.ndarray) -> None:
        np.take(stored[start : start + length]["x"], stocks, axis=1, out=out, mode="clip")

    return read


def qlib_sampler(folder: Path, features: np.ndarray, present: np.ndarray) -> Read:
    """Qlib's TSDataSampler over a frame in memory, all stocks of a day as one batch, [stock, step, feature]."""
    import pandas as pd  # noqa: PLC0415 - only the rival that is asked for
    from qlib.data.dataset import TSDataSampler  # noqa: PLC0415 - only the rival that is asked for

    length = int(np.load(folder / "windows.npz")["length"])
    day, stock = np.nonzero(present)
    days = pd.to_datetime(_DAY + np.arange(len(features)))
    codes = np.array([f"S{n:05d}" for n in range(features.shape[1])])
    index = pd.MultiIndex.from_arrays([days[day], codes[stock]], names=["datetime", "instrument"])
    frame = pd.DataFrame(features[day, stock], index=index)
    sampler = TSDataSampler(frame, days[0], days[-1], length)
    held = sampler.get_index()
    place = np.full(present.shape, -1)
    rows = days.get_indexer(held.get_level_values("datetime"))
    place[rows, np.searchsorted(codes, held.get_level_values("instrument").to_numpy(dtype=str))] = np.arange(
        len(held)
    )

    def read(start: int, length: int, stocks: np.ndarray, out: np.ndarray) -> None:
        batch = sampler[place[start + length - 1, stocks]]
        out.reshape(-1)[: batch.size] = batch.reshape(-1)

    return read


RIVALS: dict[str, tuple[str, Callable[[Path, np.ndarray, np.ndarray], Read]]] = {
    "polars": ("polars", polars_scan),
    "datasets": ("datasets", datasets_days),
    "qlib": ("pyqlib", qlib_sampler),
}


def main() -> None:
    """Make what the rival needs, check its windows, time it; the answer is one line of JSON."""
    rival, folder = sys.argv[1], Path(sys.argv[2])
    package, make = RIVALS[rival]
    features = np.load(folder / "features.npy")
    windows = np.load(folder / "windows.npz")
    length, starts, stocks = int(windows["length"]), windows["start"], windows["stocks"]
    begin = time.perf_counter()
    read = make(folder, features, np.load(folder / "present.npy"))
    prepared = time.perf_counter() - begin
    out = np.empty((length, stocks.shape[1], features.shape[2]), dtype=np.float32)
    _check(rival, read, features, (int(starts[0]), length, stocks[0]), out)
    flat = features.reshape(-1)
    day = features[0].size
    seconds: dict[str, list[float]] = {"memcpy": [], "rival": []}
    for start, chosen in zip(starts.tolist(), stocks, strict=True):
        begin = time.perf_counter()
        np.copyto(out.reshape(-1), flat[start * day : start * day + out.size])
        middle = time.perf_counter()
        read(start, length, chosen, out)
        seconds["memcpy"].append(middle - begin)
        seconds["rival"].append(time.perf_counter() - middle)
    version = f"{package} {importlib.metadata.version(package)}, numpy {np.__version__}"
    answer: dict[str, Any] = {"version": version, "prepared": prepared, **seconds}
    print(json.dumps(answer))


def _check(
    rival: str, read: Read, features: np.ndarray, window: tuple[int, int, np.ndarray], out: np.ndarray
) -> None:
    start, length, stocks = window
    expected = features[start : start + length][:, stocks]
    read(start, length, stocks, out)
    got = out
    if rival == "qlib":  # stock-major
        got = out.reshape(len(stocks), length, -1).transpose(1, 0, 2)
    np.testing.assert_array_equal(got, expected)


if __name__ == "__main__":
    main()
