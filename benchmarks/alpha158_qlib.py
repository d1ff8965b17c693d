"""Qlib's own Alpha158, in a process of its own that needs pyqlib and nothing of this project.

python benchmarks/alpha158_qlib.py values GRIDS OUT   every feature of every stock in float64, saved as OUT
python benchmarks/alpha158_qlib.py time GRIDS         seconds of QlibDataLoader from Qlib's own files

GRIDS is an .npz of ``sessions`` [D] and of adjusted ``open``, ``high``, ``low``, ``close`` and ``volume``, float64
[D, N], NaN where a stock has no bar. OUT is an .npz of ``names`` [F] and ``values`` [F, D, N], without VWAP0.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import qlib
from qlib.contrib.data.loader import Alpha158DL
from qlib.data.data import ExpressionD, FeatureD
from qlib.data.dataset.loader import QlibDataLoader

PROCESSES = 2


def published() -> tuple[list[str], list[str]]:
    """Return the formulas and names, without VWAP0."""
    formulas, names = Alpha158DL.get_feature_config()
    kept = [pair for pair in zip(formulas, names, strict=True) if pair[1] != "VWAP0"]
    return [formula for formula, _ in kept], [name for _, name in kept]


def start(folder: Path, grids: dict[str, np.ndarray]) -> list[str]:
    """Write the market as Qlib's files (float32) and initialise Qlib on them; return the instruments."""
    sessions = [str(day) for day in grids["sessions"].astype("datetime64[D]")]
    stocks = [f"S{n:05d}" for n in range(grids["close"].shape[1])]
    for name in ("calendars", "instruments"):
        (folder / name).mkdir()
    (folder / "calendars" / "day.txt").write_text("\n".join(sessions) + "\n", encoding="utf-8")
    lines = []
    for n, stock in enumerate(stocks):
        bars = np.flatnonzero(np.isfinite(grids["close"][:, n]))
        first, last = int(bars[0]), int(bars[-1])
        lines.append(f"{stock}\t{sessions[first]}\t{sessions[last]}\n")
        home = folder / "features" / stock.lower()
        home.mkdir(parents=True)
        for name in ("open", "high", "low", "close", "volume"):
            column = np.concatenate([[first], grids[name][first : last + 1, n]]).astype("<f4")
            column.tofile(home / f"{name}.day.bin")
    (folder / "instruments" / "all.txt").write_text("".join(lines), encoding="utf-8")
    qlib.init(provider_uri=str(folder), region="cn", kernels=PROCESSES)
    return stocks


def values(grids: dict[str, np.ndarray], out: Path, stocks: list[str]) -> dict[str, Any]:
    """Evaluate each formula by Qlib's expressions on float64 series in place of its float32 files."""

    class Memory:
        def feature(
            self, instrument: str, field: object, start_index: int, end_index: int, _freq: str
        ) -> pd.Series:
            column = grids[str(field)[1:]][:, stocks.index(instrument)]
            bars = np.flatnonzero(np.isfinite(grids["close"][:, stocks.index(instrument)]))
            series = pd.Series(column, index=range(len(column))).iloc[bars[0] : bars[-1] + 1]
            return series.loc[start_index:end_index]

    FeatureD.register(Memory())
    formulas, names = published()
    made = np.full((len(names), *grids["close"].shape), np.nan)
    for k, formula in enumerate(formulas):
        expression = ExpressionD.get_expression_instance(formula)
        for n, stock in enumerate(stocks):
            series = expression.load(stock, 0, made.shape[1] - 1, "day")
            made[k, series.index.to_numpy(), n] = series.to_numpy()
    np.savez(out, names=np.array(names), values=made)
    return {"features": len(names)}


def seconds() -> dict[str, Any]:
    """Time the loader that Qlib's handler uses, all stocks and sessions, without processors."""
    loader = QlibDataLoader(config={"feature": published()})
    begin = time.perf_counter()
    frame = loader.load(instruments="all")
    return {"seconds": time.perf_counter() - begin, "rows": len(frame), "features": frame.shape[1]}


def main() -> None:
    """Do what the command line says; the answer is the last line, as JSON."""
    verb, source, *rest = sys.argv[1:]
    with np.load(source) as file:
        grids = {name: file[name] for name in file.files}
    with tempfile.TemporaryDirectory() as folder:
        stocks = start(Path(folder), grids)
        answer = seconds() if verb == "time" else values(grids, Path(rest[0]), stocks)
    versions = {name: importlib.metadata.version(name) for name in ("pyqlib", "pandas", "numpy")}
    print(json.dumps(answer | {"versions": versions}))


if __name__ == "__main__":
    main()
