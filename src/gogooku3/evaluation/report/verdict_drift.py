"""What has moved since training, in words."""

from __future__ import annotations

from gogooku3.evaluation.drift.drift_report import DriftReport
from gogooku3.evaluation.report.sentence import Sentence

_ALARMS = {
    "stability": "a distribution has moved",
    "coverage": "stocks without a score",
    "missing": "values are missing",
    "rank ic": "the ranking may have stopped working",
}


def drift_sentences(drift: DriftReport | None) -> tuple[Sentence, ...]:
    """Return a warning per kind of alarm with the first of it, or that none rang; nothing where unwatched."""
    if drift is None:
        return ()
    if not drift.alarms:
        return (Sentence(text=f"No drift alarm. Watched: {drift.watched.rstrip('.')}."),)
    said = []
    for kind in dict.fromkeys(alarm.kind for alarm in drift.alarms):
        alarms = [alarm for alarm in drift.alarms if alarm.kind == kind]
        meaning = _ALARMS.get(kind, kind)
        more = f" ({len(alarms) - 1} more of this kind in the table of drift)" if len(alarms) > 1 else ""
        said.append(Sentence(text=f"Drift, {meaning}: {alarms[0].text}{more}", warning=True))
    return tuple(said)
