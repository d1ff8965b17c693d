"""Shape annotations are executed in the tests; fixtures that several rooms share."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import install_import_hook

from gogooku3.config.process import prepare_process

prepare_process()

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a shell's background; our processes inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

SOURCE = Path(__file__).resolve().parents[1] / "src"
CHECKED_ROOMS = (
    "evaluation",
    "features",
    "labels",
    "market",
    "models",
    "panel",
    "splits",
    "training",
    "scoring",
    "bundle",
    "graphs",
)


def checked_modules() -> list[str]:
    """All modules of the array rooms, but for compiled kernels, which the checker cannot wrap."""
    files = [path for room in CHECKED_ROOMS for path in sorted((SOURCE / "gogooku3" / room).rglob("*.py"))]
    return [
        ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        for path in files
        if path.name != "__init__.py" and "numba.njit" not in path.read_text(encoding="utf-8")
    ]


install_import_hook(checked_modules(), "beartype.beartype")


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    """A test that trains with a number of threads leaves it to no other test, nor to the processes that it starts."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else None
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    torch = sys.modules.get("torch")
    if torch and torch.get_num_threads() != (threads or torch.get_num_threads()):
        torch.set_num_threads(threads)


def random_market(rng: np.random.Generator, sessions: int = 320, stocks: int = 12):
    """A small market with halts, late listings, an early end, splits and idle days."""
    from gogooku3.market.endings import find_ends
    from gogooku3.market.market import Market
    from gogooku3.market.settings import MarketSettings

    shape = (sessions, stocks)
    close = 1000.0 * np.exp(np.cumsum(rng.normal(0, 0.02, shape), axis=0))
    open_ = close * np.exp(rng.normal(0, 0.01, shape))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 0.01, shape)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, 0.01, shape)))
    volume = np.round(np.exp(rng.normal(10, 1, shape)))
    volume[rng.random(shape) < 0.02] = 0.0
    factor = np.ones(shape)
    split = int(sessions // 2)
    for grid in (open_, high, low, close):
        grid[split:, 1] /= 2.0
    factor[split:, 1] = 2.0
    absent = rng.random(shape) < 0.03
    absent[: sessions // 3, 2] = True
    absent[2 * sessions // 3 :, 3] = True
    for grid in (open_, high, low, close, volume, factor):
        grid[absent] = np.nan
    broken = np.zeros(shape, dtype=bool)
    broken[sessions // 2, 5] = True
    terminal = np.full(stocks, np.nan)
    terminal[3] = -0.25
    day = np.datetime64("2015-01-05") + np.arange(sessions)
    return Market(
        calendar="XTKS",
        sessions=day,
        codes=tuple(f"{1000 + n}" for n in range(stocks)),
        names=tuple("" for _ in range(stocks)),
        sector=np.array([n % 3 for n in range(stocks)], dtype=np.int16),
        sector_names=("a", "b", "c"),
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        turnover=close * volume,
        factor=factor,
        broken=broken,
        ends=find_ends(np.isfinite(close), terminal, MarketSettings()),
    )


@pytest.fixture
def market():
    """The small market of ``random_market`` with a fixed seed."""
    return random_market(np.random.default_rng(7))


@pytest.fixture
def shared_data() -> Path:
    """The folder of real bars, or a skip that says why."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real market data is not at ../shared/data")
    return folder
