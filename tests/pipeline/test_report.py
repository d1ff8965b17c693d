"""Reports of the tiny run: its own, and several runs on one page."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gogooku3.errors import SettingsError, StorageError
from gogooku3.pipeline.report_together import report_together
from tests.pipeline.tiny import NAME, digests, tiny_run


def test_a_run_leaves_a_page_markdown_and_data(made: Path) -> None:
    folder = made / NAME
    data = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    evaluation = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    assert data["evaluation"] == {key: value for key, value in evaluation.items() if key != "seeds"}
    assert data["anatomies"]
    assert data["tradings"]
    assert data["tries"]["tries"]
    assert {"Folds", "Data", "Environment", "Settings"} <= set(data["context"])
    page = (folder / "report.html").read_text(encoding="utf-8")
    text = (folder / "report.md").read_text(encoding="utf-8")
    for title in ("What the scores are made of", "What is left after many tries"):
        assert f">{title}</h2>" in page
        assert f"\n## {title}\n" in text
    for sentence in data["verdict"]:
        assert sentence["text"].replace("'", "&#39;").replace("<", "&lt;") in page
        assert sentence["text"].replace("<", "&lt;") in text


def test_runs_of_the_same_data_are_comparable_and_stay_untouched(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / NAME, runs / "twin")
    before = digests(runs)
    both = [tiny_run(runs), tiny_run(runs, {"run.name": "twin"})]
    files = report_together(both)
    assert [file.relative_to(runs.resolve() if file.is_absolute() else runs) for file in files] == [
        Path(f"reports/{NAME}+twin/report.{kind}") for kind in ("html", "md", "json")
    ]
    data = json.loads(files[2].read_text(encoding="utf-8"))
    assert data["comparable"]
    assert [run["title"] for run in data["runs"]] == [NAME, "twin"]
    assert {
        name: digest for name, digest in digests(runs).items() if not name.startswith("reports/")
    } == before

    other = report_together(
        [both[0], tiny_run(runs, {"run.name": "twin", "evaluation.quantiles": 5})], tmp_path / "o"
    )
    data = json.loads(other[2].read_text(encoding="utf-8"))
    assert not data["comparable"]
    assert [row["What"] for row in data["differences"]] == ["judged by quantiles"]


def test_runs_that_cannot_share_a_page(runs: Path) -> None:
    run = tiny_run(runs)
    with pytest.raises(SettingsError, match="at least two different runs"):
        report_together([run, tiny_run(runs)])
    with pytest.raises(SettingsError, match="at least two"):
        report_together([run])
    shutil.copytree(runs / NAME, runs / "twin")
    with pytest.raises(StorageError, match="folder of its own"):
        report_together([run, tiny_run(runs, {"run.name": "twin"})], runs / NAME)
    (runs / "twin" / "predictions.parquet").unlink()
    with pytest.raises(StorageError, match="gogooku3 train"):
        report_together([run, tiny_run(runs, {"run.name": "twin"})])
