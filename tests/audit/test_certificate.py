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
from gogooku3.audit.settings import AuditSettings
from gogooku3.errors import SettingsError
from gogooku3.pipeline.certified import read_certificate
from tests.audit.markets import small_run

SETTINGS = AuditSettings(sessions=3, warm_up=(20,))


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
    assert len(saved["moments"]) == 3
    assert [len(saved["bars"]["digest"]), len(saved["code"]), len(saved["subject"]["settings"])] == [64] * 3
    rebuilt = [part for part in saved["parts"] if "stages" in part["facts"]]
    assert len(rebuilt) == 9
    stages = {"universe", "fields", "features", "targets", "ranks", "models", "scores", "ranking"}
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


def test_another_seed_is_another_audit(certificate: Certificate, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "runs")
    run = small_run(tmp_path / "runs")
    other = causality._Audit(run, SETTINGS.model_copy(update={"seed": 5}))
    assert other.ledger.key != causality._Audit(run, SETTINGS).ledger.key
    assert other.ledger.get("plan", other._plan).facts["moments"] != certificate.subject["moments"]


def test_no_bar_of_a_locked_year_is_read(tmp_path: Path) -> None:
    changes = {"splits.locked_years": 1, "simulation.sessions": 800, "simulation.end": "2025-03-31"}
    run = small_run(tmp_path, changes=changes)
    material = load_material(run.settings, AuditSettings(stocks=25))
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
