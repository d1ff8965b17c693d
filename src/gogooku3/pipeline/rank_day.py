"""One session, checked, ranked and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from gogooku3.errors import DataError
from gogooku3.evaluation.drift.drift_alarm import DriftAlarm
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.drift_sample import raw_features
from gogooku3.pipeline.lineage import versions
from gogooku3.pipeline.predict_checks import (
    Coverage,
    is_historical,
    measure_coverage,
    refuse_missing,
    refuse_stale,
    refuse_thin,
    shown,
    unseen,
)
from gogooku3.pipeline.predict_drift import feature_alarms, feature_reference, score_alarms
from gogooku3.pipeline.predict_published import old_published
from gogooku3.pipeline.ranked import HISTORICAL, Ranking, date_of, pick_targets, write_ranking
from gogooku3.pipeline.ranker import Ranker
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.trading import Account, trade_ranking
from gogooku3.scoring.ranking import rank_session


@dataclass(frozen=True, eq=False, kw_only=True)
class Asked:
    """What is to be ranked.

    Attributes:
        day: Index of the session.
        named: Whether it was named; else it is the panel's last.
        target: Name of the target to sort by; the usual one if None.
        as_of: Today; None if it does not matter.
        account: What orders lead from; no orders if None.
        checked: Whether to refuse and to warn.
        warnings: What is known already, such as what could not be fetched.
    """

    day: int
    named: bool
    target: str | None
    as_of: date | None
    account: Account | None
    checked: bool = True
    warnings: Sequence[str] = ()


def rank_day(run: Run, panel: Panel, ranker: Ranker, asked: Asked) -> Ranking:
    """Check a session, rank it, and write the ranking once nothing stands against it.

    Raises:
        SettingsError: The panel has no such target.
        DataError: The ranking is refused; nothing was written.
        PanelError: Orders are asked for, and the panel keeps no prices.
    """
    day, session = asked.day, panel.sessions[asked.day]
    targets = pick_targets(panel, asked.target)
    check = _Check(run, panel, ranker, asked)
    if asked.checked:
        check.before()
    run.progress.start(f"ranking {session} by {ranker.model}", 1, "sessions")
    table = rank_session(panel, day, ranker.scorer, targets)
    run.progress.advance()
    scores = table.select(f"score_{target}" for target in targets).to_numpy()
    coverage = measure_coverage(panel.universe, panel.present, day, scores, run.settings.predict)
    if asked.checked:
        check.after(coverage)
    trading = None
    if asked.account is not None:
        trading = trade_ranking(run, panel, table, (day, targets[0]), asked.account)
        check.warnings += trading.warnings
    ranking = Ranking(
        session=date_of(panel, day),
        model=ranker.model,
        fold=ranker.fold,
        trained_until=ranker.trained_until,
        target=targets[0],
        table=table,
        files=(),
        header=check.header(coverage, str(targets[0])),
        trading=trading,
    )
    return write_ranking(run, ranking, f"{session}-{ranker.stem}{HISTORICAL if check.historical else ''}")


class _Check:
    """Looks at one session; collects what it warns of."""

    def __init__(self, run: Run, panel: Panel, ranker: Ranker, asked: Asked) -> None:
        self.run, self.panel, self.ranker, self.asked = run, panel, ranker, asked
        self.settings, self.drift = run.settings.predict, run.settings.evaluation.drift
        self.session = panel.sessions[asked.day]
        as_of = asked.as_of
        self.historical = None if as_of is None else is_historical(panel.calendar, self.session, as_of)
        self.warnings = list(asked.warnings)
        self.unseen: tuple[str, ...] = ()
        self.alarms: list[DriftAlarm] = []

    def before(self) -> None:
        """Refuse what can be known without scores."""
        asked, panel = self.asked, self.panel
        if asked.as_of is not None and not asked.named:
            said = refuse_stale(panel.calendar, self.session, self.session, asked.as_of, self.settings)
            self.warnings += [said] if said else []
        self.warnings += old_published(self.run, panel, asked.day)
        unscored = np.zeros((int(panel.universe[asked.day].sum()), 1))
        thin = measure_coverage(panel.universe, panel.present, asked.day, unscored, self.settings)
        refuse_thin(thin, self.session, self.settings)
        values = raw_features(panel, [(asked.day, slice(None))])
        before = feature_reference(panel, self.ranker.learned, self.drift)
        refuse_missing(panel.feature_names, values, before.values, self.session)
        if not len(self.ranker.learned):
            self.warnings.append(
                "the panel holds no session that the model learned from: neither drift nor unseen codes are known"
            )
            return
        self.unseen = unseen(panel.universe, asked.day, self.ranker.learned, panel.codes)
        if self.unseen:
            self.warnings.append(
                f"{len(self.unseen)} stocks were in no session that the model learned from: {shown(self.unseen)}"
            )
        self._ring(feature_alarms(panel.feature_names, before, values, self.drift))

    def after(self, coverage: Coverage) -> None:
        """Refuse what the scores show."""
        refuse_thin(coverage, self.session, self.settings)
        if len(self.ranker.learned):
            self._ring(score_alarms(self.ranker, self.panel, self.asked.day, self.drift))

    def header(self, coverage: Coverage, target: str) -> dict[str, Any]:
        """Return what the JSON file says beside the ranking."""
        asked, panel, one = self.asked, self.panel, self.ranker
        return {
            "session": str(self.session),
            "historical": self.historical,
            "model": one.model,
            "fold": one.fold,
            "made_of": dict(one.made_of),
            "trained_until": str(one.trained_until),
            "target": target,
            "data": {
                "last_session": str(panel.sessions[-1]),
                "content": panel.content_hash,
                "calendar": panel.calendar,
            },
            "coverage": coverage.to_json(),
            "checked": asked.checked,
            "drift": [{"name": a.name, "kind": a.kind, "seen": a.seen, "text": a.text} for a in self.alarms],
            "unseen_codes": list(self.unseen),
            "warnings": list(self.warnings),
            "gogooku3": versions("gogooku3")["gogooku3"],
        }

    def _ring(self, alarms: Sequence[DriftAlarm]) -> None:
        """Warn of what has moved, or refuse the ranking if it is to be refused."""
        moved = [alarm for alarm in alarms if alarm.kind == "stability"]
        if moved and self.settings.refuse_drift:
            raise DataError(
                "what the model sees or says has moved",
                where=f"session {self.session}, predict.refuse_drift",
                got=" ".join(alarm.text for alarm in moved[:3]),
                expected=f"a population stability index of at most {self.drift.max_psi}",
                remedy="retrain, or look at the data; predict.refuse_drift=false ranks with a warning",
            )
        self.alarms += alarms
        rest = [alarm for alarm in alarms if alarm.kind != "stability"]
        for which, what in (
            (moved, "features or scores have moved since training"),
            (rest, "features are missing more often than in training"),
        ):
            if which:
                self.warnings.append(f"{what}: {_worst(which)}")


def _worst(alarms: Sequence[DriftAlarm]) -> str:
    """Name the alarms, the furthest beyond its threshold first."""
    order = sorted(alarms, key=lambda alarm: (-alarm.seen, alarm.name))
    figures = [
        f"{a.name} (PSI {a.seen:.2f})" if a.kind == "stability" else f"{a.name} (+{a.seen:.0%})"
        for a in order
    ]
    return shown(figures)
