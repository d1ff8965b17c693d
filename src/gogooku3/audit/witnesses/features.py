"""The features as the panel holds them."""

from __future__ import annotations

from collections.abc import Iterator

from gogooku3.audit.witness import Sighting
from gogooku3.audit.witnesses.blocks import parts
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.run_folder import Run


class FeatureWitness:
    """Features up to t, read through the panel's blocks."""

    name = "features"
    needs_models = False

    def observe(self, run: Run, until: int) -> Iterator[Sighting]:
        """Yield blocks of features."""
        panel = panel_of(run)
        for label, block, codes in parts(panel, until):
            yield Sighting(
                name=f"features {label}",
                values=block.features,
                sessions=block.sessions,
                codes=codes,
                columns=panel.feature_names,
            )
