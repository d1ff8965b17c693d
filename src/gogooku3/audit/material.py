"""The bars that an audit works on: a sample of the run's own, without a session of a locked year."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from gogooku3.audit.settings import AuditSettings
from gogooku3.audit.told import Told, load_told
from gogooku3.errors import DataError, SettingsError
from gogooku3.market.bars import Bars
from gogooku3.market.calendar import sessions_between
from gogooku3.pipeline.build import file_inputs, journal_folder
from gogooku3.pipeline.run_folder import Run
from gogooku3.sources.files import FileSource
from gogooku3.sources.journal import journal_entries, with_journal
from gogooku3.sources.simulated import SimulatedSource
from gogooku3.splits.walk_forward import WalkForward
from gogooku3.storage.parquet import write_parquet

_COLUMNS = ("date", "code", "open", "high", "low", "close", "volume", "turnover", "adj_factor", "sector")


@dataclass(frozen=True, eq=False, kw_only=True)
class Material:
    """Bars in canonical form, sorted by date and code.

    Attributes:
        bars: The sampled stocks up to the last session that may be looked at.
        share: Sampled stocks as a share of all.
        end: Last date that may be looked at.
        years: Years that the run tests.
        told: What is published about them.
    """

    bars: Bars
    share: float
    end: date
    years: tuple[int, ...]
    told: Told

    @property
    def digest(self) -> str:
        """SHA-256 of the sampled bars and of the tables beside them."""
        digest = hashlib.sha256()
        for table in (self.bars.frame, self.bars.listing, self.bars.delistings, *self.told.values()):
            digest.update(b"-" if table is None else repr(table.schema).encode())
            if table is not None:
                digest.update(table.hash_rows(seed=0).to_numpy().tobytes())
        return digest.hexdigest()


def load_material(run: Run, audit: AuditSettings) -> Material:
    """Read the run's bars, leave out locked years, and draw stocks.

    Raises:
        SettingsError: The run has no bars of its own.
        DataError: The bars cannot be read, or none is left.
    """
    settings, bars = run.settings, _load(run)
    frame = bars.frame.select([name for name in _COLUMNS if name in bars.frame.columns])
    frame = frame.filter(pl.col("date").is_not_null() & pl.col("code").is_not_null())
    days = frame.get_column("date").unique().sort()
    if days.is_empty():
        raise DataError("the bars have no row", remedy="check the source")
    sessions = sessions_between(settings.market.calendar, days[0], days[-1])
    ended_after = settings.market.ended_after
    reach = max(target.known_after(ended_after) for target in settings.labels.targets)
    walk = WalkForward(settings=settings.splits, reach=reach)
    stop = walk.locked_from(sessions)
    end = sessions[stop - 1].astype("datetime64[D]").item()
    frame = frame.filter(pl.col("date") <= end)
    codes = frame.get_column("code").unique().sort().to_numpy()
    rng = np.random.default_rng([audit.seed, 0])
    picked = np.sort(rng.permutation(codes)[: audit.stocks]).tolist()
    mine = pl.col("code").is_in(picked)
    usable = np.ones(stop, dtype=np.bool_)
    folds = walk.folds(sessions, np.concatenate([usable, np.ones(len(sessions) - stop, dtype=np.bool_)]))
    return Material(
        bars=Bars(
            frame=frame.filter(mine).sort("date", "code"),
            listing=None if bars.listing is None else bars.listing.filter(mine).sort("code"),
            delistings=None
            if bars.delistings is None
            else bars.delistings.filter(mine & (pl.col("last_session") <= end)).sort("code"),
            chained=bars.chained,
        ),
        share=len(picked) / len(codes),
        end=end,
        years=tuple(int(fold.name) for fold in folds),
        told=load_told(run, picked, end),
    )


def write_bars(bars: Bars, folder: Path) -> dict[str, Path]:
    """Write bars as files that ``FileSource`` reads, and return the source settings that name them."""
    written: dict[str, Path] = {}
    frame = _by_day(bars.frame) if bars.chained else bars.frame
    for name, table in (("bars", frame), ("listing", bars.listing), ("delistings", bars.delistings)):
        if table is not None and table.height:
            written[name] = folder / f"{name}.parquet"
            write_parquet(table, written[name], compression="uncompressed")
    return written


def _by_day(frame: pl.DataFrame) -> pl.DataFrame:
    """Return bars with factors of their day, as those are that nobody adjusted."""
    before = pl.col("adj_factor").shift(1).over("code", order_by="date")
    daily = (before / pl.col("adj_factor")).fill_null(1.0)
    return frame.with_columns(AdjustmentFactor=daily).drop("adj_factor")


def _load(run: Run) -> Bars:
    """Return the bars that a build of the run reads, appended ones included."""
    settings = run.settings
    if settings.run.simulated:
        return SimulatedSource(settings.simulation).load()
    if settings.source.bars is None:
        raise SettingsError(
            "there are no bars to change: what a ready panel was made from is not known",
            where="panel.file",
            got=settings.panel.file,
            expected="a run that is built from bars",
            remedy="build the run with --bars or --simulated",
        )
    journal = journal_entries(journal_folder(run, file_inputs(run)["files"]))
    return with_journal(FileSource(settings.source).load(), journal)
