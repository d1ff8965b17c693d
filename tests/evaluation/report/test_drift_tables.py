"""Tables of drift, from hand-made figures."""

from __future__ import annotations

import json
import math

from gogooku3.evaluation.drift.drift_alarm import DriftAlarm
from gogooku3.evaluation.drift.drift_report import DriftReport, Moved
from gogooku3.evaluation.drift.drift_to_dict import drift_to_dict
from gogooku3.evaluation.report.drift_tables import drift_tables


def _moved(kind: str, name: str, fold: str, index: float, missing: float = 0.0) -> Moved:
    return Moved(
        fold=fold, kind=kind, name=name, index=index, floor=0.002, missing=missing, missing_before=0.01
    )


def _report(features: int = 3) -> DriftReport:
    moved = [_moved("score", "ridge h5_d1", fold, 0.01) for fold in ("2018", "2019")]
    for k in range(features):
        moved += [_moved("feature", f"f{k:02}", "2018", 0.1 * k), _moved("feature", f"f{k:02}", "2019", 0.05)]
    moved[-1] = _moved("feature", f"f{features - 1:02}", "2019", math.nan, missing=1.0)
    alarm = DriftAlarm(
        kind="stability", name="f02", seen=0.3, threshold=0.25, text="2018: f02 has moved: PSI 0.30."
    )
    return DriftReport(moved=tuple(moved), alarms=(alarm,) * 22, watched="five things.")


def test_most_moved_come_first_by_fold():
    alarms, scores, features = drift_tables(_report())
    assert scores.rows == [["ridge h5_d1", "0.01", "0.01", "1.0 %", "0.0 %"]]
    assert features.columns == ["Name", "2018", "2019", "Missing, training", "Missing, test"]
    assert [row[0] for row in features.rows] == ["f02", "f01", "f00"]
    assert features.rows[0] == ["f02", "0.20", "–", "1.0 %", "100.0 %"]  # noqa: RUF001
    assert "0.002" in features.note
    assert len(alarms.rows) == 20
    assert "2 milder alarms are not shown" in alarms.note
    assert alarms.note.endswith("Watched: five things.")
    assert alarms.rows[0] == ["stability", "0.30", "0.25", "2018: f02 has moved: PSI 0.30."]


def test_a_long_list_is_cut_and_says_so():
    features = drift_tables(_report(features=30))[2]
    assert len(features.rows) == 20
    assert features.note.startswith("The 20 of 30 that moved most.")
    assert features.rows[0][0] == "f29"


def test_nothing_rang():
    (alarms,) = drift_tables(DriftReport(moved=(), alarms=(), watched="nothing."))
    assert alarms.rows == []
    assert "Nothing rang." in alarms.note


def test_plain_data_is_json():
    found = json.loads(json.dumps(drift_to_dict(_report()), allow_nan=False))
    assert found["moved"][-1]["index"] is None
    assert found["alarms"][0]["name"] == "f02"
    assert found["watched"] == "five things."
