"""From an evaluation to what is left of it after counting all that was tried."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from gogooku3.errors import EvaluationError
from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.many_tries.deflated_sharpe import expected_maximum
from gogooku3.evaluation.many_tries.false_discovery import FalseDiscovery, false_discovery, two_sided_p
from gogooku3.evaluation.many_tries.many_tries import ManyTries, OneTry, Superiority
from gogooku3.evaluation.many_tries.overfitting import check_blocks, overfitting
from gogooku3.evaluation.many_tries.probabilistic_sharpe import minimum_track_record, probabilistic_sharpe
from gogooku3.evaluation.many_tries.sharpe_ratio import SharpeRatio, sharpe_ratio
from gogooku3.evaluation.many_tries.superior import superior_ability
from gogooku3.evaluation.many_tries.trial_set import TrialSet, trial_set
from gogooku3.evaluation.target_evaluation import TargetEvaluation
from gogooku3.labels.target import Target

_NAN = math.nan
NEEDS_ARCH = "Superior predictive ability was not tested: install gogooku3[evidence]."


def count_tries(evaluation: Evaluation, *, elsewhere: int = 0, blocks: int = 16) -> ManyTries:
    """Allow for every contestant at every target; the attainable benchmark is none.

    All tests of a mean RankIC are adjusted together, those at a lag nobody can trade included, since they were
    looked at. Sharpe ratios are compared among the tries of one lag: one and the same portfolio entered a session
    later is no further choice. Numbers of trials and the probability of overfitting are those of the largest lag.
    Superior predictive ability is that of the other models over the first, in daily RankIC, target by target.

    Args:
        evaluation: All that was looked at; its level of confidence, resamples and seed are used.
        elsewhere: Tries at each lag that are not part of the evaluation, such as settings that were given up: the
            Sharpe ratios are deflated for them too.
        blocks: Even number of blocks of days for the probability of overfitting.

    Raises:
        EvaluationError: ``blocks`` is odd or excessive, or ``elsewhere`` is negative.

    Source: Bailey and López de Prado (2014), "The Deflated Sharpe Ratio"; Bailey, Borwein, López de Prado and Zhu
    (2017), "The Probability of Backtest Overfitting"; Benjamini and Hochberg (1995); Hansen (2005).
    """
    check_blocks(blocks)
    if elsewhere < 0:
        raise EvaluationError("tries cannot be counted", got=f"{elsewhere} elsewhere", expected="0 or more")
    results = [result for result in evaluation.results if result.model in evaluation.contestants]
    lags = sorted({result.target.lag for result in results})
    by_lag = {lag: _trials(results, lag, elsewhere) for lag in lags}
    discovery = _discovery(results)
    unseen = [sentence for trials in by_lag.values() for sentence in trials.unseen]
    chosen = by_lag[lags[-1]] if lags else _Trials(set=None, columns=(), unseen=())
    probability, sentence = _overfitting(chosen, blocks, elsewhere)
    superiority, missed = _superiority(evaluation)
    return ManyTries(
        tries=tuple(
            _one(result, by_lag[result.target.lag], discovery, place, evaluation.settings.confidence)
            for place, result in enumerate(results)
        ),
        trials=chosen.set.trials if chosen.set else 0,
        effective_trials=chosen.set.effective if chosen.set else _NAN,
        overfitting=probability,
        superiority=tuple(superiority),
        unseen=(*unseen, *sentence, *missed),
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class _Trials:
    """The portfolios of one lag; no set where none has a return."""

    set: TrialSet | None
    columns: tuple[np.ndarray, ...]
    unseen: tuple[str, ...]

    @property
    def threshold(self) -> float:
        """What the best of them would show if none were worth anything, NaN where that is unknown."""
        if self.set is None:
            return _NAN
        if self.set.trials == 1:
            return 0.0
        return expected_maximum(self.set.effective, self.set.variance) if self.set.with_series > 1 else _NAN


def _trials(results: Sequence[TargetEvaluation], lag: int, elsewhere: int) -> _Trials:
    nets = [result.portfolio.net for result in results if result.target.lag == lag]
    columns = tuple(net for net in nets if _varies(net))
    if not columns:
        return _Trials(set=None, columns=(), unseen=(f"At lag {lag} no portfolio has a return.",))
    without = len(nets) - len(columns) + elsewhere
    try:
        found = trial_set(np.stack(columns, axis=1), without_series=without)
    except EvaluationError as error:
        return _Trials(set=None, columns=(), unseen=(_sentence(f"At lag {lag}", error),))
    return _Trials(set=found, columns=columns, unseen=())


def _varies(net: np.ndarray) -> bool:
    known = net[np.isfinite(net)]
    return known.size > 1 and bool(np.ptp(known) > 0)


def _discovery(results: Sequence[TargetEvaluation]) -> tuple[np.ndarray, FalseDiscovery]:
    t = np.array([result.whole.rank_ic.t for result in results], dtype=np.float64)
    freedom = np.array([result.whole.rank_ic.freedom for result in results], dtype=np.float64)
    p = two_sided_p(t, freedom)
    return p, false_discovery(p)


def _one(
    result: TargetEvaluation,
    trials: _Trials,
    discovery: tuple[np.ndarray, FalseDiscovery],
    place: int,
    confidence: float,
) -> OneTry:
    p, adjusted = discovery
    net = result.portfolio.net
    sharpe = _sharpe(net)
    threshold = trials.threshold
    return OneTry(
        model=result.model,
        target=result.target,
        p_value=float(p[place]),
        independent=float(adjusted.independent[place]),
        dependent=float(adjusted.dependent[place]),
        sharpe_daily=sharpe.ratio if sharpe else _NAN,
        probabilistic=probabilistic_sharpe(sharpe, serial=True) if sharpe else _NAN,
        deflated=(
            probabilistic_sharpe(sharpe, benchmark=threshold, serial=True)
            if sharpe and math.isfinite(threshold)
            else _NAN
        ),
        track_record=minimum_track_record(sharpe, confidence=confidence, serial=True) if sharpe else _NAN,
        days=int(np.isfinite(net).sum()),
    )


def _sharpe(net: np.ndarray) -> SharpeRatio | None:
    try:
        return sharpe_ratio(net)
    except EvaluationError:  # too short, or never varies: a dash in its row says so
        return None


def _overfitting(trials: _Trials, blocks: int, elsewhere: int) -> tuple[float, tuple[str, ...]]:
    if len(trials.columns) < 2:
        return _NAN, ()
    try:
        found = overfitting(np.stack(trials.columns, axis=1), blocks=blocks, without_series=elsewhere)
    except EvaluationError as error:
        return _NAN, (_sentence("The probability of backtest overfitting is unknown", error),)
    return found.probability, ()


def _superiority(evaluation: Evaluation) -> tuple[list[Superiority], list[str]]:
    series = {target: dict(_daily(evaluation, target)) for target in evaluation.targets}
    several = {target: found for target, found in series.items() if len(found) > 1}
    if several and find_spec("arch") is None:
        return [], [NEEDS_ARCH]
    superiority, unseen = [], []
    for target, found in several.items():
        try:
            superiority.append(_superior(target, found, evaluation))
        except EvaluationError as error:
            unseen.append(_sentence(f"Superior predictive ability at {target} is unknown", error))
    return superiority, unseen


def _daily(evaluation: Evaluation, target: Target) -> Iterator[tuple[str, np.ndarray]]:
    for model in evaluation.contestants:
        result = evaluation.find(model, target)
        if result is not None:
            yield model, result.rank_ic.values


def _superior(target: Target, series: dict[str, np.ndarray], evaluation: Evaluation) -> Superiority:
    benchmark, *others = series
    found = superior_ability(
        np.stack([series[model] for model in others], axis=1),
        series[benchmark],
        horizon=target.horizon,
        samples=evaluation.settings.bootstrap_samples,
        seed=evaluation.settings.seed,
    )
    return Superiority(
        target=target,
        benchmark=benchmark,
        best=others[found.best],
        p_value=found.consistent,
        models=len(others),
    )


def _sentence(about: str, error: EvaluationError) -> str:
    got = f" ({error.got})" if error.got is not None else ""
    return f"{about}: {error.what}{got}."
