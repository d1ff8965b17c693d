"""How much of the uncertainty of a mean difference is due to seeds, and how much to the period."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from gogooku3.evaluation.significance import ewc_test

_FloatKD = Float64[np.ndarray, "K D"]


@dataclass(frozen=True, kw_only=True)
class SeedSplit:
    """Variance components of the mean daily difference between single models, K seeds on T days.

    Attributes:
        seeds: K.
        days: T, days on which every seed has a value.
        mean: Mean over seeds and days.
        seed_means: Mean over days of each seed.
        seed_sd: Standard deviation between seeds over an endless period; 0 where the estimate is negative.
        seed_error: Standard error of ``mean`` from the choice of seeds, ``seed_sd / sqrt(K)``.
        period_error: The same from the period, whatever the seeds.
        joint_error: The same from what a seed does on some days only.
    """

    seeds: int
    days: int
    mean: float
    seed_means: tuple[float, ...]
    seed_sd: float
    seed_error: float
    period_error: float
    joint_error: float

    @property
    def error(self) -> float:
        """Standard error of ``mean`` from all three."""
        return math.hypot(self.seed_error, self.period_error, self.joint_error)

    @property
    def seed_share(self) -> float:
        """Share of the variance of ``mean`` that is due to seeds; NaN where nothing varies."""
        return self._share(self.seed_error)

    @property
    def period_share(self) -> float:
        """Share of the variance of ``mean`` that is due to the period; NaN where nothing varies."""
        return self._share(self.period_error)

    def _share(self, part: float) -> float:
        return (part / self.error) ** 2 if self.error > 0 else float("nan")


def seed_split(differences: _FloatKD, *, horizon: int) -> SeedSplit:
    """Split the variance of a mean over seeds s and days t by a crossed random-effects model.

    ``d_st = mu + a_s + b_t + e_st`` with seed effects of variance A, and day effects and remainders whose long-run
    variances over days are B and E. Then ``Var(mean) = A / K + B / T + E / (K T)``, and

    * ``E = sum over s of LRV(d_st - d_s. - d_.t + d_..) / (K - 1)``,
    * ``A = max(0, var over s of d_s. - E / T)``, divisor K - 1,
    * ``B = max(0, LRV(d_.t) - E / K)``,

    where LRV is the equal-weighted cosine estimator of ``ewc_test``, a dot a mean. With independent days these are
    the analysis-of-variance estimators of the two-way crossed model without replication; negative ones become 0.

    Args:
        differences: Daily difference of each seed, NaN where none, in order of time, [K, D].
        horizon: Sessions over which neighbouring values overlap.

    Source: Searle, Casella and McCulloch (1992), "Variance Components", section 4.4; long-run variances by Lazarus
    et al. (2018), "HAR Inference".
    """
    table = differences[:, np.isfinite(differences).all(axis=0)]
    seeds, days = table.shape
    by_seed, by_day = table.mean(axis=1), table.mean(axis=0)
    rest = table - by_seed[:, None] - by_day + table.mean()
    joint = sum(_long_run(row, horizon) for row in rest) / (seeds - 1)
    seed = max(0.0, float(by_seed.var(ddof=1)) - joint / days)
    period = max(0.0, _long_run(by_day, horizon) - joint / seeds)
    return SeedSplit(
        seeds=seeds,
        days=days,
        mean=float(table.mean()),
        seed_means=tuple(float(mean) for mean in by_seed),
        seed_sd=math.sqrt(seed),
        seed_error=math.sqrt(seed / seeds),
        period_error=math.sqrt(period / days),
        joint_error=math.sqrt(joint / (seeds * days)),
    )


def _long_run(series: np.ndarray, horizon: int) -> float:
    """Return T times the squared standard error of the mean; 0 where nothing varies."""
    error = ewc_test(series, horizon=horizon).standard_error
    return len(series) * error**2 if math.isfinite(error) else 0.0
