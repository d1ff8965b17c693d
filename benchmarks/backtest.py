"""How long the strict backtest takes on 11 years of 2,000 stocks.

A random market with halts, splits, dividends and stocks that end; a persistent random score. Each case is a whole
backtest from scores and bars to daily results: target weights, fills, cost inputs where the case has them, and the
books. Then the standard books of one score, as an evaluation forms them, on the size of the tested years of jp_tse.
Compiling is not counted (it happens once, then the code is kept on disk), two threads are used. Run it on an
idle machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from bench import HERE, Kept, interleaved, machine, median, options, publish, say, table, verdict

from gogooku3.evaluation.backtest.backtest import Backtest
from gogooku3.evaluation.backtest.capacity import capacity_curve
from gogooku3.evaluation.backtest.cost_grids import cost_grids
from gogooku3.evaluation.backtest.prepared import prepare
from gogooku3.evaluation.backtest.presets import tokyo_account
from gogooku3.evaluation.backtest.settings import BacktestSettings
from gogooku3.evaluation.backtest.simulate import backtest
from gogooku3.evaluation.backtest.tape import Tape
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.evaluation.trading.settings import TradingSettings
from gogooku3.evaluation.trading.trade_score import trade_score
from gogooku3.labels.target import Target
from gogooku3.pipeline.lineage import code_digest

SESSIONS, STOCKS = 2700, 2000
QUICK_SESSIONS, QUICK_STOCKS = 300, 200
TESTED_SESSIONS, TESTED_STOCKS = 1221, 2414
REPEATS, GOAL, SET_GOAL = 7, 2.0, 10.0
CAPITALS = (1e7, 1e8, 1e9, 1e10, 1e11)


def market(days: int, stocks: int, seed: int = 0) -> tuple[np.ndarray, Tape]:
    """Return a score and a tape, float64 [D, N]."""
    rng = np.random.default_rng(seed)
    link = np.exp(rng.normal(0.0003, 0.02, (days, stocks)))
    ratio = np.where(rng.random(link.shape) < 0.004, 1.01, 1.0)
    ratio[rng.random(link.shape) < 0.0002] = 2.0
    close = rng.uniform(300, 6000, stocks) * np.cumprod(link / ratio, axis=0)
    open_ = close * np.exp(rng.normal(0, 0.005, link.shape))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 0.006, link.shape)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, 0.006, link.shape)))
    volume = np.round(np.exp(rng.normal(11.0, 1.0, link.shape)))
    absent = rng.random(link.shape) < 0.02
    last_bar, terminal = np.full(stocks, days - 1), np.full(stocks, np.nan)
    for stock in range(0, stocks, 20):
        last = int(rng.integers(days // 4, days - 1))
        last_bar[stock], terminal[stock] = last, -0.3
        absent[last, stock], absent[last + 1 :, stock] = False, True
    for grid in (open_, high, low, close, volume, ratio, link):
        grid[absent] = np.nan
    link[0], ratio[0] = np.nan, np.nan
    score = rng.normal(size=link.shape)
    for day in range(1, days):
        score[day] = 0.9 * score[day - 1] + 0.44 * score[day]
    score[absent] = np.nan
    tape = Tape(
        sessions=np.busday_offset("2013-01-04", np.arange(days)).astype("datetime64[D]"),
        codes=tuple(f"{1000 + n}" for n in range(stocks)),
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=volume,
        turnover=close * volume,
        ratio=ratio,
        link=link,
        terminal_return=terminal,
        last_bar=last_bar,
        sector=(np.arange(stocks) % 33).astype(np.int16),
    )
    return score, tape


def cases() -> dict[str, tuple[BacktestSettings, bool]]:
    """Return settings, and whether positions and trades are kept."""
    neutral = BacktestSettings.model_validate(
        {
            "construction": {"kind": "rank", "sector_neutral": True, "max_weight": 0.01},
            "costs": {"spread": "edge", "borrow_bps_per_year": 100},
        }
    )
    twenty = BacktestSettings.model_validate({"schedule": {"holding": 20}})
    return {
        "deciles, 5 sessions, 10 bps": (BacktestSettings(), False),
        "deciles, 20 sessions, 10 bps": (twenty, False),
        "all ranks, sector-neutral, capped, spread, borrowing": (neutral, False),
        "account of 1e9 in lots at the open, all costs": (tokyo_account(1e9), False),
        "the same, 20 sessions": (tokyo_account(1e9, holding=20), False),
        "the same, long only": (tokyo_account(1e9, holding=20, side="long_only"), False),
        "the same, holdings and trades kept": (tokyo_account(1e9, holding=20, side="long_only"), True),
    }


def measure(days: int, stocks: int, repeats: int) -> dict[str, Any]:
    """Return seconds by case, of the capacity curve, and how much was traded."""
    score, tape = market(days, stocks)
    say("the market is made")
    facts: dict[str, list[float]] = {}

    def work(name: str, settings: BacktestSettings, record: bool) -> Callable[[int], None]:
        def once(_: int) -> None:
            facts[name] = _facts(backtest(score, tape, settings, record=record))

        return once

    seconds = interleaved({name: work(name, *case) for name, case in cases().items()}, repeats)
    say("cases measured")
    settings = tokyo_account(1e9)
    prepared = prepare(score, tape, settings, costs=cost_grids(tape, settings))
    rows = np.ones(days, dtype=bool)

    def curve(_: int) -> None:
        capacity_curve(prepared, CAPITALS, rows, sessions_per_year=245.0)

    seconds |= interleaved({"capacity": curve}, repeats)
    return {"seconds": seconds, "facts": facts}


def measure_set(days: int, stocks: int, repeats: int) -> dict[str, Any]:
    """Return seconds of all standard books of one score, cost inputs and the capacity curve included."""
    score, tape = market(days, stocks)
    member = np.isfinite(tape.close)
    books: list[int] = []

    def once(_: int) -> None:
        trading = trade_score(
            "score",
            Target(5, 1),
            score,
            tape,
            member,
            settings=TradingSettings(),
            evaluation=EvaluationSettings(),
            sessions_per_year=245.0,
        )
        books.append(len(trading.books))

    seconds = interleaved({"set": once}, repeats)["set"]
    return {"seconds": seconds, "books": books[-1]}


def _facts(result: Backtest) -> list[float]:
    names = (result.long_names + result.short_names)[np.isfinite(result.net)]
    return [float(result.refusals.orders.sum()), float(names.mean())]


def main() -> None:
    """Measure and write the page."""
    arguments = options(__doc__ or "").parse_args()
    quick = arguments.quick
    days, stocks = (QUICK_SESSIONS, QUICK_STOCKS) if quick else (SESSIONS, STOCKS)
    numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
    kept = Kept(arguments.scratch, arguments.fresh)
    code = code_digest(("evaluation.trading.trade_score",))
    question = {"what": "backtest", "days": days, "stocks": stocks, "repeats": REPEATS, "code": code}
    answer = kept.get(question, lambda: measure(days, stocks, REPEATS))
    tested, held = (days, stocks) if quick else (TESTED_SESSIONS, TESTED_STOCKS)
    question |= {"what": "standard books", "days": tested, "stocks": held}
    whole = kept.get(question, lambda: measure_set(tested, held, REPEATS))
    rows = []
    for name in cases():
        seconds, (orders, names) = answer["seconds"][name], answer["facts"][name]
        middle = median(seconds)
        rows.append(
            [
                name,
                f"{middle:.2f}",
                f"{max(seconds):.2f}",
                f"{orders:,.0f}",
                f"{names:,.0f}",
                f"{GOAL:.0f}: {verdict(middle, GOAL, at_most=True)}",
            ]
        )
    curve = median(answer["seconds"]["capacity"])
    middle = median(whole["seconds"])
    parts = [
        "# The strict backtest",
        f"{days:,} sessions x {stocks:,} stocks, from scores and bars to daily results; median of {REPEATS} "
        "interleaved rounds, two threads, compiled before. `python benchmarks/backtest.py`",
        table(("backtest", "median s", "slowest s", "orders", "names held", "goal, s"), rows),
        f"A capacity curve of {len(CAPITALS)} capitals, targets and cost inputs shared: {curve:.2f} s.",
        f"The {whole['books']} standard books of one score on {tested:,} sessions x {held:,} stocks, with cost inputs, "
        f"intervals and a capacity curve of five capitals: {middle:.1f} s, goal {SET_GOAL:.0f} s: "
        f"{verdict(middle, SET_GOAL, at_most=True)}.",
        f"Machine: {machine()}",
    ]
    publish(HERE / "backtest.md", parts, arguments)


if __name__ == "__main__":
    main()
