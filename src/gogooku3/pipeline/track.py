"""Live rankings and what followed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl

from gogooku3.axes import FloatD, FloatDN, IntD
from gogooku3.errors import EvaluationError, StorageError
from gogooku3.evaluation.daily_correlation import DailyCorrelation
from gogooku3.evaluation.deciles import daily_deciles
from gogooku3.evaluation.rank_ic import daily_rank_ic
from gogooku3.evaluation.significance import ewc_test
from gogooku3.evaluation.two_sample import MeanDifference, compare_means
from gogooku3.labels.target import Target
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.live_rankings import Late, LiveRanking, Unread, read_rankings
from gogooku3.pipeline.opening import record_opening
from gogooku3.pipeline.predictions import column, to_grid
from gogooku3.pipeline.ranked import date_of
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.tracking import Mean, TrackedDay, TrackedModel, TrackedTarget, Tracking
from gogooku3.pipeline.tracking_json import tracking_to_json
from gogooku3.splits.walk_forward import WalkForward
from gogooku3.storage.atomic import write_json

_FILE = "tracking.json"
_LEAST_DAYS = 20


def track(run: Run) -> Tracking:
    """Compare every live ranking that was written with the labels that are known by now, and write ``tracking.json``.

    A day is measured as the evaluation measures it: the universe's labels, RankIC, deciles. Beside it stands what
    the backtest's scores of the same session were worth, and the backtest as a whole. Labels that end in a locked
    year are kept back; with ``open_locked`` they are looked at, which is written down first.

    Args:
        run: A run with a panel and rankings; it need not be trained.

    Raises:
        StorageError: There is no ranking.
        PanelError: There is no panel.
        EvaluationError: A score is infinite, or constant on every session.
    """
    panel = panel_of(run)
    folder = run.path("rankings")
    rankings, others = read_rankings(folder.glob("*.parquet"))
    unread = tuple(one for one in others if not isinstance(one, Late))
    if not rankings:
        raise StorageError(
            "there are no live rankings to track",
            where=folder,
            got="; ".join(f"{one.file.name}: {one.reason}" for one in others) or None,
            remedy="`gogooku3 predict` writes the ranking of a session",
        )
    work = _Work(run, panel)
    placed = {one: work.place(one) for one in rankings}
    absent = tuple(Unread(file=o.file, reason=why) for o, why in placed.items() if isinstance(why, str))
    models: dict[str, list[_Placed]] = {}
    for one, row in placed.items():
        if isinstance(row, int):
            models.setdefault(one.model, []).append(_Placed(row, one))
    work.open([each for found in models.values() for each in found])
    run.progress.start("tracking rankings", len(models), "models")
    tracked = []
    for name, found in models.items():
        tracked.append(work.model(name, found))
        run.progress.advance()
    tracking = Tracking(
        models=tuple(tracked),
        absent=absent,
        historical=tuple(one for one in others if isinstance(one, Late)),
        unread=unread,
        path=run.path(_FILE),
    )
    about = {
        "run": run.settings.run.name,
        "panel": panel.content_hash,
        "last_session": str(panel.sessions[-1]),
        "locked_opened": run.settings.run.open_locked,
    }
    write_json(tracking.path, about | tracking_to_json(tracking))
    return tracking


class _Placed(NamedTuple):
    row: int
    ranking: LiveRanking


class _Backtest(NamedTuple):
    """RankIC of a model's predictions, day by day from session ``start``; nothing of locked years in ``open``."""

    start: int
    values: FloatD
    open: FloatD


class _Work:
    def __init__(self, run: Run, panel: Panel) -> None:
        self.run, self.panel, self.settings = run, panel, run.settings.evaluation
        self.locked = WalkForward(settings=run.settings.splits, reach=1).locked_from(panel.sessions)
        self.end = len(panel.sessions) if run.settings.run.open_locked else self.locked
        self.stock = {code: n for n, code in enumerate(panel.codes)}
        self.backtest = cache(self._backtest)

    def place(self, ranking: LiveRanking) -> int | str:
        """Return the session's index, or why the panel does not have it."""
        sessions = self.panel.sessions
        day = np.datetime64(ranking.session)
        row = int(np.searchsorted(sessions, day))
        if row < len(sessions) and sessions[row] == day:
            return row
        if row == len(sessions):
            return f"the panel ends on {sessions[-1]}, before {day}"
        return f"{day} is no session of the panel"

    def open(self, placed: Sequence[_Placed]) -> None:
        """Write down which locked sessions are looked at, if any."""
        if not self.run.settings.run.open_locked:
            return
        last = len(self.panel.sessions) - 1
        targets = set(self.panel.targets)
        ends = [each.row + t.reach for each in placed for t in each.ranking.scores if t in targets]
        seen = [end for end in ends if self.locked <= end <= last]
        if seen:
            record_opening(self.run, *map(str, self.panel.sessions[[self.locked, max(seen)]]))

    def model(self, name: str, found: Sequence[_Placed]) -> TrackedModel:
        """Measure all rankings of a model, which are in order of their sessions."""
        known = {target for each in found for target in each.ranking.scores}
        codes = {code for each in found for code in each.ranking.codes}
        return TrackedModel(
            model=name,
            first=found[0].ranking.session,
            last=found[-1].ranking.session,
            rankings=len(found),
            unknown_codes=tuple(sorted(codes - self.stock.keys())),
            unknown_targets=tuple(sorted(known - set(self.panel.targets))),
            targets=tuple(self._target(name, found, t) for t in self.panel.targets if t in known),
        )

    def _target(self, name: str, found: Sequence[_Placed], target: Target) -> TrackedTarget:
        found = [each for each in found if target in each.ranking.scores]
        rows: IntD = np.array([each.row for each in found], dtype=np.int64)
        score, label = self._scores(found, target), self._label(rows, target)
        daily = self._rank_ic(score, label, f"{name}, {target}")
        deciles = daily_deciles(
            score, label, quantiles=self.settings.quantiles, min_names=self.settings.min_names
        )
        coverage = self._coverage(score, rows)
        backtest = self.backtest(name.partition("-")[0], target)
        said = np.full(len(rows), np.nan) if backtest is None else _at(backtest, rows)
        both = np.isfinite(daily.values) & np.isfinite(said)
        difference = None if backtest is None else self._difference(daily.values, rows, backtest, target)
        overall = self._mean(np.empty(0) if backtest is None else backtest.open, target)
        not_yet = rows + target.reach >= len(self.panel.sessions)
        kept_back = ~not_yet & (rows + target.reach >= self.end)
        live = self._mean(daily.values, target)
        return TrackedTarget(
            target=target,
            known=int((~not_yet & ~kept_back).sum()),
            not_yet=int(not_yet.sum()),
            kept_back=int(kept_back.sum()),
            rank_ic=live,
            spread=self._mean(deciles.spread, target),
            coverage=_mean(coverage),
            coverage_min=float(np.nanmin(coverage, initial=1.0)) if np.isfinite(coverage).any() else math.nan,
            same_days=int(both.sum()),
            same_days_live=_mean(daily.values[both]),
            same_days_backtest=_mean(said[both]),
            backtest=overall,
            difference=difference,
            statement=_statement(live, overall, difference),
            days=tuple(
                TrackedDay(
                    session=date_of(self.panel, int(row)),
                    rank_ic=float(daily.values[i]),
                    spread=float(deciles.spread[i]),
                    names=int(daily.names[i]),
                    coverage=float(coverage[i]),
                    backtest=float(said[i]),
                )
                for i, row in enumerate(rows)
            ),
        )

    def _scores(self, found: Sequence[_Placed], target: Target) -> FloatDN:
        grid = np.full((len(found), len(self.stock)), np.nan)
        for i, (_, ranking) in enumerate(found):
            place = np.array([self.stock.get(code, -1) for code in ranking.codes], dtype=np.int64)
            grid[i, place[place >= 0]] = ranking.scores[target][place >= 0]
        return grid

    def _label(self, rows: IntD, target: Target, end: int | None = None) -> FloatDN:
        """Return the universe's labels of some sessions that end before session ``end``."""
        label: FloatDN = self.panel.target(target)[rows].astype(np.float64)
        label[rows + target.reach >= (self.end if end is None else end)] = np.nan
        label[~self.panel.universe[rows]] = np.nan
        return label

    def _coverage(self, score: FloatDN, rows: IntD) -> FloatD:
        universe = self.panel.universe[rows]
        size = universe.sum(axis=1)
        share = np.full(len(rows), np.nan)
        np.divide((np.isfinite(score) & universe).sum(axis=1), size, out=share, where=size > 0)
        return share

    def _rank_ic(self, score: FloatDN, label: FloatDN, where: str) -> DailyCorrelation:
        try:
            return daily_rank_ic(score, label, min_names=self.settings.min_names)
        except EvaluationError as error:
            raise EvaluationError(
                error.what, where=where, got=error.got, expected=error.expected, remedy=error.remedy
            ) from error

    def _backtest(self, model: str, target: Target) -> _Backtest | None:
        """Return what the predictions of a model were worth, None where there are none."""
        path, name = self.run.path("predictions.parquet"), column(model, target)
        if not path.is_file() or name not in pl.read_parquet_schema(path):
            return None
        frame = pl.read_parquet(path, columns=["date", "code", name])
        days = np.searchsorted(self.panel.sessions, frame["date"].unique().sort().to_numpy())
        rows = np.arange(int(days[0]), int(days[-1]) + 1)
        score = to_grid(self.panel, frame, name, int(rows[0]), int(rows[-1]) + 1)
        where = f"{path.name}, {name}"
        values = self._rank_ic(score, self._label(rows, target), where).values
        kept = np.where(rows + target.reach < self.locked, values, np.nan)
        return _Backtest(start=int(rows[0]), values=values, open=kept)

    def _difference(
        self, live: FloatD, rows: IntD, backtest: _Backtest, target: Target
    ) -> MeanDifference | None:
        """Hold the live days against the backtest's other days."""
        other = backtest.open.copy()
        at = rows[np.isfinite(live)] - backtest.start
        other[at[(at >= 0) & (at < len(other))]] = np.nan
        if min(np.isfinite(series).sum() for series in (live, other)) < _LEAST_DAYS:
            return None
        found = compare_means(live, other, horizon=target.horizon, confidence=self.settings.confidence)
        return found if math.isfinite(found.t) else None

    def _mean(self, values: FloatD, target: Target) -> Mean:
        test = ewc_test(values, horizon=target.horizon, confidence=self.settings.confidence)
        return Mean(days=int(np.isfinite(values).sum()), test=test)


def _at(backtest: _Backtest, rows: IntD) -> FloatD:
    """Return the backtest's values of some sessions, NaN where it has none."""
    at = rows - backtest.start
    inside = (at >= 0) & (at < len(backtest.values))
    found = np.full(len(rows), np.nan)
    found[inside] = backtest.values[at[inside]]
    return found


def _mean(values: FloatD) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else math.nan


def _statement(live: Mean, backtest: Mean, difference: MeanDifference | None) -> str:
    """Say whether the live mean lies within the backtest's range."""
    if live.days < _LEAST_DAYS:
        return f"too few days: {live.days} have a RankIC, {_LEAST_DAYS} are needed to say more"
    if backtest.days == 0:
        return "there is no backtest to hold it against"
    if difference is None:
        return "too few other days in the backtest to hold it against"
    side = int(difference.low > 0) - int(difference.high < 0)
    lies = {0: "lies within the range of", 1: "lies above", -1: "lies below"}[side]
    return (
        f"the live mean {live.test.mean:.4f} over {live.days} days {lies} the backtest's {backtest.test.mean:.4f} "
        f"(difference to its other days {difference.difference:+.4f}, {difference.low:+.4f} to {difference.high:+.4f}, "
        f"t {difference.t:.1f})"
    )
