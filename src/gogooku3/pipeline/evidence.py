"""From scores, labels and a market to the evidence beyond correlations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gogooku3.axes import BoolDN, FloatDN, StoredLNF
from gogooku3.evaluation.anatomy.anatomy import Anatomy, Exposure
from gogooku3.evaluation.anatomy.dissect import dissect
from gogooku3.evaluation.anatomy.exposures import ScoreKey, measure_exposures
from gogooku3.evaluation.anatomy.market_view import MarketView
from gogooku3.evaluation.anatomy.ordered_grid import OrderedGrid, ordered
from gogooku3.evaluation.anatomy.view_market import view_market
from gogooku3.evaluation.backtest.cost_grids import CostGrids
from gogooku3.evaluation.backtest.market_tape import market_tape
from gogooku3.evaluation.backtest.tape import Tape
from gogooku3.evaluation.drift.drift_report import DriftReport
from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.many_tries.count_tries import count_tries
from gogooku3.evaluation.trading.trade_score import account_costs, trade_score
from gogooku3.evaluation.trading.trading import Trading
from gogooku3.labels.forward import forward_returns
from gogooku3.labels.target import Target
from gogooku3.market.market import Market
from gogooku3.progress import Progress

_HISTORY = 250  # sessions before the tested ones that trailing windows may reach back to


@dataclass(frozen=True, eq=False, kw_only=True)
class Tested:
    """What evidence is gathered from.

    Attributes:
        evaluation: What was measured already.
        market: All sessions; None where there are no prices.
        universe: Membership on all sessions, [D, N].
        start, stop: The tested sessions.
        end: First session whose prices may not be looked at.
        scores: Per model and target a grid of the tested sessions, read when asked for.
        label: Gives the labels of a target on the tested sessions.
        features: Names, and a way to go through the tested sessions' features; None without features.
        drift: What has moved since training; None where it is not known.
    """

    evaluation: Evaluation
    market: Market | None
    universe: BoolDN
    start: int
    stop: int
    end: int
    scores: Mapping[str, Mapping[Target, FloatDN]]
    label: Callable[[Target], FloatDN]
    features: tuple[Sequence[str], Callable[[], Iterable[tuple[slice, StoredLNF]]]] | None = None
    drift: DriftReport | None = None


def gather(tested: Tested, progress: Progress) -> Evidence:
    """Take every contestant apart at every target, trade it at every tradable one, and count the tries.

    Args:
        tested: Scores and what they are held against.
        progress: Listener.
    """
    work = _Work(tested)
    keys = work.keys
    traded = [key for key in keys if work.is_traded(key)]
    progress.start("gathering evidence", len(keys) + len(traded) + 1, "scores")
    exposures = work.exposures()
    progress.advance()
    anatomies, tradings = [], []
    for key in keys:
        score = tested.scores[key[0]][key[1]]
        anatomies.append(work.anatomy(key, score, exposures.get(key, ())))
        progress.advance()
        if key in traded:
            tradings.append(work.trading(key, score))
            progress.advance()
    return Evidence(
        evaluation=tested.evaluation,
        anatomies=tuple(anatomies),
        tradings=tuple(tradings),
        tries=count_tries(tested.evaluation),
        drift=tested.drift,
    )


class _Work:
    """What all scores share, made when first needed."""

    def __init__(self, tested: Tested) -> None:
        self.tested, self.settings = tested, tested.evaluation.settings
        self._labels: dict[Target, OrderedGrid] = {}

    @cached_property
    def keys(self) -> list[ScoreKey]:
        """Every contestant at every target that it has scores for."""
        evaluation = self.tested.evaluation
        found = [(r.model, r.target) for r in evaluation.results if r.model in evaluation.contestants]
        return sorted(found, key=lambda key: (key[1].lag, key[1], evaluation.models.index(key[0])))

    def is_traded(self, key: ScoreKey) -> bool:
        """Whether there are prices, and the score could have been traded at."""
        return self.tested.market is not None and key[1].lag >= 1

    @cached_property
    def view(self) -> MarketView:
        """What is known of the stocks, as of each tested session."""
        tested, market = self.tested, self.tested.market
        first = max(0, tested.start - _HISTORY)
        rows = slice(first, tested.stop)
        nothing = np.full(tested.universe[rows].shape, np.nan)
        return view_market(
            link=nothing if market is None else market.link[rows],
            turnover=None if market is None else market.turnover[rows],
            present=tested.universe[rows] if market is None else market.present[rows],
            universe=tested.universe[rows],
            sector=np.full(tested.universe.shape[1], -1, dtype=np.int16) if market is None else market.sector,
            sector_names=() if market is None else market.sector_names,
            warm_up=tested.start - first,
            settings=self.settings.anatomy,
        )

    def exposures(self) -> dict[ScoreKey, tuple[Exposure, ...]]:
        """Return what the scores resemble; nothing without features."""
        if self.tested.features is None:
            return {}
        names, blocks = self.tested.features
        return measure_exposures(
            _Lazy(self.tested.scores, self.keys),
            blocks(),
            features=names,
            universe=self.view.universe,
            settings=self.settings,
        )

    def anatomy(self, key: ScoreKey, score: FloatDN, exposures: tuple[Exposure, ...]) -> Anatomy:
        """Take one score apart."""
        model, target = key
        return dissect(
            model,
            target,
            score,
            self.tested.label(target),
            view=self.view,
            label_of=lambda horizon: self._label(Target(horizon, target.lag)),
            exposures=exposures,
            settings=self.settings,
        )

    def trading(self, key: ScoreKey, score: FloatDN) -> Trading:
        """Trade one score."""
        return trade_score(
            key[0],
            key[1],
            score,
            self._tape,
            self.view.universe,
            settings=self.settings.trading,
            evaluation=self.settings,
            sessions_per_year=self.tested.evaluation.sessions_per_year,
            costs=self._costs,
        )

    @cached_property
    def _tape(self) -> Tape:
        market = self.tested.market
        assert market is not None  # only what ``is_traded`` allows is traded
        return market_tape(market, start=self.tested.start, stop=self.tested.stop)

    @cached_property
    def _costs(self) -> CostGrids | None:
        return account_costs(self._tape, self.settings.trading)

    def _label(self, target: Target) -> OrderedGrid:
        """Return labels of any horizon, sorted once for all scores of a lag."""
        if target not in self._labels:
            self._labels = {known: grid for known, grid in self._labels.items() if known.lag == target.lag}
            self._labels[target] = ordered(self.label(target))
        return self._labels[target]

    def label(self, target: Target) -> FloatDN:
        """Return labels of any horizon on the tested sessions, none of which reaches into kept-back ones."""
        tested = self.tested
        if tested.market is None:
            return np.full(self.view.universe.shape, np.nan)
        grid = forward_returns(tested.market, [target], tested.start, tested.stop)[:, :, 0]
        grid[max(0, tested.end - target.reach - tested.start) :] = np.nan
        grid[~self.view.universe] = np.nan
        return grid


class _Lazy(Mapping[ScoreKey, FloatDN]):
    """Scores by model and target, each read when asked for."""

    def __init__(self, scores: Mapping[str, Mapping[Target, FloatDN]], keys: Sequence[ScoreKey]) -> None:
        self._scores, self._keys = scores, keys

    def __getitem__(self, key: ScoreKey) -> FloatDN:
        return self._scores[key[0]][key[1]]

    def __iter__(self) -> Iterator[ScoreKey]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
