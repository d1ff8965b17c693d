"""Labels whose spans are over."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gogooku3.audit.witness import Sighting
from gogooku3.audit.witnesses.blocks import parts
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.run_folder import Run


class TargetWitness:
    """Raw returns and rank targets of every session whose label span ends by t."""

    name = "targets"
    needs_models = False

    def observe(self, run: Run, until: int) -> Iterator[Sighting]:
        """Yield the labels of one target and block at a time, cut where the span reaches beyond ``until``."""
        panel = panel_of(run)
        for label, block, codes in parts(panel, until):
            for column, target in enumerate(panel.targets):
                rows = int(np.clip(until - target.reach + 1 - block.first, 0, len(block.sessions)))
                for what in ("targets", "target_ranks"):
                    if rows:
                        yield Sighting(
                            name=f"{what} {target} {label}",
                            values=getattr(block, what)[:rows, :, column],
                            sessions=block.sessions[:rows],
                            codes=codes,
                        )
