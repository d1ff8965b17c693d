"""A run's predictions, traded as asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from gogooku3.axes import BoolDN, FloatD, FloatDN
from gogooku3.errors import DataError, PanelError, SettingsError, StorageError
from gogooku3.evaluation.backtest.backtest import Backtest
from gogooku3.evaluation.backtest.backtest_summary import BacktestSummary, summarise_backtest
from gogooku3.evaluation.backtest.benchmark_return import universe_return
from gogooku3.evaluation.backtest.frames import daily_frame, holdings_frame, trades_frame
from gogooku3.evaluation.backtest.relative import RelativeSummary, compare_with_benchmark
from gogooku3.evaluation.backtest.settings import BacktestSettings
from gogooku3.evaluation.backtest.simulate import backtest
from gogooku3.evaluation.backtest.tape import Tape
from gogooku3.evaluation.plain import plain
from gogooku3.evaluation.portfolio_summary import sessions_per_year
from gogooku3.evaluation.trading.book_years import book_years
from gogooku3.evaluation.trading.trading import BookYear
from gogooku3.labels.target import Target
from gogooku3.pipeline.backtest_choices import BacktestChoices
from gogooku3.pipeline.benchmark import read_benchmark
from gogooku3.pipeline.borrowable import read_borrowable
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.predictions import column, to_grid
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.tape import panel_tape
from gogooku3.storage.atomic import write_json
from gogooku3.storage.csv import write_csv
from gogooku3.storage.hashing import digest_file, digest_json
from gogooku3.storage.parquet import write_parquet
from gogooku3.storage.paths import inside

_FOLDER = "backtests"


@dataclass(frozen=True, eq=False, kw_only=True)
class BacktestOutcome:
    """A backtest of a run's predictions, and where it was written.

    Attributes:
        model, target: Which predictions.
        settings: What was simulated.
        result: Day by day, with holdings and trades.
        summary: Over all sessions.
        years: Each calendar year.
        benchmark: Name of what it is compared with; None for nothing.
        relative: Against it; None without one.
        folder: Where the files are.
        files: ``daily.parquet``, ``holdings.parquet``, ``trades.csv`` and ``summary.json``.
        content: What the last one says.
    """

    model: str
    target: Target
    settings: BacktestSettings
    result: Backtest
    summary: BacktestSummary
    years: tuple[BookYear, ...]
    benchmark: str | None
    relative: RelativeSummary | None
    folder: Path
    files: tuple[Path, ...]
    content: Mapping[str, Any]


def backtest_run(run: Run, choices: BacktestChoices) -> BacktestOutcome:
    """Trade a run's predictions and write ``backtests/<name>/`` in its folder.

    The open test years are traded; with ``open_locked`` the locked ones instead, and that they were looked at is
    written down first. No price after the last of these sessions is used.

    Args:
        run: A trained run.
        choices: What to trade, and how.

    Raises:
        SettingsError: The model or target is not of this run, or choices contradict each other.
        StorageError: There are no predictions of these sessions.
        PanelError: The panel has no prices.
        DataError: A file of borrowable stocks or of a benchmark cannot be used.
        EvaluationError: The data cannot carry what is asked for.
    """
    judged = Judged(run)
    model, target = _model(run, choices.model), _target(judged, choices.target)
    settings = choices.settings(target, run.settings.evaluation.portfolio, judged.panel.calendar)
    work = _Work(judged, model, target, settings, choices)
    result = backtest(work.score, work.tape, settings, record=True)
    return work.outcome(result)


class _Work:
    def __init__(
        self, judged: Judged, model: str, target: Target, settings: BacktestSettings, choices: BacktestChoices
    ) -> None:
        self.judged, self.run, self.panel = judged, judged.run, judged.panel
        self.model, self.target, self.settings, self.choices = model, target, settings, choices
        self.locked = self.run.settings.run.open_locked
        folds = judged.span(locked=self.locked)["folds"].values()
        self.start, self.stop = min(rows[0] for rows in folds), max(rows[-1] for rows in folds) + 1
        self.sessions = self.panel.sessions[self.start : self.stop]
        self.score = self._score()
        if self.locked:
            judged.record_opening()  # looking at kept-back years is an event, whoever looks
        self.tape = self._tape()

    def _score(self) -> FloatDN:
        predictions = pl.read_parquet(self.judged.predictions_path)
        name = column(self.model, self.target)
        score = None
        if name in predictions.columns:
            score = to_grid(self.panel, predictions, name, self.start, self.stop)
        if score is None or not np.isfinite(score).any():
            raise StorageError(
                "there are no predictions of the sessions to be traded",
                where=f"{self.judged.predictions_path}, column {name}",
                expected=f"scores from {self.sessions[0]} to {self.sessions[-1]}",
                remedy="run `gogooku3 train --open-locked` first"
                if self.locked
                else "run `gogooku3 train` first",
            )
        return score

    def _tape(self) -> Tape:
        tape = panel_tape(
            self.panel, self.start, self.stop, self.run.settings.market, borrowable=self._borrowable()
        )
        if tape is None:
            raise PanelError(
                "the panel has no prices to trade at",
                got=f"fields {', '.join(self.panel.field_names) or 'none'}",
                expected="a panel that was built from bars",
                remedy="run `gogooku3 build` again with --bars",
            )
        return tape

    def _borrowable(self) -> BoolDN | None:
        path = self.choices.borrowable
        return None if path is None else read_borrowable(path, self.sessions, self.panel.codes)

    def _benchmark(self) -> tuple[str, FloatD] | None:
        """Return name and daily returns; the universe for a portfolio without a short leg."""
        path = self.choices.benchmark
        if path is not None:
            return path.name, read_benchmark(path, self.sessions)
        if self.settings.construction.side == "long_short":
            return None
        return "universe", universe_return(self.tape, self.panel.universe[self.start : self.stop])

    def outcome(self, result: Backtest) -> BacktestOutcome:
        """Summarise and write."""
        if not np.isfinite(result.net).any():
            raise DataError(
                "nothing could be traded",
                where=f"{self.model}, {self.target}",
                got=f"{int(result.refusals.orders.sum())} orders, {int((~result.ranked).sum())} of "
                f"{len(result.ranked)} sessions without a ranking",
                remedy="look at k and min_names, at the names per sector where it is sector-neutral, at the capital "
                "against the price of a lot, and at the borrowable list",
            )
        per_year = sessions_per_year(self.sessions)
        every = np.ones(len(self.sessions), dtype=np.bool_)
        judged_by = self.run.settings.evaluation
        summary = summarise_backtest(result, every, sessions_per_year=per_year, settings=judged_by)
        benchmark = self._benchmark()
        relative = (
            None
            if benchmark is None
            else compare_with_benchmark(result.net, benchmark[1], sessions_per_year=per_year)
        )
        years = book_years(self.sessions, result.net, sessions_per_year=per_year)
        name = None if benchmark is None else benchmark[0]
        content = self._content(result) | {
            "summary": plain(summary),
            "years": [plain(year) for year in years],
            "benchmark": name,
            "relative": plain(relative),
        }
        folder = self._folder()
        return BacktestOutcome(
            model=self.model,
            target=self.target,
            settings=self.settings,
            result=result,
            summary=summary,
            years=years,
            benchmark=name,
            relative=relative,
            folder=folder,
            files=_write(folder, result, content),
            content=content,
        )

    def _content(self, result: Backtest) -> dict[str, Any]:
        inputs = self._inputs()
        return {
            "run": self.run.settings.run.name,
            **inputs,
            "locked": self.locked,
            "first": str(self.sessions[0]),
            "last": str(self.sessions[-1]),
            "sessions": len(self.sessions),
            "sessions_per_year": plain(sessions_per_year(self.sessions)),
            "panel": self.panel.content_hash,
            "predictions": digest_file(self.judged.predictions_path),
            "ruined_on": None if result.ruined is None else str(self.sessions[result.ruined]),
        }

    def _inputs(self) -> dict[str, Any]:
        files = {"borrowable": self.choices.borrowable, "benchmark_file": self.choices.benchmark}
        return {
            "model": self.model,
            "target": str(self.target),
            "settings": plain(self.settings),
            **{name: None if path is None else digest_file(path) for name, path in files.items()},
        }

    def _folder(self) -> Path:
        stem = f"{self.model}-{self.target}{'-locked' if self.locked else ''}"
        name = self.choices.folder or f"{stem}-{digest_json(self._inputs())[:8]}"
        return inside(self.run.path(_FOLDER), name)


def _write(folder: Path, result: Backtest, content: Mapping[str, Any]) -> tuple[Path, ...]:
    """Write the files; the summary comes last, so that one beside other files is never of an earlier backtest."""
    names = ("daily.parquet", "holdings.parquet", "trades.csv", "summary.json")
    files = tuple(folder / name for name in names)
    files[3].unlink(missing_ok=True)
    write_parquet(daily_frame(result), files[0])
    write_parquet(holdings_frame(result), files[1])
    write_csv(trades_frame(result), files[2])
    write_json(files[3], content)
    return files


def _model(run: Run, model: str | None) -> str:
    known = run.settings.train.models
    if model is not None and model not in known:
        raise SettingsError("a model is not of this run", got=model, expected=", ".join(known))
    return model or known[-1]


def _target(judged: Judged, name: str | None) -> Target:
    """Return the target of that name; that of 5 sessions at lag 1, or the nearest to it, without one."""
    known = judged.panel.targets
    if name is None:
        return min(known, key=lambda target: (abs(target.lag - 1), abs(target.horizon - 5), target))
    wanted = Target.parse(name)
    if wanted not in known:
        raise SettingsError("a target is not of this run", got=name, expected=", ".join(map(str, known)))
    return wanted
