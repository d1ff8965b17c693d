"""Bars to panel: validate, assemble, compute features and labels segment by segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gogooku3.errors import DataError, PanelError, SettingsError
from gogooku3.market.assemble import assemble
from gogooku3.market.bars import Bars
from gogooku3.market.market import Market
from gogooku3.market.quarantine import write_quarantine
from gogooku3.market.report import ValidationReport
from gogooku3.market.universe import universe
from gogooku3.panel.open import open_panel
from gogooku3.panel.panel import Panel
from gogooku3.panel.quality import FeatureQuality
from gogooku3.panel.writer import PanelWriter
from gogooku3.pipeline.lineage import code_digest
from gogooku3.pipeline.published import (
    Published,
    keep_published,
    published_files,
    published_places,
    read_published,
)
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.segments import SegmentMaker, feature_set, stock_table
from gogooku3.pipeline.stage import StageRecord, run_stage, write_record
from gogooku3.sources.files import FileSource
from gogooku3.sources.journal import journal_entries, with_journal
from gogooku3.sources.simulation.simulate import simulate, truth_frame
from gogooku3.storage.atomic import write_json
from gogooku3.storage.hashing import digest_file, digest_json
from gogooku3.storage.lock import exclusive
from gogooku3.storage.parquet import write_parquet

_CODE = (
    "sources.files",
    "pipeline.published",
    "sources.journal",
    "sources.simulation.simulate",
    "market.assemble",
    "market.universe",
    "pipeline.segments",
    "panel.writer",
    "panel.quality",
)
_QUARANTINE = "quarantine.csv"


def build(run: Run) -> StageRecord:
    """Make the run's panel from its bars, or check the ready panel it names.

    Raises:
        SettingsError: No source of bars is named.
        DataError: The bars cannot be used.
        PanelError: A feature is wholly missing or constant, or the ready panel is damaged.
    """
    settings = run.settings
    if settings.panel.file is not None:
        panel = open_panel(settings.panel.file)
        described = {"stage": "build", **_describe(panel)}
        return run_stage(run, "build", {"panel": panel.content_hash}, (), lambda: [described])
    if settings.source.bars is None and not settings.run.simulated:
        raise SettingsError(
            "there are no bars",
            expected="--bars FILE, --panel FILE or --simulated",
            remedy="`gogooku3 demo` runs on the simulated market; `gogooku3 run --bars prices.parquet` on yours",
        )
    _refuse_absent(run)
    with exclusive(run.path("stages/.build.lock"), "a panel is being built"):
        inputs = build_inputs(run) | file_inputs(run)
        _forget_if_damaged(run)
        return run_stage(run, "build", inputs, _outputs(run), lambda: _build(run))


def build_inputs(run: Run) -> dict[str, Any]:
    """Return the settings and the code that a panel is made by."""
    settings = run.settings
    names = ("market", "universe", "labels", "panel", "simulation" if settings.run.simulated else "source")
    inputs: dict[str, Any] = {name: getattr(settings, name).model_dump(mode="json") for name in names}
    return inputs | {"code": code_digest(_CODE)}


def file_inputs(run: Run, bars: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return digests of the files that a panel is made from.

    Args:
        run: The run.
        bars: Digests of the files of bars, where they are known; of the files as they are if not given.
    """
    if run.settings.run.simulated:
        return {}
    source = run.settings.source
    known = _digests(source.bars, source.pattern) if bars is None else bars
    beside = {**_digests(source.listing, ""), **_digests(source.delistings, "")}
    beside |= {str(file): digest_file(file) for file in published_files(source)}
    entries = journal_entries(journal_folder(run, known))
    journal = {path.name: digest_file(path) for path in entries}
    return {"files": dict(known), "beside": beside, "journal": journal}


def journal_folder(run: Run, bars: Mapping[str, str]) -> Path:
    """Return where bars are kept that were appended to files of bars with these digests."""
    return run.path(f"appended/{digest_json(dict(bars))[:16]}")


def finish_build(run: Run, record: StageRecord, panel: Panel, seconds: float) -> StageRecord:
    """Write down that the panel is what a build from the bars and the journal would make.

    Args:
        run: The run.
        record: Of the build that the panel goes on from.
        panel: The panel as it is now.
        seconds: How long the append took.
    """
    inputs = build_inputs(run) | file_inputs(run, record.inputs["files"])
    described = {"stage": "build", **_describe(panel)}
    return write_record(
        run, "build", inputs=inputs, outputs=_outputs(run), metrics=[described], seconds=seconds
    )


def panel_of(run: Run) -> Panel:
    """Open the run's panel.

    Raises:
        PanelError: It is absent or damaged.
    """
    return open_panel(run.settings.panel.file or run.path("panel"))


def _outputs(run: Run) -> Iterator[str]:
    """Yield what a build has written; the manifest stands for the panel's segments, which check themselves."""
    yield from ("panel/manifest.json", "validation.json")
    if run.path(_QUARANTINE).is_file():
        yield _QUARANTINE
    if run.settings.run.simulated:
        yield from ("truth.parquet", "attainable.json")


def _forget_if_damaged(run: Run) -> None:
    """Let a panel of which any byte is damaged be built again, and say so."""
    if not run.path("panel/manifest.json").exists():
        return
    try:
        open_panel(run.path("panel")).verify()
    except PanelError as error:
        run.progress.note(f"the panel is built again: {error.what} ({error.where})")
        run.path("stages/build.json").unlink(missing_ok=True)


def _refuse_absent(run: Run) -> None:
    """Let a file that is not there be named before a folder is made for the run."""
    source = run.settings.source
    for path in (source.bars, source.listing, source.delistings, *published_places(source).values()):
        if path is not None and not path.exists():
            digest_file(path)


def _digests(path: Path | None, pattern: str) -> dict[str, str]:
    if path is None:
        return {}
    files = sorted(p for p in path.glob(pattern) if p.is_file()) if path.is_dir() else [path]
    return {str(file): digest_file(file) for file in files}


def _build(run: Run) -> Sequence[Mapping[str, Any]]:
    settings = run.settings
    run.progress.note("reading bars")
    bars, journal = (_simulated(run), ()) if settings.run.simulated else _from_files(run)
    if bars.others:
        run.progress.note(
            f"left out: {len(bars.others):,} codes that are no stocks, as the listing says, such as {bars.others[0]}"
        )
    run.progress.note("validating bars")
    market, validation = assemble(bars, settings.market)
    _write_validation(run, validation)
    member = universe(market, settings.universe)
    if not member.any():
        held = market.present.sum(axis=0).max()
        raise DataError(
            "no stock is ever in the universe",
            where="universe.min_history, universe.turnover_window",
            got=f"{len(market.sessions)} sessions, at most {held} bars of a stock",
            expected=f"stocks with {settings.universe.min_history} bars",
            remedy="bring more history, or lower universe.min_history",
        )
    published = read_published(run, unadjusted=bars.chained)
    lineage = {
        "files": {file.path.name: file.sha256 for file in bars.files},
        "code": code_digest(_CODE),
        "journal": [path.name for path in journal],
    }
    _write_panel(run, market, member, published, lineage)
    keep_published(run, published)
    return [{"stage": "build", **_describe(open_panel(run.path("panel")))}]


def _from_files(run: Run) -> tuple[Bars, tuple[Path, ...]]:
    source = run.settings.source
    journal = journal_entries(journal_folder(run, _digests(source.bars, source.pattern)))
    return with_journal(FileSource(source).load(), journal), journal


def _simulated(run: Run) -> Bars:
    settings = run.settings
    targets = [(target.horizon, target.lag) for target in settings.labels.targets]
    simulation = simulate(settings.simulation, targets)
    write_parquet(truth_frame(simulation), run.path("truth.parquet"))
    attainable = {
        part: {f"h{h}_d{d}": round(value, 6) for (h, d), value in values.items()}
        for part, values in simulation.attainable.items()
    }
    write_json(run.path("attainable.json"), attainable)
    run.progress.note("attainable RankIC: " + ", ".join(f"{t} {v:.3f}" for t, v in attainable["all"].items()))
    return simulation.bars


def _write_validation(run: Run, report: ValidationReport) -> None:
    write_json(run.path("validation.json"), report.to_json())
    quarantine = run.path(_QUARANTINE)
    quarantine.unlink(missing_ok=True)
    if report.quarantine.height:
        write_quarantine(report, quarantine)
        run.progress.note(f"{report.quarantine.height:,} faults are written out in {quarantine}")
    for line in report.lines():
        run.progress.note(line)


def _write_panel(
    run: Run, market: Market, member: np.ndarray, published: Published, lineage: Mapping[str, Any]
) -> None:
    settings = run.settings
    maker = SegmentMaker(market, member, settings.labels.targets, settings.panel, published=published)
    quality = FeatureQuality(maker.axes.feature_names)
    total = len(market.sessions)
    run.progress.start("computing features", total, "sessions")
    with PanelWriter(run.path("panel"), maker.axes, stock_table(market), dict(lineage)) as writer:
        for start in range(0, total, maker.length):
            segment = maker.segment(start, min(start + maker.length, total))
            quality.add(segment.features)
            writer.add(segment)
            run.progress.advance(len(segment.sessions))
        quality.refuse(allowed=settings.panel.allow_constant)
    if published.known:
        _note_missing(run, quality, maker.axes.feature_names)


def _note_missing(run: Run, quality: FeatureQuality, names: Sequence[str]) -> None:
    """Say how often each feature of what is published is missing, the most often first."""
    own = set(feature_set(run.settings.panel).exported)
    rates = {name: rate for name, rate in zip(names, quality.missing, strict=True) if name not in own}
    told = ", ".join(f"{name} {rate:.0%}" for name, rate in sorted(rates.items(), key=lambda one: -one[1]))
    run.progress.note(f"missing on stock-days: {told}")


def _describe(panel: Panel) -> dict[str, Any]:
    return {
        "sessions": len(panel.sessions),
        "stocks": len(panel.codes),
        "features": len(panel.feature_names),
        "targets": [str(target) for target in panel.targets],
        "stock_days": int(panel.present.sum()),
        "universe_days": int(panel.universe.sum()),
        "first": str(panel.sessions[0]),
        "last": str(panel.sessions[-1]),
        "content": panel.content_hash,
    }
