"""What trading a ranking would have earned, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from gogooku3.evaluation.backtest.capacity import CapacityPoint
from gogooku3.evaluation.backtest.settings import BacktestSettings
from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.report.signs import signs
from gogooku3.evaluation.report.wording import listed, number, percent, sessions
from gogooku3.evaluation.trading.amount import amount
from gogooku3.evaluation.trading.trading import Book, Trading


def trading_sentences(evidence: Evidence, model: str, lag: int) -> Iterator[str]:
    """Yield how a model did long only, in a realistic account, and with how much capital; nothing if not traded."""
    tradings = sorted(
        (one for one in evidence.tradings if one.model == model and one.target.lag == lag),
        key=lambda one: one.target,
    )
    if not tradings:
        return
    yield _long_only(tradings, model)
    yield _account(tradings, model)
    if any(trading.capacity for trading in tradings):
        yield _capacity(tradings)


def _long_only(tradings: Sequence[Trading], model: str) -> str:
    found = [
        (trading.target.horizon, book, book.relative)
        for trading in tradings
        if (book := _first(trading, cash=False)) is not None and book.relative is not None
    ]
    measured = [one for one in found if math.isfinite(one[2].active_annual)]
    if not measured:
        return f"Long only, {model} was not measured against the universe."
    active = listed([percent(relative.active_annual) for _, _, relative in measured])
    ratios = listed([number(relative.information_ratio, 2) for _, _, relative in measured])
    horizons = sessions([horizon for horizon, _, _ in measured])
    nets = listed([percent(book.summary.net_annual) for _, book, _ in measured])
    return (
        f"Long only after costs, {model} returned {nets} a year at {horizons}, which is {active} beyond equal weights "
        f"in the universe without costs (information ratio {ratios})."
    )


def _account(tradings: Sequence[Trading], model: str) -> str:
    found = [
        (trading.target.horizon, book)
        for trading in tradings
        if (book := _first(trading, cash=True)) is not None
    ]
    if not found:
        return f"No account with lots, spread and impact was simulated for {model}."
    seen = signs((horizon, book.summary.net) for horizon, book in found)
    settings = found[0][1].settings
    text = f"A realistic account ({_terms(settings)}) "
    if seen.unmeasured == seen.everywhere:
        return f"{text}could not be measured."
    nets = listed([percent(book.summary.net_annual) for _, book in found])
    return f"{text}{listed(seen.earned)}: {nets} a year net."


def _terms(settings: BacktestSettings) -> str:
    costs, account = settings.costs, settings.account
    terms = [f"capital of {amount(account.capital)}"] if account.capital is not None else []
    terms += [f"lots of {account.lot}"] if account.lot else []
    terms += [f"commission of {costs.bps:g} bp{'' if costs.bps == 1 else 's'}"] if costs.bps else []
    terms += ["half the spread as estimated from daily bars"] if costs.spread != "none" else []
    terms += ["impact"] if costs.impact != "none" else []
    if costs.borrow_bps_per_year:
        terms.append(f"borrowing at {number(costs.borrow_bps_per_year, 0)} bps a year")
    elif settings.construction.side == "long_only":
        terms.append("long only")
    return listed(terms)


def _first(trading: Trading, *, cash: bool) -> Book | None:
    """Return the first account in cash, or the first book held against the universe that is none."""
    for book in trading.books:
        is_cash = book.settings.account.books == "cash"
        if is_cash == cash and (cash or book.relative is not None):
            return book
    return None


def _capacity(tradings: Sequence[Trading]) -> str:
    groups: dict[str, list[int]] = {}
    for trading in tradings:
        if trading.capacity:
            groups.setdefault(carried(trading.capacity), []).append(trading.target.horizon)
    clauses = [f"{text} at {sessions(horizons)}" for text, horizons in groups.items()]
    if len(groups) == 1 and len(tradings) > 1:
        clauses = [f"{text} at any horizon" for text in groups]
    points = next(trading.capacity for trading in tradings if trading.capacity)
    span = f"from {amount(points[0].capital)} to {amount(points[-1].capital)}"
    return f"With other capital, {span}, that account {', '.join(clauses)}."


def carried(points: Sequence[CapacityPoint]) -> str:
    """Return for which of the capitals looked at the mean net return is above 0.

    Args:
        points: By rising capital, at least one; one without a net return counts as not paying.
    """
    pays = [point.net_annual > 0 for point in points]
    capitals = [amount(point.capital) for point in points]
    if not any(math.isfinite(point.net_annual) for point in points):
        return "was not measured"
    if not any(pays):
        return "does not pay"
    if all(pays):
        return "always pays"
    first, last = pays.index(True), len(pays) - 1 - pays[::-1].index(True)
    if not all(pays[first : last + 1]):
        return f"pays with {listed([name for name, paid in zip(capitals, pays, strict=True) if paid])} only"
    if last == len(pays) - 1:
        return f"pays from {capitals[first]} on"
    stops = f"stops paying between {capitals[last]} and {capitals[last + 1]}"
    return f"pays from {capitals[first]} on and {stops}" if first else stops
