"""What every stage lets the audit see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from gogooku3.pipeline.run_folder import Run


@dataclass(frozen=True, eq=False, kw_only=True)
class Sighting:
    """An array that is known at some session, with the labels of its axes.

    Attributes:
        name: What it is, unique within its witness.
        values: The array. With ``sessions`` its first axis is sessions, with ``codes`` its second is stocks; where
            a stock does not occur it counts as NaN or False.
        sessions: datetime64[D] array of shape [L]; None where the array has no such axis.
        codes: Stock codes along the second axis; None where there is no such axis.
        columns: Names along the last axis; empty where they are not named.
        fold: The fold it belongs to; empty where it belongs to none. A rebuild that does not train this fold
            is not expected to show it.
    """

    name: str
    values: np.ndarray
    sessions: np.ndarray | None = None
    codes: tuple[str, ...] | None = None
    columns: tuple[str, ...] = ()
    fold: str = ""


@runtime_checkable
class Witness(Protocol):
    """One stage of the pipeline under oath: what of it is known at session ``until``.

    A later stage joins the audit by adding its witness to ``stages.witnesses``; the conformance test of witnesses
    then holds it to this: the same run shows the same sightings in the same order, names do not repeat, no sighting
    reaches beyond ``until``, and a larger ``until`` takes nothing away.
    """

    @property
    def name(self) -> str:
        """The stage, as reports name it."""

    @property
    def needs_models(self) -> bool:
        """Whether the stage exists only in runs that are trained."""

    def observe(self, run: Run, until: int) -> Iterator[Sighting]:
        """Yield everything of the stage that has to be the same whatever happens after session ``until``.

        Args:
            run: A run that is built and, where the witness needs it, trained.
            until: Index of the last session whose close is known.
        """
