"""The daily out-of-sample series of a trial."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64

from gogooku3.axes import FloatD
from gogooku3.errors import EvaluationError

if TYPE_CHECKING:
    import polars as pl

_FloatHD = Float64[np.ndarray, "H D"]
_HORIZON = re.compile(r"rank_ic_h(\d+)")


@dataclass(frozen=True, eq=False, kw_only=True)
class TrialSeries:
    """RankIC and net return of each session that a trial was measured on.

    Attributes:
        sessions: datetime64[D], strictly increasing, [D].
        horizons: Horizons of the objective, sessions, [H].
        rank_ic: RankIC at lag 1 of each horizon, NaN where a session has none, [H, D].
        net: Net return of the default portfolio of each horizon, NaN where there is none, [H, D].

    Raises:
        EvaluationError: Shapes do not fit, a session or horizon is there twice, or a value is infinite.
    """

    sessions: np.ndarray
    horizons: tuple[int, ...]
    rank_ic: _FloatHD
    net: _FloatHD

    def __post_init__(self) -> None:
        shape = (len(self.horizons), len(self.sessions))
        if not shape[0] or self.rank_ic.shape != shape or self.net.shape != shape:
            raise EvaluationError(
                "a trial's series are not aligned",
                got=(self.rank_ic.shape, self.net.shape),
                expected=f"[H, D] = {shape}, H >= 1",
            )
        if (np.diff(self.sessions) <= np.timedelta64(0, "D")).any() or len(set(self.horizons)) < shape[0]:
            raise EvaluationError(
                "a trial's series are out of order", expected="rising sessions and different horizons"
            )
        if np.isinf(self.rank_ic).any() or np.isinf(self.net).any():
            raise EvaluationError("a trial's series are infinite", expected="finite values or NaN")

    @property
    def mean_rank_ic(self) -> FloatD:
        """Mean over the horizons, NaN where one has no value, [D]."""
        return _mean(self.rank_ic)

    @property
    def mean_net(self) -> FloatD:
        """Mean over the horizons, NaN where one has no value, [D]."""
        return _mean(self.net)

    def to_frame(self) -> pl.DataFrame:
        """Return columns ``date``, ``rank_ic``, ``rank_ic_h1`` ..., ``net``, ``net_h1`` ...; null where NaN."""
        import polars as pl

        columns = {"rank_ic": self.mean_rank_ic}
        columns |= {f"rank_ic_h{h}": values for h, values in zip(self.horizons, self.rank_ic, strict=True)}
        columns |= {"net": self.mean_net}
        columns |= {f"net_h{h}": values for h, values in zip(self.horizons, self.net, strict=True)}
        dates = pl.Series("date", self.sessions.astype("datetime64[D]"))
        return pl.DataFrame([dates, *(pl.Series(k, v, nan_to_null=True) for k, v in columns.items())])

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> TrialSeries:
        """Read what `to_frame` returned.

        Raises:
            EvaluationError: It did not.
        """
        horizons = [int(match[1]) for name in frame.columns if (match := _HORIZON.fullmatch(name))]
        expected = ["date", "rank_ic", *(f"rank_ic_h{h}" for h in horizons)]
        expected += ["net", *(f"net_h{h}" for h in horizons)]
        if not horizons or frame.columns != expected:
            raise EvaluationError(
                "a table is no trial's series",
                got=", ".join(frame.columns),
                expected="date, rank_ic, rank_ic_h1 ..., net, net_h1 ...",
            )
        return cls(
            sessions=frame["date"].to_numpy().astype("datetime64[D]"),
            horizons=tuple(horizons),
            rank_ic=_grid(frame, [f"rank_ic_h{h}" for h in horizons]),
            net=_grid(frame, [f"net_h{h}" for h in horizons]),
        )


def _mean(grid: _FloatHD) -> FloatD:
    mean: FloatD = grid.mean(axis=0)
    return mean


def _grid(frame: pl.DataFrame, names: list[str]) -> _FloatHD:
    grid: _FloatHD = frame.select(names).to_numpy().T.astype(np.float64)
    return grid
