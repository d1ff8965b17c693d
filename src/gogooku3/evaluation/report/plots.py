"""Which plots a report has, and how to read them."""

from __future__ import annotations

from dataclasses import dataclass

from gogooku3.evaluation.evidence import Evidence


@dataclass(frozen=True)
class Plot:
    """A plot.

    Attributes:
        name: Name in the page's script.
        title: Heading.
        note: One sentence on how to read it.
    """

    name: str
    title: str
    note: str


_ALWAYS = (
    Plot(
        "rank_ic",
        "Cumulative RankIC",
        "The daily RankIC summed up: a steady rise is a ranking that keeps working, a flat stretch one that paused.",
    ),
    Plot(
        "deciles",
        "Return by decile",
        "Mean return over the horizon of each tenth of the ranking, lowest scores left: it should climb evenly.",
    ),
    Plot(
        "equity",
        "Equity of the default portfolio",
        "One unit compounded, solid after costs and dotted before: the gap between the two is what trading costs.",
    ),
    Plot(
        "drawdown",
        "Drawdown",
        "How far the equity after costs stands below its highest point so far: deep and long is hard to hold on to.",
    ),
    Plot(
        "coverage",
        "Coverage",
        "Share of each session's universe that has a score: a drop means that the model was blind to some stocks.",
    ),
)
_DECAY = Plot(
    "decay",
    "Decay over horizons",
    "RankIC of the same scores with returns over other horizons, bars are its interval: where it falls the score is "
    "spent.",
)
_SIZE = Plot(
    "size",
    "RankIC by size",
    "RankIC among the stocks of each size bucket alone, smallest left, bars are its interval: what works on the left "
    "only is hard to trade.",
)
_COST = Plot(
    "cost",
    "Net Sharpe ratio against cost",
    "Annual Sharpe ratio if a unit traded cost so many basis points, dotted for long only: it crosses 0 at the "
    "break-even cost.",
)
_CAPACITY = Plot(
    "capacity",
    "Capacity",
    "Mean net return of the realistic account by its capital, in the currency of the prices: where it falls below 0 "
    "the score carries no more money.",
)


def plots(evidence: Evidence) -> tuple[Plot, ...]:
    """Return the plots that there are data for."""
    rank_ic, deciles, equity, drawdown, coverage = _ALWAYS
    anatomies, tradings = evidence.anatomies, evidence.tradings
    found = [rank_ic, deciles]
    found += [_DECAY] if any(one.decay for one in anatomies) else []
    found += [_SIZE] if any(group.kind == "size" for one in anatomies for group in one.groups) else []
    found += [equity]
    found += [_COST] if any(one.books for one in tradings) else []
    found += [_CAPACITY] if any(one.capacity for one in tradings) else []
    return (*found, drawdown, coverage)
