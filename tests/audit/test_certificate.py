"""The whole audit: it passes the pipeline as it is, goes on where it was, and leaves locked years alone."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from gogooku3.audit import causality
from gogooku3.audit.causality import audit_causality
from gogooku3.audit.certificate import Certificate
from gogooku3.audit.material import load_material
from gogooku3.audit.part import Part
from gogooku3.audit.settings import AuditSettings
from gogooku3.audit.violation import Violation
from gogooku3.errors import SettingsError
from gogooku3.evaluation.report.causality_table import causality_table
from gogooku3.pipeline.certified import read_certificate
from gogooku3.pipeline.run_folder import Run
from tests.audit.markets import small_run

SETTINGS = AuditSettings(sessions=2, warm_up=(20,))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def certificate(folder: Path) -> Certificate:
    return audit_causality(small_run(folder), SETTINGS)


def test_the_clean_pipeline_is_certified(certificate: Certificate) -> None:
    assert certificate.violations == ()
    assert certificate.verdict == "pass"
    saved = json.loads(certificate.path.read_text(encoding="utf-8"))
    assert saved == certificate.to_json()
    assert (saved["format"], saved["version"]) == ("gogooku3-causality", 1)
    assert len(saved["moments"]) == 2
    assert [len(saved["bars"]["digest"]), len(saved["code"]), len(saved["subject"]["settings"])] == [64] * 3
    rebuilt = [part for part in saved["parts"] if "stages" in part["facts"]]
    assert len(rebuilt) == 6
    stages = {"universe", "fields", "features", "targets", "ranks", "graph", "models", "scores", "ranking"}
    assert {stage for part in rebuilt for stage in part["facts"]["stages"]} == stages
    for part in rebuilt:
        for stage in part["facts"]["stages"].values():
            assert stage["verdict"] == "pass"
            assert len(stage["digest"]) == 64
    scored = [part["facts"]["stages"]["scores"]["values"] for part in rebuilt if part["facts"]["folds"]]
    assert max(scored) > 300


def test_nothing_but_the_certificate_and_its_parts_is_left(certificate: Certificate) -> None:
    left = {
        str(path.relative_to(certificate.path.parent)).split("/")[0]
        for path in certificate.path.parent.rglob("*")
    }
    assert left == {"causality.json", "audit"}
    assert {path.name for path in (certificate.path.parent / "audit").iterdir()} == {"parts"}


def test_the_same_audit_again_does_nothing(
    certificate: Certificate, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("it was there already")

    monkeypatch.setattr(causality, "_guarded", never)
    assert audit_causality(small_run(folder), SETTINGS).to_json() == certificate.to_json()


def test_an_interrupted_audit_goes_on(
    certificate: Certificate, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder, tmp_path / "runs")
    run = small_run(tmp_path / "runs")
    done: list[str] = []
    real = causality._guarded
    monkeypatch.setattr(causality, "_guarded", lambda name, work: (done.append(name), real(name, work))[1])
    lost = {"spans", "warm-up 20 later"}
    for path in run.path("audit/parts").glob("*.json"):
        if json.loads(path.read_text(encoding="utf-8"))["part"]["name"] in lost:
            path.write_text("{ half", encoding="utf-8")
    again = audit_causality(run, SETTINGS)
    assert set(done) == lost
    first, second = certificate.to_json(), again.to_json()
    for found in (first, second):
        found.pop("seconds")
        for part in found["parts"]:
            part.pop("seconds")
    assert first == second


def test_another_seed_is_another_audit(tmp_path: Path) -> None:
    run = small_run(tmp_path)
    one, two = (causality._Audit(run, AuditSettings(sessions=4, seed=seed)) for seed in (0, 5))
    assert len({one.ledger.key, two.ledger.key, causality._Audit(run, SETTINGS).ledger.key}) == 3
    assert one._plan().facts["moments"] != two._plan().facts["moments"]


def test_no_bar_of_a_locked_year_is_read(tmp_path: Path) -> None:
    changes = {"splits.locked_years": 1, "simulation.sessions": 800, "simulation.end": "2025-03-31"}
    run = small_run(tmp_path, changes=changes)
    material = load_material(run, AuditSettings(stocks=25))
    assert material.years == (2024,)
    assert material.end == date(2024, 12, 30)
    assert material.bars.frame["date"].max() == material.end
    assert material.bars.frame["code"].n_unique() == 25
    assert material.bars.delistings is not None
    assert (material.bars.delistings["last_session"] <= material.end).all()
    assert material.bars.listing is not None
    assert set(material.bars.listing["code"]) == set(material.bars.frame["code"])
    assert 0.5 < material.share < 0.6
    frame = material.bars.frame
    other = frame.with_columns(
        pl.when(pl.int_range(pl.len()) == 17)
        .then(pl.col("close") * 1.0000001)
        .otherwise("close")
        .alias("close")
    )
    from dataclasses import replace

    assert replace(material, bars=replace(material.bars, frame=other)).digest != material.digest


def test_a_ready_panel_has_no_past_to_change(tmp_path: Path) -> None:
    from gogooku3.pipeline.run_folder import open_run

    run = open_run(flags={"panel.file": "x.arrow", "run.folder": str(tmp_path)}, remembered=False)
    with pytest.raises(SettingsError, match="ready panel"):
        audit_causality(run, SETTINGS)


def test_a_certificate_of_other_settings_is_stale(certificate: Certificate, folder: Path) -> None:
    run = small_run(folder)
    found = read_certificate(run)
    assert found is not None
    assert not found["stale"]
    other = read_certificate(small_run(folder, changes={"lightgbm.leaves": 5}))
    assert other is not None
    assert other["stale"]
    assert read_certificate(small_run(folder / "nowhere")) is None


def call(*arguments: str) -> int:
    """Run the command line in this process and return its exit code."""
    import sys

    from gogooku3.cli import main

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["gogooku3", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)


FAULT = Violation(
    stage="features", name="ret_5", detail="1 became 2", session="2024-01-05", stock="1301", cause="delete"
)


@pytest.mark.parametrize("faults", [(), (FAULT,)])
def test_the_command_ends_with_3_if_anything_knew_the_future(
    certificate: Certificate,
    folder: Path,
    faults: tuple[Violation, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    small_run(folder).save_settings()
    asked: list[AuditSettings] = []

    def audit(run: Run, settings: AuditSettings) -> Certificate:
        asked.append(settings)
        assert run.settings.run.name == "small"
        assert run.settings.universe.min_history == 15  # it is found by its name, with the settings it had
        parts = [*certificate.parts, Part(name="x", facts={}, violations=faults)]
        return Certificate(path=certificate.path, subject=certificate.subject, parts=parts)

    monkeypatch.setattr(causality, "audit_causality", audit)
    arguments = ["audit", "causality", "small", "--sessions", "5", "--seed", "7", "--json", "--quiet"]
    code = call(*arguments, "--set", f"run.folder={folder}")
    out, err = capsys.readouterr()
    assert code == (3 if faults else 0)
    assert (asked[0].sessions, asked[0].seed, asked[0].stocks) == (5, 7, 300)
    found = json.loads(out)
    assert found["verdict"] == ("fail" if faults else "pass")
    assert ("violation: features: ret_5 (2024-01-05, stock 1301, delete): 1 became 2" in err) == bool(faults)
    assert "causality.json" in err


def test_two_names_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("audit", "causality", "one", "--name", "two") == 2
    assert "two runs are named" in capsys.readouterr().err


def test_help_is_light() -> None:
    import subprocess
    import sys

    from tests.cli.test_help import CODE

    arguments = [sys.executable, "-c", CODE, "audit", "causality", "--help"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "loaded:\n")
    assert "--json" in done.stdout


def test_the_report_tells_it_in_a_few_rows(certificate: Certificate) -> None:
    saved = {**certificate.to_json(), "stale": False}
    table = causality_table(saved)
    rows = {row[0]: row for row in table.rows}
    assert rows["verdict"][1] == "pass"
    assert rows["rebuilds"][2] == "pass"
    assert rows["rebuilds"][1].startswith("6, from the close of 20")
    for name in ("universe", "features", "models", "scores", "labels", "spans", "blind fold 2024"):
        assert rows[name][2] == "pass"
        assert any(character.isdigit() for character in rows[name][1])
    assert "violation" not in rows
    assert "44 stocks (100% of all)" in rows["bars"][1]

    saved |= {"stale": True, "verdict": "fail", "violations": [FAULT.to_json()] * 12}
    rows_of = causality_table(saved).rows
    assert "audit again" in rows_of[0][1]
    assert [row[2] for row in rows_of if row[0] == "violation"] == ["fail"] * 11
    assert rows_of[-1][1] == "and 2 more in causality.json"
    assert "ret_5 (2024-01-05, stock 1301, delete)" in causality_table(saved).to_markdown()


def test_the_page_of_the_report_holds_it(certificate: Certificate) -> None:
    from gogooku3.pipeline.report import report
    from gogooku3.pipeline.run import run_all

    run = small_run(certificate.path.parent.parent)
    run_all(run)
    page = run.path("report.html").read_text(encoding="utf-8")
    assert "Causality certificate" in page
    assert "Causality certificate" in run.path("report.md").read_text(encoding="utf-8")
    certificate.path.unlink()
    assert not report(run).skipped
    assert "Causality certificate" not in run.path("report.html").read_text(encoding="utf-8")
