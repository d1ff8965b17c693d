"""Books as plain data."""

from __future__ import annotations

from typing import Any

from gogooku3.evaluation.plain import plain
from gogooku3.evaluation.trading.trading import Book, Trading


def trading_to_dict(trading: Trading) -> dict[str, Any]:
    """Return plain data for JSON; what does not exist is None, daily series are left out.

    Args:
        trading: The books of one score.
    """
    return {
        "model": trading.model,
        "target": str(trading.target),
        "horizon": trading.target.horizon,
        "lag": trading.target.lag,
        "books": [_book(book) for book in trading.books],
        "capacity": [plain(point) for point in trading.capacity],
        "left_out": [plain(item) for item in trading.left_out],
    }


def _book(book: Book) -> dict[str, Any]:
    names = ("name", "text", "settings", "summary", "years", "relative", "ruined")
    return {name: plain(getattr(book, name)) for name in names}
