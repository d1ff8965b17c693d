"""The market's own fields beside the features."""

from __future__ import annotations

from collections.abc import Iterator

from gogooku3.audit.witness import Sighting
from gogooku3.audit.witnesses.blocks import parts
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.run_folder import Run


class FieldWitness:
    """Fields of the panel up to t: prices, value traded, links."""

    name = "fields"
    needs_models = False

    def observe(self, run: Run, until: int) -> Iterator[Sighting]:
        """Yield each field of each block."""
        panel = panel_of(run)
        for label, block, codes in parts(panel, until):
            for field in panel.field_names:
                yield Sighting(
                    name=f"{field} {label}", values=block.field(field), sessions=block.sessions, codes=codes
                )
