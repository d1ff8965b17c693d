"""What yfinance gives becomes a table that --bars reads; no test asks Yahoo."""

from __future__ import annotations

import datetime as dt
import inspect
import sys
import types
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from gogooku3.errors import DataError, SettingsError
from gogooku3.sources.files import read_bars
from gogooku3.sources.yahoo import fetch_yahoo

FIRST, LAST = dt.date(2024, 5, 1), dt.date(2024, 5, 7)


class RateLimitError(Exception):
    """What yfinance raises, as its YFRateLimitError is one."""


def fake_yfinance(monkeypatch: pytest.MonkeyPatch, drop: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Put a module in yfinance's place that knows one ticker; return what it is asked."""
    asked: list[dict[str, Any]] = []

    def download(tickers: str, **options: Any) -> pd.DataFrame:
        asked.append({"tickers": tickers, **options})
        if tickers != "7203.T":
            return pd.DataFrame()
        days = pd.DatetimeIndex(["2024-05-01", "2024-05-02", "2024-05-06", "2024-05-07"], name="Date")
        close = [100.0, 101.0, float("nan"), 103.0]
        frame = pd.DataFrame(dict.fromkeys(("Adj Close", "Close", "High", "Low", "Open"), close), index=days)
        frame["Volume"] = [1000, 2000, 0, 3000]
        frame["Adj Close"] /= 2
        return frame.drop(columns=list(drop))

    module = types.ModuleType("yfinance")
    module.download = download  # type: ignore[attr-defined]
    module.exceptions = types.SimpleNamespace(YFException=RateLimitError)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "yfinance", module)
    return asked


def test_bars_are_those_of_the_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = fake_yfinance(monkeypatch)
    done = fetch_yahoo(["7203.T", "0000.T"], FIRST, LAST, tmp_path / "bars.parquet")
    assert (done.rows, done.tickers, done.missing) == (3, ("7203.T",), ("0000.T",))
    assert (asked[0]["start"], asked[0]["end"]) == ("2024-05-01", "2024-05-08")
    assert asked[0]["auto_adjust"] is False
    bars = read_bars(done.path).frame.sort("date")
    assert bars.get_column("date").to_list() == [FIRST, dt.date(2024, 5, 2), LAST]
    assert bars.get_column("close").to_list() == [100.0, 101.0, 103.0]
    assert bars.get_column("adj_factor").to_list() == [0.5, 0.5, 0.5]
    assert bars.get_column("code").unique().to_list() == ["7203.T"]
    assert bars.schema["volume"] == pl.Float64


def test_nothing_and_something_else_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_yfinance(monkeypatch)
    with pytest.raises(DataError, match="no bar"):
        fetch_yahoo(["0000.T"], FIRST, None, tmp_path / "bars.parquet")
    fake_yfinance(monkeypatch, drop=("Adj Close",))
    with pytest.raises(DataError, match="without a column"):
        fetch_yahoo(["7203.T"], FIRST, None, tmp_path / "bars.parquet")
    monkeypatch.setitem(sys.modules, "yfinance", None)
    with pytest.raises(SettingsError, match=r"gogooku3\[yahoo\]"):
        fetch_yahoo(["7203.T"], FIRST, None, tmp_path / "bars.parquet")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "error", [RateLimitError("Too Many Requests"), OSError("no route"), KeyError("chart")]
)
def test_failures_of_yfinance_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    fake_yfinance(monkeypatch)
    monkeypatch.setattr(sys.modules["yfinance"], "download", fail)
    with pytest.raises(DataError, match=f"(?s)yfinance fails.*7203.T.*{type(error).__name__}"):
        fetch_yahoo(["7203.T"], FIRST, None, tmp_path / "bars.parquet")


@pytest.mark.parametrize(("code", "day"), [("6758.T", LAST), ("7203.T", dt.date(2024, 5, 3))])
def test_a_file_is_not_replaced_by_less(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, day: dt.date
) -> None:
    """A ticker, and a day of a ticker, that are there before and are not answered now."""
    fake_yfinance(monkeypatch)
    path = tmp_path / "bars.parquet"
    fetch_yahoo(["7203.T"], FIRST, LAST, path)
    whole = pl.read_parquet(path)
    more = whole.head(1).with_columns(Date=pl.lit(day), Code=pl.lit(code))
    pl.concat([whole, more]).write_parquet(path)
    before = path.read_bytes()
    with pytest.raises(DataError, match=f"(?s)less than the file has.*{code}"):
        fetch_yahoo(["7203.T", "6758.T"], FIRST, LAST, path)
    assert path.read_bytes() == before
    whole.write_parquet(path)
    assert fetch_yahoo(["7203.T"], FIRST, LAST, path).rows == 3


@pytest.mark.filterwarnings("ignore")
def test_the_real_package_takes_these_options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    yfinance = pytest.importorskip("yfinance", reason="the extra yahoo is not installed")
    assert issubclass(yfinance.exceptions.YFRateLimitError, yfinance.exceptions.YFException)
    accepted = set(inspect.signature(yfinance.download).parameters)
    asked = fake_yfinance(monkeypatch)
    fetch_yahoo(["7203.T"], FIRST, LAST, tmp_path / "bars.parquet")
    assert set(asked[0]) <= accepted
