"""What ``import gogooku3`` offers."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import polars as pl
import pytest

import gogooku3
from tests.pipeline.tiny import MARKET, MODELS, SIMULATION


def test_at_most_twelve_names_and_all_are_there() -> None:
    names = gogooku3.__all__
    assert len(names) == len(set(names)) <= 12
    assert names == sorted(names)
    for name in names:
        value = getattr(gogooku3, name)
        assert callable(value)
        assert inspect.getdoc(value), name
        assert getattr(value, "__name__", None) == name
    assert set(gogooku3._HOMES) == set(names)


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="walk"):
        gogooku3.walk  # noqa: B018 - the access is the test


def test_the_notebook_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines of the docstring, word for word, on a file of bars; only sizes come from the environment."""
    match = re.search(r"```python\n(.*?)```", gogooku3.__doc__ or "", flags=re.S)
    assert match is not None
    assert len(match[1].splitlines()) <= 12
    monkeypatch.chdir(tmp_path)
    from gogooku3.sources.simulation.settings import SimulationSettings

    market = gogooku3.simulate(
        SimulationSettings.model_validate_json(
            '{"stocks": 50, "sessions": 700, "end": "2025-02-28", "listed_later": 0.06}'
        )
    )
    market.bars.frame.write_parquet("prices.parquet")
    assert SIMULATION["simulation.end"] == "2025-02-28"
    for key, value in {**MARKET, **MODELS}.items():
        monkeypatch.setenv(f"GOGOOKU3_{key.upper().replace('.', '__')}", str(value))

    *lines, last = match[1].strip().splitlines()
    names: dict[str, object] = {}
    exec("\n".join(lines), names)
    table = eval(last, names)
    assert isinstance(table, pl.DataFrame)
    assert table.height > 20
    assert table.columns[:3] == ["code", "name", "sector"]
    assert Path("runs/notebook/report.html").is_file()
