"""The run on the true bars that every rebuild is held against."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from gogooku3.audit.material import Material, write_bars
from gogooku3.audit.rerun import rerun
from gogooku3.audit.settings import AuditSettings
from gogooku3.audit.stages import witnesses
from gogooku3.audit.told import write_told
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import build, panel_of
from gogooku3.pipeline.deep import DeepWork
from gogooku3.pipeline.published import read_published
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.segments import feature_set
from gogooku3.pipeline.train import folds_of, train
from gogooku3.progress import Silent
from gogooku3.splits.fold import Fold
from gogooku3.splits.fold_years import fold_years
from gogooku3.training.ranked_rows import RankedRows, ranked_rows


class Base:
    """The sampled bars, built once and trained for the folds that are asked for.

    Args:
        run: The audited run.
        audit: The audit's settings.
        material: The sampled bars.
        folder: The audit's own folder.
    """

    def __init__(self, run: Run, audit: AuditSettings, material: Material, folder: Path) -> None:
        self.audited, self.audit, self.material, self.folder = run, audit, material, folder
        self.witnesses = witnesses()

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Names of the features of every rebuild."""
        published = read_published(self.audited, unadjusted=self.material.bars.chained)
        return feature_set(self.audited.settings.panel, published).exported

    @cached_property
    def run(self) -> Run:
        """The run on the true bars, built."""
        folder = self.folder / "base"
        folder.mkdir(parents=True, exist_ok=True)
        files = write_bars(self.material.bars, folder) | write_told(self.material.told, folder)
        run = self._rerun("all", files, self.material.years)
        build(run)
        return run

    @cached_property
    def whole(self) -> Run:
        """The same run, trained on all folds."""
        train(self.run)
        return self.run

    @cached_property
    def panel(self) -> Panel:
        """Its panel."""
        return panel_of(self.run)

    @cached_property
    def rows(self) -> RankedRows:
        """Its rows of training, all sessions."""
        return ranked_rows(self.panel, len(self.panel.sessions), Silent())

    @cached_property
    def deep(self) -> DeepWork:
        """What its deep models learn from."""
        return DeepWork(self.whole, self.panel, int(max(fold.test[-1] for fold in self.folds)) + 1)

    @cached_property
    def folds(self) -> tuple[Fold, ...]:
        """Its folds."""
        return folds_of(self.run, self.panel)

    @cached_property
    def usable(self) -> np.ndarray:
        """Indices of the sessions that have a universe."""
        return np.flatnonzero(self.panel.universe.any(axis=1))

    def trained(self, folds: Sequence[Fold]) -> Run:
        """Return a run on the true bars, trained on folds that begin where these do: what folds share is the same."""
        years = fold_years(folds)
        if not years:
            return self.run
        if years[0] == self.material.years[0]:
            return self.whole
        run = self._rerun("-".join(map(str, years)), {}, years, panel=self.run.path("panel"))
        train(run)
        return run

    def rebuild(self, folder: Path, files: dict[str, Path], years: Sequence[int]) -> Run:
        """Return a run on other bars, not built yet."""
        return rerun(
            self.audited,
            self.audit,
            share=self.material.share,
            folder=folder,
            name="rebuild",
            files=files,
            features=self.features,
            years=years,
        )

    def _rerun(
        self, name: str, files: dict[str, Path], years: Sequence[int], panel: Path | None = None
    ) -> Run:
        return rerun(
            self.audited,
            self.audit,
            share=self.material.share,
            folder=self.folder / "base",
            name=name,
            files=files,
            features=self.features,
            years=years,
            panel=panel,
        )
