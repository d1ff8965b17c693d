"""What statements say as of each disclosure, against a slow account of one disclosure after the other."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from gogooku3.features.statements import AMOUNTS, MEANINGS, known_statements
from gogooku3.market.publication import usable_sessions

_QUARTER = {"1Q": 1, "2Q": 2, "3Q": 3, "FY": 4}
_ACTUAL = ("sales", "operating_profit", "profit", "operating_cash_flow", "assets", "equity", "shares")
_FLOWS = _ACTUAL[:4]


def disclosures(seed: int, codes: int = 4, years: int = 4) -> pl.DataFrame:
    """Quarters, revisions of forecasts between them, corrections, gaps, several on a day, in any order."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for code in range(codes):
        for year in range(2018, 2018 + years):
            end = dt.date(year + 1, 3, 31)
            for period, q in _QUARTER.items():
                day = dt.date(year, 6, 30) + dt.timedelta(days=int(91 * (q - 1) + rng.integers(25, 50)))
                rows.append(_statement(rng, f"{code}", day, period, end))
                if rng.random() < 0.4:
                    later = day + dt.timedelta(days=int(rng.integers(0, 60)))
                    rows.append(_revision(rng, f"{code}", later, period, end))
                if rng.random() < 0.15:  # a correction of this or an older statement
                    old = dt.date(year + 1 - int(rng.integers(0, 2)), 3, 31)
                    rows.append(_statement(rng, f"{code}", day + dt.timedelta(days=20), period, old))
    frame = pl.DataFrame(rows, infer_schema_length=None)
    frame = frame.with_columns(pl.Series("number", [f"{n:06d}" for n in range(frame.height)]))
    return frame.sample(fraction=0.9, shuffle=True, seed=seed)


def _statement(
    rng: np.random.Generator, code: str, day: dt.date, period: str, end: dt.date
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "code": code,
        "date": day,
        "time": str(rng.choice(["11:00:00", "15:00:00", "15:30:00"])),
    }
    row |= {"period": period, "period_end": day, "year_end": end}
    row |= {name: float(rng.normal(100, 40)) if rng.random() > 0.1 else None for name in _ACTUAL}
    row |= {"treasury_shares": float(rng.uniform(0, 5)) if rng.random() > 0.3 else None}
    told = "next" if period == "FY" else "forecast"
    for name in ("sales", "operating_profit", "profit"):
        row[f"{told}_{name}"] = float(rng.normal(120, 40)) if rng.random() > 0.2 else None
    return row


def _revision(rng: np.random.Generator, code: str, day: dt.date, period: str, end: dt.date) -> dict[str, Any]:
    row: dict[str, Any] = {"code": code, "date": day, "time": None if rng.random() < 0.2 else "13:00:00"}
    row |= {"period": period, "period_end": day, "year_end": end}
    for name in ("sales", "operating_profit", "profit"):
        row[f"forecast_{name}"] = float(rng.normal(120, 40)) if rng.random() > 0.2 else None
    return row


class Company:
    """One company, told one disclosure after the other."""

    def __init__(self) -> None:
        self.actual: dict[tuple[int, int], dict[str, float]] = {}
        self.forecast: dict[int, dict[str, float]] = {}
        self.first: dict[int, float] = {}
        self.by_session: dict[int, dict[dt.date, float | None]] = {}
        self.newest = 0
        self.state: dict[str, float | None] = {}
        self.last_quarter: dict[int, int] = {}
        self.last_profit: dict[int, float] = {}
        self.counted: dt.date | None = None

    def tell(self, row: dict[str, Any], session: dt.date) -> dict[str, float | None] | None:
        year, q = row["year_end"].year * 12 + row["year_end"].month, _QUARTER[row["period"]]
        told = {name: row[name] for name in _ACTUAL if row[name] is not None}
        statement = any(name != "shares" for name in told)
        last_forecast = self.forecast.get(year, {}).get("operating_profit")
        if statement:
            self.actual.setdefault((year, q), {}).update(told)
            self.last_quarter[year] = q
        if row["operating_profit"] is not None:
            self.last_profit[year] = row["operating_profit"]
        ended = q == 4 and statement
        of = year + 12 if ended else year
        held = self.forecast.setdefault(of, {})
        for name in ("sales", "operating_profit", "profit"):
            value = row.get(f"next_{name}" if ended else f"forecast_{name}")
            if value is not None:
                held[name] = value
        known = held.get("operating_profit")
        if known is not None:
            self.first.setdefault(of, known)
        self.by_session.setdefault(of, {})[session] = known
        period = year * 10 + q
        if statement:
            self.newest = max(self.newest, period)
        if statement and period < self.newest:
            return None
        fresh = self._ratios(row, year=year, q=q, statement=statement, of=of, last=last_forecast)
        earlier = [value for when, value in sorted(self.by_session[of].items()) if when < session]
        before = earlier[-1] if earlier else None
        sales = held.get("sales")
        good = known is not None and sales is not None and sales > 0
        fresh["fs_revision"] = (known - before) / sales if good and before is not None else None
        self.state |= {name: value for name, value in fresh.items() if value is not None}
        self.counted = row["date"] if fresh["fs_shares"] is not None else self.counted
        return self.state

    def _ratios(
        self, now: dict[str, Any], *, year: int, q: int, statement: bool, of: int, last: float | None
    ) -> dict[str, float | None]:
        def minus(a: float | None, b: float | None) -> float | None:
            return None if a is None or b is None else a - b

        def over(a: float | None, b: float | None) -> float | None:
            return None if a is None or b is None or not b > 0 else a / b

        held = self.forecast[of]
        before, full = self.actual.get((year - 12, q), {}), self.actual.get((year - 12, 4), {})
        ttm: dict[str, float | None] = {}
        for name in _FLOWS:
            rest = minus(full.get(name), before.get(name))
            ttm[name] = (
                now[name] if q == 4 else (None if now[name] is None or rest is None else now[name] + rest)
            )
        ended = q == 4 and statement
        base = now["operating_profit"] if ended else full.get("operating_profit")
        base_sales = now["sales"] if ended else full.get("sales")
        growth = minus(held.get("operating_profit"), base)
        known = held.get("operating_profit")
        outstanding = None if now["shares"] is None else now["shares"] - (now["treasury_shares"] or 0.0)
        first = self.first.get(of)
        return {
            "fs_sales_growth": _less_one(over(now["sales"], before.get("sales"))),
            "fs_profit_change": over(minus(now["profit"], before.get("profit")), now["assets"]),
            "fs_margin": over(ttm["operating_profit"], ttm["sales"]),
            "fs_margin_change": minus(
                over(now["operating_profit"], now["sales"]),
                over(before.get("operating_profit"), before.get("sales")),
            ),
            "fs_roe": over(ttm["profit"], now["equity"]),
            "fs_roa": over(ttm["operating_profit"], now["assets"]),
            "fs_accruals": over(minus(ttm["profit"], ttm["operating_cash_flow"]), now["assets"]),
            "fs_equity_ratio": over(now["equity"], now["assets"]),
            "fs_asset_growth": _less_one(over(now["assets"], before.get("assets"))),
            "fs_forecast_growth": None if growth is None or not base_sales else growth / base_sales,
            "fs_forecast_margin": over(known, held.get("sales")),
            "fs_revision_year": over(minus(known, first), held.get("sales")),
            "fs_surprise": over(minus(now["operating_profit"], last), now["sales"]) if ended else None,
            "fs_progress": _less_one(over(now["operating_profit"], last))
            if ended
            else self._progress(year, known),
            "fs_profit": ttm["profit"],
            "fs_forecast": held.get("profit"),
            "fs_equity": now["equity"],
            "fs_sales": ttm["sales"],
            "fs_shares": outstanding,
        }

    def _progress(self, year: int, known: float | None) -> float | None:
        if self.last_quarter.get(year) is None or known is None or not known > 0:
            return None
        q, profit = self.last_quarter[year], self.last_profit.get(year)
        return None if q == 4 or profit is None else profit / known - q / 4


def _less_one(value: float | None) -> float | None:
    return None if value is None else value - 1


def slow(frame: pl.DataFrame) -> dict[tuple[str, dt.date], dict[str, Any]]:
    ordered = frame.sort("code", "date", "time", "number", nulls_last=True)
    days = ordered["date"].to_numpy().astype("datetime64[D]")
    minutes = [float("nan") if t is None else int(t[:2]) * 60 + int(t[3:5]) for t in ordered["time"]]
    sessions = usable_sessions("XTKS", days, np.array(minutes, dtype=np.float64)).tolist()
    companies: dict[str, Company] = {}
    found: dict[tuple[str, dt.date], dict[str, Any]] = {}
    for row, session in zip(ordered.iter_rows(named=True), sessions, strict=True):
        company = companies.setdefault(row["code"], Company())
        state = company.tell(row, session)
        if state is not None:
            found[row["code"], session] = {**state, "counted": company.counted}
    return found


@pytest.mark.parametrize("seed", range(12))
def test_as_of_each_disclosure(seed: int) -> None:
    frame = disclosures(seed)
    known = known_statements(frame, "XTKS")
    expected = slow(frame)
    rows = {(row["key"], row["session"]): row for row in known.frame.iter_rows(named=True)}
    assert set(rows) == set(expected)
    counted = dict.fromkeys((*MEANINGS, *AMOUNTS), 0)
    for key, values in expected.items():
        for name in (*MEANINGS, *AMOUNTS):
            value = values.get(name)
            told = value if value is None else pytest.approx(value, rel=1e-9)
            assert rows[key][name] == told, (key, name)
            counted[name] += values.get(name) is not None
        assert rows[key]["counted"] == values["counted"], key
    assert min(counted.values()) > 0


def test_later_disclosures_change_nothing_before_them() -> None:
    frame = disclosures(3)
    whole = known_statements(frame, "XTKS").frame
    for cut in (dt.date(2019, 8, 15), dt.date(2020, 5, 20), dt.date(2021, 2, 1)):
        early = known_statements(frame.filter(pl.col("date") <= cut), "XTKS").frame
        kept = whole.filter(pl.col("session") <= cut)
        assert kept.height > 5
        assert (
            early.filter(pl.col("session") <= cut).sort("key", "session").equals(kept.sort("key", "session"))
        )


def test_a_quarter_by_hand() -> None:
    def row(date: str, time: str, period: str, end: str, **told: float) -> dict[str, Any]:
        days = {"date": dt.date.fromisoformat(date), "year_end": dt.date.fromisoformat(end)}
        return {"code": "13010", "time": time, "period": period, **days, **told}

    first = row("2022-05-10", "15:00:00", "FY", "2022-03-31", sales=100.0, operating_profit=10.0, profit=6.0,
                assets=200.0, equity=80.0, next_sales=110.0, next_operating_profit=12.0, next_profit=7.0)  # fmt: skip
    second = row("2022-08-05", "14:00:00", "1Q", "2023-03-31", sales=26.0, operating_profit=3.0, profit=2.0,
                 assets=205.0, equity=82.0, forecast_sales=115.0, forecast_operating_profit=14.0,
                 forecast_profit=8.0)  # fmt: skip
    known = known_statements(pl.DataFrame([first, second], infer_schema_length=None), "XTKS").frame
    assert known["session"].to_list() == [dt.date(2022, 5, 11), dt.date(2022, 8, 5)]
    by_hand = {
        "fs_margin": (0.1, 0.1),  # the second has no quarter of a year before: what stood stands
        "fs_roe": (6 / 80, 6 / 80),
        "fs_forecast_growth": (0.02, 0.04),
        "fs_forecast_margin": (12 / 110, 14 / 115),
        "fs_revision": (None, 2 / 115),
        "fs_progress": (None, 3 / 14 - 0.25),
        "fs_equity": (80, 82),
    }
    for name, values in by_hand.items():
        assert known[name].to_list() == [
            value if value is None else pytest.approx(value) for value in values
        ], name
