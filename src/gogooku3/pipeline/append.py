"""Add sessions to a run's panel, and mend what a correction touches; everything else stays as it is."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from gogooku3.errors import DataError, SettingsError
from gogooku3.market.bars import Bars
from gogooku3.market.calendar import sessions_between
from gogooku3.market.validation import validate
from gogooku3.panel.open import open_panel
from gogooku3.panel.panel import Panel
from gogooku3.panel.writer import PanelWriter
from gogooku3.pipeline.build import build_inputs, finish_build, journal_folder
from gogooku3.pipeline.changes import Changes, find_changes
from gogooku3.pipeline.differing import differing
from gogooku3.pipeline.mend import Mender
from gogooku3.pipeline.published import Published, first_change, keep_published, read_published
from gogooku3.pipeline.roll import roll_stocks
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.stage import StageRecord, read_stage
from gogooku3.sources.files import FileSource
from gogooku3.sources.journal import journal_entries, read_entries, write_entry
from gogooku3.storage.csv import write_csv
from gogooku3.storage.lock import exclusive

_FREE = ("source.listing", "source.delistings", "source.statements", "source.margin", "source.short_selling")
"""Which files of stocks are read may change, as may what they hold."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Appended:
    """What an append did.

    Attributes:
        sessions: Sessions that were added, those without any bar included.
        changes: Bars that were applied.
        computed: Sessions whose features were computed: the new ones, and those that a correction touches.
        relabelled: Earlier sessions whose labels changed.
        panel: The panel as it is now.
    """

    sessions: int
    changes: Changes
    computed: int
    relabelled: int
    panel: Panel


def append(run: Run, bars: Path, *, whole: Collection[date] = (), even_nothing: bool = False) -> Appended:
    """Add the sessions that ``bars`` has after the panel's last one, and apply its corrections of earlier bars.

    The panel then holds, bit for bit, what a build from all bars would give (to rounding where a vendor rescaled a
    stock's past). Only what changes is computed: new sessions, the labels that they complete, and the sessions
    within a corrected bar's reach. Bars that the panel has already may be in the file and change nothing.

    Args:
        run: A run whose panel was built from files.
        bars: A file or folder of bars with the columns that the run was built from.
        whole: Days of which it has every bar: what the panel has beyond those was withdrawn, and is removed.
        even_nothing: Do nothing where there is nothing new, instead of refusing.

    Raises:
        SettingsError: The run has no panel built from bars, or other settings than it.
        DataError: The bars are refused, have nothing new, or do not go on from the panel's.
        StorageError: Another process is writing, or the disk refuses.
    """
    with exclusive(run.path("stages/.build.lock"), "a panel is being built"):
        began = time.perf_counter()
        record = _built(run)
        panel = open_panel(run.path("panel"))
        _catch_up(run, record, panel)
        source = FileSource(run.settings.source.model_copy(update={"bars": bars})).load()
        run.progress.note("validating bars")
        valid = validate(source, run.settings.market)
        _write_quarantine(run, valid.quarantine)
        found = find_changes(panel, valid.frame, chained=source.chained, whole=whole)
        _refuse_ended(panel, source)
        journal = journal_folder(run, record.inputs["files"])
        rows = _with_pending(run, panel, journal, found.rows)
        published = read_published(run, unadjusted=source.chained)
        known = first_change(run, published)
        if (
            rows.is_empty()
            and source.delistings is None
            and (known is None or known > panel.sessions[-1].item())
        ):
            if even_nothing:
                return Appended(sessions=0, changes=found, computed=0, relabelled=0, panel=panel)
            raise DataError(
                "there is nothing new in the bars",
                where=bars,
                got=f"{found.same:,} bars that the panel has",
                expected=f"sessions after {panel.sessions[-1]}, or corrections",
            )
        if found.rows.height:
            write_entry(journal, _labelled(panel, found.rows))
        told = _Told(published, known)
        done = _apply(run, panel, journal, rows=rows, source=source, found=found, told=told)
        keep_published(run, published)
        finish_build(run, record, done.panel, time.perf_counter() - began)
        return done


@dataclass(frozen=True, eq=False)
class _Told:
    """What is published, and the first session on which it is known otherwise than before."""

    published: Published
    first: date | None


def _catch_up(run: Run, record: StageRecord, panel: Panel) -> None:
    """Write the record of an append that was cut off after it had changed the panel."""
    entries = [path.name for path in journal_entries(journal_folder(run, record.inputs["files"]))]
    if entries == list(panel.lineage.get("journal", ())) and entries != sorted(record.inputs["journal"]):
        finish_build(run, record, panel, record.seconds)


def _built(run: Run) -> StageRecord:
    """Return the record of the run's build, after checking that this would be the same build."""
    record = read_stage(run, "build")
    if record is None or run.settings.panel.file is not None or run.settings.run.simulated:
        raise SettingsError(
            "the run has no panel that was built from files of bars",
            where=run.folder,
            remedy="`gogooku3 build --bars FILE` first",
        )
    others = differing(record.inputs, build_inputs(run), then="at the build", free=_FREE)
    if others:
        raise SettingsError(
            "the panel was built with something else",
            where=run.path("panel"),
            got="; ".join(others),
            remedy="append with the settings and the version it was built with, or `gogooku3 build` anew",
        )
    return record


def _with_pending(run: Run, panel: Panel, journal: Path, rows: pl.DataFrame) -> pl.DataFrame:
    """Put bars of an append that was cut off before those of this one."""
    entries = journal_entries(journal)
    pending = entries[len(panel.lineage.get("journal", ())) :]
    if not pending:
        return rows
    run.progress.note(f"finishing {len(pending)} appends that were cut off")
    earlier = read_entries(pending).select(pl.exclude("source_row", "source_file"))
    return (
        pl.concat([earlier, rows], how="diagonal")
        .unique(("date", "code"), keep="last", maintain_order=True)
        .sort("date", "code")
    )


def _refuse_ended(panel: Panel, source: Bars) -> None:
    """A build would set aside bars after a delisting, which an append does not look back for."""
    if source.delistings is None:
        return
    both = panel.stocks.join(source.delistings, on="code", suffix="_given").filter(
        pl.col("last_session") > pl.col("last_session_given")
    )
    if both.height:
        raise DataError(
            "the panel has bars after a delisting",
            where=f"code {both.get_column('code')[0]}",
            got=both.get_column("last_session")[0],
            expected=f"no bar after {both.get_column('last_session_given')[0]}",
            remedy="`gogooku3 build`, which sets such bars aside, or mend the table of delistings",
        )


def _labelled(panel: Panel, rows: pl.DataFrame) -> pl.DataFrame:
    """Give known stocks the sector that the panel has, since features of the past rest on it."""
    if "sector" not in rows.columns:
        return rows
    known = dict(panel.stocks.select("code", "sector").iter_rows())
    held = pl.col("code").replace_strict(known, default=None, return_dtype=pl.String)
    is_known = pl.col("code").is_in(list(known))
    return rows.with_columns(sector=pl.when(is_known & (held != "")).then(held).otherwise("sector"))


def _apply(
    run: Run, panel: Panel, journal: Path, *, rows: pl.DataFrame, source: Bars, found: Changes, told: _Told
) -> Appended:
    settings = run.settings
    last = panel.sessions[-1].astype(object)
    final = max(last, rows.get_column("date").max() or last)
    new = sessions_between(panel.calendar, last, final)[1:] if final > last else panel.sessions[:0]
    sessions = np.concatenate([panel.sessions, new])
    stocks = roll_stocks(panel, rows, source, sessions, settings.market)
    mender = Mender(run, panel, stocks, sessions, rows, published=told.published, known=told.first)
    lineage = dict(panel.lineage) | {"journal": [path.name for path in journal_entries(journal)]}
    run.progress.start("appending", mender.work, "sessions")
    with PanelWriter(run.path("panel"), panel.axes, stocks, lineage) as writer:
        mender.write(writer, run.progress.advance)
    opened = open_panel(run.path("panel"))
    run.progress.note(
        f"{len(new)} sessions, {found.new:,} new bars, {found.late:,} late, {found.corrected:,} corrected, "
        f"{found.withdrawn:,} withdrawn, {len(found.rescaled)} stocks rescaled; "
        f"labels of {mender.relabelled} sessions changed"
    )
    return Appended(
        sessions=len(new),
        changes=found,
        computed=mender.computed,
        relabelled=mender.relabelled,
        panel=opened,
    )


def _write_quarantine(run: Run, faults: pl.DataFrame) -> None:
    if faults.height:
        path = run.path("quarantine-appended.csv")
        write_csv(faults, path)
        run.progress.note(f"{faults.height:,} faults of the appended bars are written out in {path}")
