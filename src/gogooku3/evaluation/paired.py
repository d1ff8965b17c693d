"""Two models on the same stock-days, with the uncertainty of the days and of the seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from gogooku3.evaluation.evaluation import WHOLE
from gogooku3.evaluation.many_tries.false_discovery import false_discovery, two_sided_p
from gogooku3.evaluation.rank_series import RankSeries
from gogooku3.evaluation.seed_split import SeedSplit, seed_split
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.significance import ewc_test
from gogooku3.evaluation.summary import SeriesSummary, summarise
from gogooku3.labels.target import Target

_FloatKD = Float64[np.ndarray, "K D"]
_NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class PairedCoverage:
    """Stock-days with a label: those that count, and those that each of the two has a score for."""

    compared: int
    model: int
    against: int


@dataclass(frozen=True, kw_only=True)
class Paired:
    """The paired daily difference of RankIC, ``model - against``, at one target.

    Attributes:
        model: The model whose RankIC counts positively.
        against: The model it is compared with.
        target: Horizon and lag.
        coverage: Stock-days.
        periods: The difference over ``all`` and each calendar year, by name.
        split: Seeds and period, of single members; None where neither model has seeds.
        seed_error: Standard error of the mean from the choice of seeds, by the jackknife; 0 without seeds.
        low, high: Interval by cosines, widened by ``seed_error``.
        t, freedom: The test that belongs to it.
        p_value: Of no difference, two-sided, by that test.
        independent, dependent: ``p_value`` adjusted for all pairs and targets (Benjamini and Hochberg; Benjamini and
            Yekutieli).
        verdict: 1 where ``model`` ranks better, -1 where worse, 0 where the two cannot be told apart.
    """

    model: str
    against: str
    target: Target
    coverage: PairedCoverage
    periods: Mapping[str, SeriesSummary]
    split: SeedSplit | None
    seed_error: float
    low: float
    high: float
    t: float
    freedom: float
    p_value: float
    independent: float = _NAN
    dependent: float = _NAN
    verdict: int = 0

    @property
    def whole(self) -> SeriesSummary:
        """Over the whole period."""
        return self.periods[WHOLE]


def paired(
    model: tuple[str, RankSeries],
    against: tuple[str, RankSeries],
    *,
    target: Target,
    sessions: np.ndarray,
    coverage: PairedCoverage,
    settings: EvaluationSettings,
) -> Paired:
    """Compare two models that were measured on the same stock-days.

    The interval by cosines knows of the days alone. The seeds' part of the variance of the mean M comes from the
    jackknife, ``V = (K - 1) / K * sum over s of (M_-s - mean)^2`` with M_-s the mean difference of the models without
    their members s. The two variances are added; the degrees of freedom are Satterthwaite's.

    Args:
        model: Name and series of the model that counts positively.
        against: Name and series of the other. Where both have seeds, member s of one goes with member s of the other.
        target: Horizon and lag.
        sessions: datetime64[D] [D].
        coverage: Stock-days, kept for the record.
        settings: Level of the intervals and the bootstrap.

    Source: Efron and Stein (1981), "The Jackknife Estimate of Variance"; Satterthwaite (1946), "An Approximate
    Distribution of Estimates of Variance Components".
    """
    mine, theirs = model[1], against[1]
    difference = mine.values - theirs.values
    periods = {
        name: summarise(difference[rows], horizon=target.horizon, settings=settings)
        for name, rows in _periods(sessions)
    }
    whole = periods[WHOLE]
    seeds = max(mine.seeds, theirs.seeds)
    members = _by_seed(mine.members, mine.values, seeds) - _by_seed(theirs.members, theirs.values, seeds)
    without = _by_seed(mine.without, mine.values, seeds) - _by_seed(theirs.without, theirs.values, seeds)
    from_seeds = _jackknife(without)
    days = ewc_test(difference, horizon=target.horizon).standard_error ** 2
    error = math.sqrt(days + from_seeds)  # NaN where the days cannot be tested
    freedom = _satterthwaite(days, whole.freedom, from_seeds, seeds - 1)
    reach = _quantile(freedom, settings.confidence) * error
    return Paired(
        model=model[0],
        against=against[0],
        target=target,
        coverage=coverage,
        periods=periods,
        split=seed_split(members, horizon=target.horizon) if seeds > 1 else None,
        seed_error=math.sqrt(from_seeds),
        low=whole.mean - reach,
        high=whole.mean + reach,
        t=whole.mean / error,
        freedom=freedom,
        p_value=float(two_sided_p(np.array([whole.mean / error]), np.array([freedom]))[0]),
    )


def adjusted(pairs: Sequence[Paired], *, confidence: float) -> tuple[Paired, ...]:
    """Allow for the number of tests, and decide.

    Of two models the interval decides. Where there are more pairs, it has to be clear of 0 and the adjusted p-value
    (Benjamini and Hochberg, as differences from one common model are positively dependent) below ``1 - confidence``.

    Args:
        pairs: Every pair at every target that was looked at.
        confidence: Level of the intervals.
    """
    found = false_discovery(np.array([pair.p_value for pair in pairs]))
    many = len({(pair.model, pair.against) for pair in pairs}) > 1
    decided = []
    for pair, independent, dependent in zip(pairs, found.independent, found.dependent, strict=True):
        sign = int(pair.low > 0) - int(pair.high < 0)
        held = not many or independent < 1 - confidence
        decided.append(
            replace(
                pair,
                independent=float(independent),
                dependent=float(dependent),
                verdict=sign if held else 0,
            )
        )
    return tuple(decided)


def _periods(sessions: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield WHOLE, np.ones(len(sessions), dtype=np.bool_)
    years = sessions.astype("datetime64[Y]")
    for year in np.unique(years):
        yield str(year), years == year


def _by_seed(series: _FloatKD, values: np.ndarray, seeds: int) -> np.ndarray:
    """Return a row a seed; a deterministic model is the same for every seed."""
    return series if len(series) else np.tile(values, (seeds, 1))


def _jackknife(without: np.ndarray) -> float:
    """Return the variance of a mean from estimates without each seed, 0 for fewer than two."""
    seeds = len(without)
    if seeds < 2:
        return 0.0
    means = without[:, np.isfinite(without).all(axis=0)].mean(axis=1)
    return float((seeds - 1) / seeds * ((means - means.mean()) ** 2).sum())


def _satterthwaite(first: float, first_freedom: float, second: float, second_freedom: int) -> float:
    if not second > 0:
        return first_freedom
    return (first + second) ** 2 / (first**2 / first_freedom + second**2 / second_freedom)


def _quantile(freedom: float, confidence: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + confidence / 2))
