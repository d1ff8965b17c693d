"""What was measured, in memory and as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from gogooku3.evaluation.comparison import Comparison
from gogooku3.evaluation.leak_alarm import LeakAlarm, LeakCheck, look_for_leaks
from gogooku3.evaluation.plain import plain
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.target_evaluation import PeriodEvaluation, TargetEvaluation
from gogooku3.labels.target import Target

if TYPE_CHECKING:
    import polars as pl

WHOLE = "all"


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """Every model at every target.

    Attributes:
        settings: How it was judged.
        sessions: datetime64[D] array, [D].
        sessions_per_year: Measured from ``sessions``.
        models: Names in the order given, the attainable benchmark included.
        targets: Sorted.
        results: One per model and target that has scores.
        comparisons: Every pair of models at every target and period, the attainable benchmark left out.
    """

    settings: EvaluationSettings
    sessions: np.ndarray
    sessions_per_year: float
    models: tuple[str, ...]
    targets: tuple[Target, ...]
    results: tuple[TargetEvaluation, ...]
    comparisons: tuple[Comparison, ...]

    @cached_property
    def _index(self) -> Mapping[tuple[str, Target], TargetEvaluation]:
        return {(result.model, result.target): result for result in self.results}

    def find(self, model: str, target: Target) -> TargetEvaluation | None:
        """Return one result, None where the model has no scores for the target."""
        return self._index.get((model, target))

    @cached_property
    def leaks(self) -> LeakCheck:
        """What the leak alarm looked at and found."""
        return look_for_leaks(self.results, settings=self.settings)

    @property
    def alarms(self) -> tuple[LeakAlarm, ...]:
        """What is too good to be honest; see `look_for_leaks`."""
        return self.leaks.alarms

    @property
    def contestants(self) -> tuple[str, ...]:
        """Models other than the attainable benchmark."""
        return tuple(model for model in self.models if model != self.settings.attainable)

    @property
    def periods(self) -> tuple[str, ...]:
        """``all`` and the calendar years."""
        return tuple(period.period for period in self.results[0].periods)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; what does not exist is None."""
        return {
            "settings": self.settings.model_dump(mode="json"),
            "sessions": {
                "first": str(self.sessions[0]),
                "last": str(self.sessions[-1]),
                "count": len(self.sessions),
                "per_year": plain(self.sessions_per_year),
            },
            "alarms": [
                plain(dataclasses.asdict(alarm) | {"target": str(alarm.target)}) for alarm in self.alarms
            ],
            "alarms_unseen": list(self.leaks.unseen),
            "models": list(self.models),
            "targets": [str(target) for target in self.targets],
            "results": [plain(row) for row in self._rows()],
            "comparisons": [
                {
                    "model": pair.model,
                    "against": pair.against,
                    "target": str(pair.target),
                    "horizon": pair.target.horizon,
                    "lag": pair.target.lag,
                    "period": pair.period,
                    "difference": plain(dataclasses.asdict(pair.difference)),
                }
                for pair in self.comparisons
            ],
        }

    def table(self) -> pl.DataFrame:
        """Return one row per model, horizon, lag and period; nested names are joined by underscores."""
        import polars as pl

        rows = [_flat(plain(row)) for row in self._rows()]
        return pl.DataFrame(rows, infer_schema_length=None)

    def series(self) -> pl.DataFrame:
        """Return the daily series, one row per session, model and target; a day without a value is null."""
        import polars as pl

        frames = [
            pl.DataFrame(
                {
                    "date": self.sessions.astype("datetime64[D]"),
                    "model": [result.model] * len(self.sessions),
                    "target": [str(result.target)] * len(self.sessions),
                    "rank_ic": result.rank_ic.values,
                    "ic": result.ic.values,
                    "spread": result.deciles.spread,
                    "gross": result.portfolio.gross,
                    "net": result.portfolio.net,
                    "turnover": result.portfolio.turnover,
                    "coverage": result.coverage,
                    "names": result.rank_ic.names,
                }
            )
            for result in self.results
        ]
        return pl.concat(frames).with_columns(pl.col(pl.Float64).fill_nan(None))

    def _rows(self) -> Iterator[dict[str, Any]]:
        for result in self.results:
            for period in result.periods:
                yield self._row(result, period)

    def _row(self, result: TargetEvaluation, period: PeriodEvaluation) -> dict[str, Any]:
        ruined = result.portfolio.ruined
        return {
            "model": result.model,
            "target": str(result.target),
            "horizon": result.target.horizon,
            "lag": result.target.lag,
            **dataclasses.asdict(period),
            "ruined_on": None if ruined is None else str(self.sessions[ruined]),
        }


def _flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}_")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
