"""A made-up exchange that a test server of J-Quants answers from: deterministic, and changeable between fetches."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np

from gogooku3.market.calendar import sessions_between
from gogooku3.sources.jquants.endpoints import DAILY_MARGIN
from gogooku3.sources.jquants.statement_fields import STATEMENT_FIELDS

Rows = list[dict[str, object]]
SECTORS = (("0050", "Fishery"), ("3700", "Transport"), ("9050", "Services"))


@dataclass(kw_only=True)
class Exchange:
    """Stocks and sessions of Tokyo's real calendar, with made-up prices.

    Attributes:
        first: Of the prices.
        last: Of the prices.
        stocks: How many.
        published: The last day that has data yet; later ones are empty.
        splits: Code and day to the factor announced for it (0.5 for 1:2).
        announced: Those of ``splits`` whose factor is told; None for all. Prices are split in any case.
        listed: Code to its first session, for those that come later.
        ended: Code to its last session.
        idle: Codes and days without a trade.
        withdrawn: Codes and days whose bar is taken back.
        silent: Days on which nothing trades at all.
        corrections: (endpoint, day, code, field) to what the server says by now.
    """

    first: dt.date = dt.date(2024, 3, 1)
    last: dt.date = dt.date(2024, 6, 28)
    stocks: int = 12
    published: dt.date | None = None
    splits: dict[tuple[str, dt.date], float] = field(default_factory=dict)
    announced: set[tuple[str, dt.date]] | None = None
    listed: dict[str, dt.date] = field(default_factory=dict)
    ended: dict[str, dt.date] = field(default_factory=dict)
    idle: set[tuple[str, dt.date]] = field(default_factory=set)
    withdrawn: set[tuple[str, dt.date]] = field(default_factory=set)
    silent: set[dt.date] = field(default_factory=set)
    corrections: dict[tuple[str, dt.date, str, str], object] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        days = sessions_between("XTKS", self.first, self.last)
        self.sessions: list[dt.date] = days.astype(object).tolist()
        rng = np.random.default_rng(self.seed)
        market = rng.normal(0, 0.008, (len(self.sessions), 1))
        steps = market + rng.normal(0, 0.015, (len(self.sessions), self.stocks))
        self._close = 1000 * np.exp(np.cumsum(steps, axis=0))
        self._shape = np.abs(rng.normal(0, 0.006, (*steps.shape, 3)))
        self._volume = np.round(np.exp(rng.normal(11, 0.5, steps.shape)), -2)

    @property
    def codes(self) -> list[str]:
        """Codes of five characters, one of them with a letter."""
        return [f"{1301 + 7 * n}0" if n else "130A0" for n in range(self.stocks)]

    def on(self, day: dt.date) -> list[str]:
        """Return the codes that are listed on a day."""
        return [
            code
            for code in self.codes
            if self.listed.get(code, dt.date.min) <= day <= self.ended.get(code, dt.date.max)
        ]

    def has(self, day: dt.date) -> bool:
        """Whether a day has data by now."""
        return day in self.sessions and (self.published is None or day <= self.published)

    def calendar(self, first: dt.date, last: dt.date) -> Rows:
        """Every day, with its division."""
        open_ = set(sessions_between("XTKS", first, last).astype(object).tolist())
        days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
        return [{"Date": day.isoformat(), "HolDiv": "1" if day in open_ else "0"} for day in days]

    def master(self, day: dt.date) -> Rows:
        """Listed issues; on a day that is no session those of the next one."""
        day = next((one for one in self.sessions if one >= day), day)
        rows: Rows = []
        for code in self.on(day):
            number, name = SECTORS[self.codes.index(code) % len(SECTORS)]
            rows.append(
                {
                    "Date": day.isoformat(), "Code": code, "CoName": f"Company {code}", "CoNameEn": "",
                    "S17": "1", "S17Nm": "Food", "S33": number, "S33Nm": name, "ScaleCat": "-",
                    "Mkt": "0111", "MktNm": "Prime", "Mrgn": "1", "MrgnNm": "margin", "ProdCat": "011",
                    "NewField": "of a later version",
                }
            )  # fmt: skip
        return self._corrected("listed", day, rows)

    def bars(self, day: dt.date) -> Rows:
        """Daily bars, in raw prices, with the vendor's adjusted ones beside them."""
        if not self.has(day):
            return []
        rows = [self._bar(code, day) for code in self.on(day) if (code, day) not in self.withdrawn]
        return self._corrected("bars_daily", day, rows)

    def _bar(self, code: str, day: dt.date) -> dict[str, object]:
        d, n = self.sessions.index(day), self.codes.index(code)
        scale = 1.0
        for (other, when), factor in self.splits.items():
            scale *= factor if other == code and when <= day else 1.0
        told = self.announced is None or (code, day) in self.announced
        factor = self.splits.get((code, day), 1.0) if told else 1.0
        close = round(float(self._close[d, n]) * scale, 1)
        up, down, gap = (float(x) for x in self._shape[d, n])
        open_ = round(close * (1 + (gap - 0.006) / 2), 1)
        volume = float(self._volume[d, n])
        bar: dict[str, object] = {
            "Date": day.isoformat(), "Code": code, "O": open_, "H": round(max(open_, close) * (1 + up), 1),
            "L": round(min(open_, close) * (1 - down), 1), "C": close, "UL": "0", "LL": "0", "Vo": volume,
            "Va": round(volume * close, 1), "AdjFactor": factor, "AdjC": 1.0, "ExRT": None, "MktCap": 100.5,
        }  # fmt: skip
        if (code, day) in self.idle or day in self.silent:
            bar |= dict.fromkeys(("O", "H", "L", "C", "Vo", "Va", "AdjC"))
        return bar

    def topix(self, first: dt.date, last: dt.date) -> Rows:
        """The index, without a code."""
        days = [day for day in self.sessions if first <= day <= last and self.has(day)]
        return [{"Date": day.isoformat(), **self._index(day)} for day in days]

    def indices(self, day: dt.date) -> Rows:
        """Two indices, one of them with a close only."""
        if not self.has(day):
            return []
        whole = self._index(day)
        bare = {**whole, "O": None, "H": None, "L": None}
        return [
            {"Date": day.isoformat(), "Code": "0000", **whole},
            {"Date": day.isoformat(), "Code": "0028", **bare},
        ]

    def _index(self, day: dt.date) -> dict[str, object]:
        level = round(float(self._close[self.sessions.index(day)].mean()), 2)
        return {"O": level, "H": level + 5, "L": level - 5, "C": str(level)}  # a number that comes as text

    def statements(self, day: dt.date) -> Rows:
        """A statement every few days, all values as text."""
        rows: Rows = []
        for n, code in enumerate(self.on(day)):
            if self.has(day) and (self.sessions.index(day) + n) % 7 == 0:
                row: dict[str, object] = dict.fromkeys(STATEMENT_FIELDS, "")
                row |= {
                    "DiscDate": day.isoformat(), "DiscTime": "15:00:00", "Code": code,
                    "DiscNo": f"{day:%Y%m%d}{n:06d}", "CurPerType": "1Q",
                    "DocType": "1QFinancialStatements_Consolidated_JP", "CurPerEn": "2024-03-31",
                    "Sales": str(100529000000 + n), "NP": "-", "EPS": "12.34",
                }  # fmt: skip
                rows.append(row)
        return self._corrected("statements", day, rows)

    def margin(self, day: dt.date) -> Rows:
        """Balances: of the week's last session, and of every session since the change of 2026."""
        daily = day >= DAILY_MARGIN
        week = [one for one in self.sessions if one.isocalendar()[:2] == day.isocalendar()[:2]]
        if not self.has(day) or not (daily or day == week[-1]):
            return []
        later = [one for one in self.sessions if one > day]
        rows: Rows = []
        for code in self.on(day):
            row: dict[str, object] = {"Date": day.isoformat(), "Code": code, "IssType": "2"}
            row["PubDate"] = later[0].isoformat() if daily and later else None
            for name in ("Shrt", "Long", "ShrtNeg", "LongNeg", "ShrtStd", "LongStd"):
                row[f"{name}Vol"] = 1000.0
                row[f"{name}Val"] = 1e6 if daily else None
            rows.append(row)
        return self._corrected("margin_interest", day, rows)

    def short(self, day: dt.date) -> Rows:
        """Short selling by sector; nothing on a day of silence."""
        if not self.has(day) or day in self.silent:
            return []
        return [
            {
                "Date": day.isoformat(), "S33": number, "SellExShortVa": 1e9, "ShrtWithResVa": 2e8,
                "ShrtNoResVa": 1e8,
            }
            for number, _ in SECTORS
        ]  # fmt: skip

    def _corrected(self, endpoint: str, day: dt.date, rows: Rows) -> Rows:
        for (name, when, code, column), value in self.corrections.items():
            for row in rows:
                if name == endpoint and when == day and row["Code"] == code:
                    row[column] = value
        return rows
