"""Labels that are known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gogooku3.audit.witness import Sighting
from gogooku3.audit.witnesses.blocks import parts
from gogooku3.axes import BoolLN
from gogooku3.labels.target import Target
from gogooku3.panel.block import Block
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.run_folder import Run


class TargetWitness:
    """Raw returns and rank targets of every session whose labels are known by t.

    That a stock ended is known some sessions after its last bar (``Target.known_after``). Returns of spans that are
    over before that are observed where there is a bar at the exit, which no end can change.
    """

    name = "targets"
    needs_models = False

    def observe(self, run: Run, until: int) -> Iterator[Sighting]:
        """Yield the labels of one target and block at a time, cut where they reach beyond ``until``."""
        panel = panel_of(run)
        for label, block, codes in parts(panel, until):
            for column, target in enumerate(panel.targets):
                known = until - target.known_after(run.settings.market.ended_after) + 1 - block.first
                over = until - target.reach + 1 - block.first
                rows, more = (int(np.clip(count, 0, len(block.sessions))) for count in (known, over))
                returns = block.targets[:more, :, column]
                grids = {
                    "targets": returns[:rows],
                    "target_ranks": block.target_ranks[:rows, :, column],
                    "targets with an exit price": np.where(
                        _traded(panel, block, target, more), returns, np.nan
                    ),
                }
                for what, values in grids.items():
                    if len(values):
                        yield Sighting(
                            name=f"{what} {target} {label}",
                            values=values,
                            sessions=block.sessions[: len(values)],
                            codes=codes,
                        )


def _traded(panel: Panel, block: Block, target: Target, rows: int) -> BoolLN:
    """Whether each stock of a block has a bar at the exit of its label, for the block's first ``rows`` sessions."""
    first = block.first + target.reach
    traded: BoolLN = panel.present[first : first + rows][:, block.stock]
    return traded
