"""A made-up exchange whose companies report as real ones do."""

from __future__ import annotations

import datetime as dt

import numpy as np

from gogooku3.sources.jquants.statement_fields import STATEMENT_FIELDS
from tests.sources.jquants.exchange import SECTORS, Exchange, Rows

_QUARTERS = {2: ("3Q", 0), 5: ("FY", 0), 8: ("1Q", 1), 11: ("2Q", 1)}
"""Month of a report to its period, and by how many years the fiscal year ends later (in March)."""


class Reporting(Exchange):
    """Quarters of fiscal years that end in March; balances and short sales that vary."""

    def statements(self, day: dt.date) -> Rows:
        """Every company reports on a day of its own in February, May, August and November."""
        rows: Rows = []
        if day.month not in _QUARTERS or not self.has(day):
            return rows
        period, later = _QUARTERS[day.month]
        month = [one for one in self.sessions if (one.year, one.month) == (day.year, day.month)]
        for n, code in enumerate(self.on(day)):
            if month.index(day) != n % min(12, len(month)):
                continue
            rng = np.random.default_rng([n, day.year, day.month])
            end = dt.date(day.year + later, 3, 31)
            row: dict[str, object] = dict.fromkeys(STATEMENT_FIELDS, "")
            share = {"1Q": 1, "2Q": 2, "3Q": 3, "FY": 4}[period] / 4
            sales = share * 1e9 * (5 + n) * rng.uniform(0.8, 1.25)
            ahead = "NxF" if period == "FY" else "F"
            told = {
                "Sales": sales, "OP": sales * rng.uniform(0.02, 0.12), "NP": sales * rng.uniform(0.01, 0.08),
                "TA": sales * 2, "Eq": sales * rng.uniform(0.6, 1.2), "CFO": sales * rng.uniform(0, 0.1),
                f"{ahead}Sales": sales / share, f"{ahead}OP": sales / share * rng.uniform(0.04, 0.1),
                "NxFNp" if period == "FY" else "FNP": sales / share * 0.05,
                "ShOutFY": 1e6 * (1 + n), "TrShFY": 1e4,
            }  # fmt: skip
            row |= {name: f"{value:.0f}" for name, value in told.items()}
            row |= {
                "DiscDate": day.isoformat(), "DiscTime": ("11:30:00", "15:00:00", "16:00:00")[n % 3], "Code": code,
                "DiscNo": f"{day:%Y%m%d}{n:06d}", "CurPerType": period, "CurPerEn": end.isoformat(),
                "CurFYEn": end.isoformat(), "DocType": f"{period}FinancialStatements_Consolidated_JP",
            }  # fmt: skip
            rows.append(row)
        return self._corrected("statements", day, rows)

    def margin(self, day: dt.date) -> Rows:
        """Balances that vary from stock to stock and week to week."""
        rows = super().margin(day)
        for n, row in enumerate(rows):
            rng = np.random.default_rng([n, day.toordinal()])
            row["LongVol"], row["ShrtVol"] = (
                float(rng.integers(1, 90) * 100),
                float(rng.integers(1, 60) * 100),
            )
            row["LongNegVol"] = float(rng.integers(0, 50))
        return rows

    def short(self, day: dt.date) -> Rows:
        """Short sales that vary."""
        rows = super().short(day)
        for n, row in enumerate(rows):
            rng = np.random.default_rng([len(SECTORS) + n, day.toordinal()])
            row["ShrtWithResVa"], row["ShrtNoResVa"] = (
                float(rng.uniform(1e8, 4e8)),
                float(rng.uniform(1e7, 2e8)),
            )
        return rows
