"""What is published came in time, or a warning says that it did not."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import StorageError
from gogooku3.pipeline import morning as module
from gogooku3.pipeline import rank_day
from gogooku3.pipeline.morning import morning
from gogooku3.pipeline.predict import predict
from gogooku3.pipeline.predict_published import old_published, unfetched
from gogooku3.pipeline.run_folder import Run, open_run
from gogooku3.sources.jquants.fetched import Fetched
from tests.pipeline.tiny import tiny_run

DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=n) for n in range(80)]
PANEL: Any = SimpleNamespace(sessions=np.array(DAYS, dtype="datetime64[D]"))


def run_of(folder: Path, **files: list[dt.date]) -> Run:
    flags = {f"source.{family}": str(folder / family) for family in files}
    flags |= {"run.name": "r", "run.folder": str(folder), "source.bars": "bars", "jquants.plan": "light"}
    run = open_run(flags=flags, remembered=False)
    for family, days in files.items():
        path = run.path(f"published/{family}.parquet")
        path.parent.mkdir(exist_ok=True, parents=True)
        pl.DataFrame(
            {"key": ["a"] * len(days), "session": days}, schema_overrides={"session": pl.Date}
        ).write_parquet(path)
    return run


@pytest.mark.parametrize(("family", "oldest"), [("statements", 30), ("margin", 12), ("short_selling", 3)])
def test_what_is_older_than_it_should_be_is_said(tmp_path: Path, family: str, oldest: int) -> None:
    run = run_of(tmp_path, **{family: [DAYS[40], DAYS[5], DAYS[79]]})
    assert old_published(run, PANEL, 40 + oldest) == []  # what comes later does not count
    (said,) = old_published(run, PANEL, 41 + oldest)
    assert said.startswith(family.replace("_", " "))
    assert f"the newest is of {DAYS[40]}, {oldest + 1} sessions before" in said
    (none,) = old_published(run_of(tmp_path / "none", **{family: []}), PANEL, 60)
    assert "there is none" in none


def test_a_day_between_sessions_counts_from_the_one_before(tmp_path: Path) -> None:
    panel: Any = SimpleNamespace(sessions=PANEL.sessions[::2])
    run = run_of(tmp_path, short_selling=[DAYS[41]])
    assert old_published(run, panel, 23) == []
    assert "4 sessions before" in old_published(run, panel, 24)[0]


def test_a_run_that_reads_none_or_keeps_none_says_nothing(tmp_path: Path) -> None:
    run = run_of(tmp_path, margin=[DAYS[0]])
    run.path("published/margin.parquet").write_bytes(b"cut off")
    with pytest.raises(StorageError, match="cannot be read"):
        old_published(run, PANEL, 60)
    run.path("published/margin.parquet").unlink()
    assert old_published(run, PANEL, 60) == []
    assert old_published(run_of(tmp_path / "other"), PANEL, 60) == []


def fetched_of(**changes: Any) -> Fetched:
    usual: dict[str, Any] = {
        "folder": Path(), "first": DAYS[0], "last": DAYS[9], "sessions": tuple(DAYS[:10]), "days": {}, "missing": {},
        "corrections": (), "skipped": {}, "requests": 1, "clock_off": None,
    }  # fmt: skip
    return Fetched(**{**usual, **changes})


def test_what_could_not_be_fetched_is_said_of_what_the_run_reads(tmp_path: Path) -> None:
    run = run_of(tmp_path, margin=[DAYS[0]], statements=[DAYS[0]])
    skipped = {"margin_interest": "plan light does not include it", "short_ratio": "nor that"}
    assert unfetched(run, fetched_of(skipped=skipped)) == [
        "margin: not fetched; plan light does not include it"
    ]
    late = {"margin_interest": tuple(DAYS[4:7]), "statements": tuple(DAYS[:3]), "short_ratio": (DAYS[0],)}
    assert unfetched(run, fetched_of(missing=late)) == [
        f"margin: the server has nothing for 2 days, {DAYS[4]} to {DAYS[5]}"
    ]
    assert unfetched(run, fetched_of(missing={"margin_interest": (DAYS[6],)})) == []


@pytest.mark.parametrize("bundle", [None, Path("b.zip")])
def test_a_morning_tells_it_with_the_ranking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: Path | None
) -> None:
    run = run_of(tmp_path, margin=[DAYS[0]])
    told: list[str] = []

    def ranked(*given: object, warnings: list[str], **named: object) -> None:
        told.extend(warnings)

    for name, stand_in in (
        ("_built", None),
        ("_append", None),
        ("predict", ranked),
        ("predict_bundle", ranked),
    ):
        monkeypatch.setattr(module, name, stand_in or (lambda *_: None))
    fetched = fetched_of(skipped={"margin_interest": "too small a plan"})
    morning(run, fetch=lambda: fetched, as_of=DAYS[9], bundle=bundle)
    assert told == ["margin: not fetched; too small a plan"]
    morning(run, fetch=None, as_of=DAYS[9], bundle=bundle)
    assert len(told) == 1


def test_it_stands_in_the_json_file(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank_day, "old_published", lambda *_: ["margin: old"])
    ranking = predict(tiny_run(runs), model="ridge", warnings=["margin: not fetched"])
    assert ranking.warnings[:2] == ("margin: not fetched", "margin: old")
    (path,) = [path for path in ranking.files if path.suffix == ".json"]
    assert '"margin: old"' in path.read_text(encoding="utf-8")
