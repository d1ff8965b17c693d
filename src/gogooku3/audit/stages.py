"""The witnesses that every audit calls, in the order of the pipeline."""

from __future__ import annotations

from gogooku3.audit.witness import Witness
from gogooku3.audit.witnesses.features import FeatureWitness
from gogooku3.audit.witnesses.fields import FieldWitness
from gogooku3.audit.witnesses.graph import GraphWitness
from gogooku3.audit.witnesses.models import ModelWitness
from gogooku3.audit.witnesses.ranks import RankWitness
from gogooku3.audit.witnesses.scores import MorningWitness, ScoreWitness
from gogooku3.audit.witnesses.targets import TargetWitness
from gogooku3.audit.witnesses.universe import UniverseWitness


def witnesses() -> tuple[Witness, ...]:
    """Return fresh witnesses; a later stage is added here and nowhere else."""
    return (
        UniverseWitness(),
        FieldWitness(),
        FeatureWitness(),
        TargetWitness(),
        RankWitness(),
        GraphWitness(),
        ModelWitness(),
        ScoreWitness(),
        MorningWitness(),
    )
