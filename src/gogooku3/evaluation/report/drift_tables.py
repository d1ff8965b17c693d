"""What has moved since training, most first."""

from __future__ import annotations

import math

from gogooku3.evaluation.drift.drift_alarm import DriftAlarm
from gogooku3.evaluation.drift.drift_report import DriftReport, Moved
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.wording import number, percent

_MOST = 20  # rows of a table
_YEAR = 4  # letters of a fold's name: 2018, 2018Q1, 2018-01


def drift_tables(report: DriftReport) -> list[Table]:
    """Return the alarms, the raw model outputs by fold, and the features that moved most."""
    tables = [_alarms(report)]
    for kind, title in (("score", "Raw model outputs, test year against training"), ("feature", "Features")):
        moved = [one for one in report.moved if one.kind == kind]
        if moved:
            tables.append(_moved(moved, title))
    return tables


def _alarms(report: DriftReport) -> Table:
    shown = _first_of_each_kind(report.alarms)
    left = len(report.alarms) - len(shown)
    more = f" {left} milder alarms are not shown." if left else ""
    nothing = "" if report.alarms else " Nothing rang."
    return Table(
        title="Drift alarms",
        note=(
            f"An alarm says that something is no longer what the models were fitted on, not that they fail.{nothing}"
            f"{more} Watched: {report.watched}"
        ),
        columns=["Kind", "Seen", "Threshold", "Finding"],
        rows=[[alarm.kind, number(alarm.seen, 2), number(alarm.threshold, 2), alarm.text] for alarm in shown],
        text_tail=True,
    )


def _first_of_each_kind(alarms: tuple[DriftAlarm, ...]) -> list[DriftAlarm]:
    shown: list[DriftAlarm] = []
    for alarm in alarms:
        if sum(one.kind == alarm.kind for one in shown) < _MOST:
            shown.append(alarm)
    return shown


def _moved(moved: list[Moved], title: str) -> Table:
    """One row a name: its index per fold, and its missing values where they rose most.

    Folds that are shorter than a year share a column: the one that moved most stands for its year.
    """
    folds = sorted({one.fold[:_YEAR] for one in moved})
    by_name: dict[str, dict[str, Moved]] = {}
    for one in moved:
        found = by_name.setdefault(one.name, {})
        found[one.fold[:_YEAR]] = _worse(found.get(one.fold[:_YEAR]), one)
    by = "By year, its fold that moved most" if any(len(one.fold) > _YEAR for one in moved) else "By fold"
    names = sorted(by_name, key=lambda name: (-_largest(by_name[name]), name))
    rows = []
    for name in names[:_MOST]:
        found = by_name[name]
        indices = [number(found[fold].index if fold in found else math.nan, 2) for fold in folds]
        worst = max(found.values(), key=_rise)
        rows.append([name, *indices, percent(worst.missing_before), percent(worst.missing)])
    floor = max((one.floor for one in moved if math.isfinite(one.floor)), default=math.nan)
    shown = f"The {len(rows)} of {len(names)} that moved most. " if len(names) > len(rows) else ""
    return Table(
        title=f"{title}: population stability index",
        note=(
            f"{shown}{by}; 0.1 is usually called a small move and 0.25 a large one, and {number(floor, 3)} is "
            "expected at most where independent values have not moved. The share of missing values stands beside it "
            "for the fold where it rose most."
        ),
        columns=["Name", *folds, "Missing, training", "Missing, test"],
        rows=rows,
    )


def _worse(known: Moved | None, other: Moved) -> Moved:
    if known is None or not math.isfinite(known.index):
        return other
    return other if other.index > known.index else known


def _largest(found: dict[str, Moved]) -> float:
    return max((one.index for one in found.values() if math.isfinite(one.index)), default=-math.inf)


def _rise(one: Moved) -> float:
    rise = one.missing - one.missing_before
    return rise if math.isfinite(rise) else -math.inf
