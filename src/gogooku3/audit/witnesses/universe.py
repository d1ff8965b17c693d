"""Who has a bar and who can be ranked."""

from __future__ import annotations

from collections.abc import Iterator

from gogooku3.audit.witness import Sighting
from gogooku3.audit.witnesses.blocks import parts
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.run_folder import Run


class UniverseWitness:
    """Presence and membership up to t."""

    name = "universe"
    needs_models = False

    def observe(self, run: Run, until: int) -> Iterator[Sighting]:
        """Yield presence and membership."""
        for label, block, codes in parts(panel_of(run), until):
            for what in ("present", "universe"):
                yield Sighting(
                    name=f"{what} {label}", values=getattr(block, what), sessions=block.sessions, codes=codes
                )
