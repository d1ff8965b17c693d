"""Simulate a market and keep what is true about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from gogooku3.axes import BoolDN, FloatDN
from gogooku3.errors import SettingsError
from gogooku3.market.bars import Bars
from gogooku3.sources.simulation.attainable import mean_rank_ics, realised_returns
from gogooku3.sources.simulation.corporate_actions import adjustment_factor
from gogooku3.sources.simulation.frames import make_bars
from gogooku3.sources.simulation.life import draw_life
from gogooku3.sources.simulation.noise import draw_noise
from gogooku3.sources.simulation.prices import make_prices
from gogooku3.sources.simulation.sessions import simulated_sessions
from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.sources.simulation.signals import Signal, plant
from gogooku3.sources.simulation.stocks import draw_stocks
from gogooku3.sources.simulation.tape import draw_tape

HorizonLag = tuple[int, int]
DEFAULT_TARGETS: tuple[HorizonLag, ...] = tuple((h, d) for h in (1, 5, 10, 20) for d in (0, 1))
ALL_PARTS = "all"


class Expectation(Mapping[HorizonLag, np.ndarray]):
    """Grids [D, N] by (horizon, lag), computed when asked for: a large market would not hold them all."""

    def __init__(self, targets: tuple[HorizonLag, ...], compute: Callable[[int, int], FloatDN]) -> None:
        self._targets = targets
        self._compute = compute

    def __getitem__(self, target: HorizonLag) -> FloatDN:
        """Return the expected log return of one target [D, N]."""
        if target not in self._targets:
            raise KeyError(target)
        return self._compute(*target)

    def __iter__(self) -> Iterator[HorizonLag]:
        return iter(self._targets)

    def __len__(self) -> int:
        return len(self._targets)


@dataclass(frozen=True, eq=False, kw_only=True)
class Simulation:
    """A simulated market and the truth about it.

    Attributes:
        settings: What was simulated.
        targets: Pairs of horizon and lag, in sessions.
        bars: What a user sees.
        sessions: datetime64[D] [D].
        codes: Sorted, N.
        present: True where the stock has a bar [D, N].
        adjusted: Total-return close, NaN where there is no bar [D, N].
        signals: The planted parts by name.
    """

    settings: SimulationSettings
    targets: tuple[HorizonLag, ...]
    bars: Bars
    sessions: np.ndarray
    codes: tuple[str, ...]
    present: BoolDN = field(repr=False)
    adjusted: FloatDN = field(repr=False)
    signals: Mapping[str, Signal] = field(repr=False)

    @property
    def expected(self) -> Mapping[HorizonLag, np.ndarray]:
        """The oracle: the expected log return of each target given the close of t [D, N], NaN without a bar.

        It is exact in log returns, but for the rounding of prices to ticks and a drift that all stocks share;
        the expected simple return adds half the variance, which moves ranks very little.
        """
        return Expectation(self.targets, lambda h, d: self._expected(tuple(self.signals.values()), h, d))

    @property
    def expected_by_part(self) -> Mapping[str, Mapping[HorizonLag, np.ndarray]]:
        """The same from one part of the signal alone; the parts add up to ``expected``."""

        def alone(signal: Signal) -> Expectation:
            return Expectation(self.targets, lambda h, d: self._expected((signal,), h, d))

        return {name: alone(signal) for name, signal in self.signals.items()}

    @cached_property
    def attainable(self) -> Mapping[str, Mapping[HorizonLag, float]]:
        """Mean daily RankIC of the oracle with the realised returns, for ``all`` and for each part.

        Over all sessions with at least 20 names. It is 0 where no part is planted: nothing can be attained.
        """
        expected = {ALL_PARTS: self.expected, **self.expected_by_part}
        if not self.signals or self.settings.strength == 0:
            return {name: dict.fromkeys(self.targets, 0.0) for name in expected}
        result: dict[str, dict[HorizonLag, float]] = {name: {} for name in expected}
        for target in self.targets:
            returns = realised_returns(self.adjusted, *target)
            scores = {name: by_target[target] for name, by_target in expected.items()}
            for name, value in mean_rank_ics(scores, returns, self.present).items():
                result[name][target] = value
        return result

    def _expected(self, signals: tuple[Signal, ...], horizon: int, lag: int) -> FloatDN:
        total = np.zeros(self.present.shape)
        for signal in signals:
            total += signal.expected(horizon, lag)
        total[~self.present] = np.nan
        return total


def simulate(
    settings: SimulationSettings | None = None, targets: Sequence[HorizonLag] = DEFAULT_TARGETS
) -> Simulation:
    """Simulate a market, bit for bit the same for the same settings.

    Daily log returns are market, sector, style, hidden-group and own shocks, each with stochastic volatility
    and Student's t tails, plus the planted expectation of the session before. The planted signal is a
    function of what bars have shown by then, so a model that reads them well enough comes near the oracle.
    Switching parts of it leaves all noise, value traded, splits and halts the same.

    Args:
        settings: The defaults if None.
        targets: Pairs of horizon (at least 1) and lag (at least 0) whose expectation is wanted.

    Raises:
        SettingsError: A target is impossible, or the calendar is unknown.
        DataError: The calendar does not cover the sessions.
    """
    settings = SimulationSettings() if settings is None else settings
    for horizon, lag in targets:
        if horizon < 1 or lag < 0:
            raise SettingsError(
                "a target is impossible", got=(horizon, lag), expected="horizon >= 1 and lag >= 0"
            )
    sessions = simulated_sessions(settings)
    stocks = draw_stocks(settings)
    life = draw_life(settings)
    noise = draw_noise(settings, stocks)
    tape = draw_tape(settings)
    signals = plant(settings, stocks, noise, tape, life.present)
    alpha = sum((signal.alpha for signal in signals.values()), np.zeros(life.present.shape))
    factor = adjustment_factor(settings, stocks, noise, sessions)
    prices = make_prices(settings, stocks, noise, tape, alpha=alpha, factor=factor)
    return Simulation(
        settings=settings,
        targets=tuple((int(horizon), int(lag)) for horizon, lag in targets),
        bars=make_bars(stocks, life, prices, sessions),
        sessions=sessions,
        codes=stocks.codes,
        present=life.present,
        adjusted=np.where(life.present, prices.close * prices.factor, np.nan),
        signals=signals,
    )


def truth_frame(simulation: Simulation) -> pl.DataFrame:
    """Return the oracle's scores as a table, to be evaluated like those of a model.

    Columns ``date`` (Date), ``code`` (String) and one Float64 column a target, such as ``h5_d1``; one row a
    bar, in the order of the bars.
    """
    scores = {
        f"h{horizon}_d{lag}": grid[simulation.present] for (horizon, lag), grid in simulation.expected.items()
    }
    return simulation.bars.frame.select("date", "code").with_columns(
        **{name: pl.Series(values) for name, values in scores.items()}
    )
