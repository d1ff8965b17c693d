"""Scores of another tool, judged on bars as our own scores are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gogooku3.axes import FloatDN
from gogooku3.errors import DataError
from gogooku3.evaluation.evaluate import evaluate
from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.rank_ic import daily_rank_ic
from gogooku3.labels.forward import forward_returns
from gogooku3.labels.target import Target
from gogooku3.market.assemble import assemble
from gogooku3.market.market import Market
from gogooku3.market.report import ValidationReport
from gogooku3.market.universe import universe
from gogooku3.pipeline.evidence import Tested, gather
from gogooku3.pipeline.foreign_placed import Placed, place
from gogooku3.pipeline.foreign_scores import ForeignScores, ScoreColumn, read_scores
from gogooku3.pipeline.run_folder import Run
from gogooku3.sources.files import FileSource

UniverseChoice = Literal["scored", "settings"]


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """What is to be judged.

    Attributes:
        predictions: Parquet or CSV file of date, code and scores.
        columns: Columns to judge; all columns of numbers if empty.
        universe: ``scored``: the stock-days with a score; ``settings``: as our own runs choose it.
        until: Last date whose prices may be looked at; that of the bars where not given.
    """

    predictions: Path
    columns: tuple[str, ...] = ()
    universe: UniverseChoice = "scored"
    until: date | None = None


class ForeignJudged:
    """The evaluation of another tool's scores, computed when asked for.

    Args:
        run: Folder, settings and listener.
        asked: What is to be judged.
    """

    def __init__(self, run: Run, asked: Foreign) -> None:
        self.run, self.asked = run, asked

    @cached_property
    def scores(self) -> ForeignScores:
        """The scores as they lie in the file."""
        return read_scores(self.asked.predictions, self.asked.columns)

    @cached_property
    def assembled(self) -> tuple[Market, ValidationReport, dict[str, str]]:
        """The market, what validation found, and the digests of the files of bars."""
        settings, progress = self.run.settings, self.run.progress
        progress.note("reading bars")
        bars = FileSource(settings.source).load()
        progress.note("validating bars")
        market, report = assemble(bars, settings.market)
        return market, report, {str(file.path): file.sha256 for file in bars.files}

    @property
    def market(self) -> Market:
        """The market."""
        return self.assembled[0]

    @cached_property
    def placed(self) -> Placed:
        """The scores on the market's grids."""
        member = (
            universe(self.market, self.run.settings.universe) if self.asked.universe == "settings" else None
        )
        return place(self.scores, self.market, member=member, until=self.asked.until)

    @cached_property
    def targets(self) -> dict[str, dict[Target, str]]:
        """Model to target to the column that scores it.

        Raises:
            DataError: Two columns score one model at one target, or a model has the name of the benchmark.
        """
        found: dict[str, dict[Target, str]] = {}
        everywhere = self.run.settings.labels.targets
        for column in self._columns(members=False):
            own = found.setdefault(column.model, {})
            for target in everywhere if column.target is None else (column.target,):
                if target in own:
                    raise self._refused(
                        "two columns score one model at one target", [own[target], column.name]
                    )
                own[target] = column.name
        if self.run.settings.evaluation.attainable in found:
            raise self._refused(
                "a column has the name of the attainable benchmark",
                list(found[self.run.settings.evaluation.attainable].values()),
            )
        return found

    def label(self, target: Target) -> FloatDN:
        """Return the universe's labels whose spans may be looked at, [stop - start, N]."""
        placed = self.placed
        values = forward_returns(self.market, [target], placed.start, placed.stop)[:, :, 0]
        values = values.astype(np.float32).astype(np.float64)  # as a panel keeps them: the same ties
        values[max(0, placed.end - target.reach - placed.start) :] = np.nan
        values[~placed.universe[placed.start : placed.stop]] = np.nan
        return values

    @cached_property
    def tested(self) -> Evaluation:
        """Every column at every target that it is for."""
        market, placed = self.market, self.placed
        rows = slice(placed.start, placed.stop)
        wanted = sorted({target for own in self.targets.values() for target in own})
        return evaluate(
            self._grids,
            {target: self.label(target) for target in wanted},
            sessions=market.sessions[rows],
            universe=placed.universe[rows],
            link=market.link[rows],
            traded=market.turnover[rows] > 0,
            terminal_return=market.terminal_return,
            last_bar=market.last_bar.astype(np.int64) - placed.start,
            settings=self.run.settings.evaluation,
            progress=self.run.progress,
        )

    @cached_property
    def evidence(self) -> Evidence:
        """What speaks for and against the scores; of training nothing is known."""
        placed = self.placed
        tested = Tested(
            evaluation=self.tested,
            market=self.market,
            universe=placed.universe,
            start=placed.start,
            stop=placed.stop,
            end=placed.end,
            scores=self._grids,
            label=self.label,
        )
        return gather(tested, self.run.progress)

    @cached_property
    def seeds(self) -> list[dict[str, Any]]:
        """RankIC of every member, as of our own runs."""
        return list(self._members())

    def saved(self) -> dict[str, Any]:
        """Return what was written as ``evaluation.json``."""
        found: dict[str, Any] = json.loads(self.run.path("evaluation.json").read_text(encoding="utf-8"))
        return found

    @property
    def _grids(self) -> dict[str, Mapping[Target, FloatDN]]:
        return {model: _Grids(self.placed, own) for model, own in self.targets.items()}

    def _columns(self, *, members: bool) -> Sequence[ScoreColumn]:
        return [column for column in self.scores.columns if (column.seed is not None) == members]

    def _members(self) -> Iterator[dict[str, Any]]:
        for column in self._columns(members=True):
            assert column.target is not None  # only a name with a target has a seed
            daily = daily_rank_ic(
                self.placed.grid(column.name),
                self.label(column.target),
                min_names=self.run.settings.evaluation.min_names,
            )
            yield {
                "model": column.model,
                "target": str(column.target),
                "seed": column.seed,
                "rank_ic": round(float(np.nanmean(daily.values)), 6) if daily.days else None,
            }

    def _refused(self, what: str, names: Sequence[str]) -> DataError:
        return DataError(
            what,
            where=self.asked.predictions,
            got=", ".join(names),
            expected="one column a model and target",
            remedy="rename a column, or choose with --scores",
        )


class _Grids(Mapping[Target, FloatDN]):
    """A model's scores, laid out target by target so that only one grid is held."""

    def __init__(self, placed: Placed, columns: Mapping[Target, str]) -> None:
        self._placed, self._columns = placed, columns

    def __getitem__(self, target: Target) -> FloatDN:
        return self._placed.grid(self._columns[target])

    def __iter__(self) -> Iterator[Target]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __contains__(self, target: object) -> bool:
        return target in self._columns
