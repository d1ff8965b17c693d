"""What financial statements say, from the first session at whose close they were public."""

from __future__ import annotations

import numpy as np
import polars as pl

from gogooku3.features.known import Known
from gogooku3.market.publication import usable_sessions
from gogooku3.sources.filings import STATEMENTS

FAMILY = "statements"
_HOLDS = 400
_FLOWS = ("sales", "operating_profit", "profit", "operating_cash_flow")
_TEXTS = dict.fromkeys(("time", "number", "period"), pl.String())
_QUARTERS = {"1Q": 1, "2Q": 2, "3Q": 3, "FY": 4}
MEANINGS = {
    "fs_sales_growth": "sales of the year so far against the same time a year before",
    "fs_profit_change": "net profit of the year so far less that of the same time a year before, to assets",
    "fs_margin": "operating profit to sales over the last four quarters",
    "fs_margin_change": "operating margin of the year so far less that of a year before",
    "fs_roe": "net profit of the last four quarters to equity",
    "fs_roa": "operating profit of the last four quarters to assets",
    "fs_accruals": "net profit less operating cash flow over the last four quarters, to assets",
    "fs_equity_ratio": "equity to assets",
    "fs_asset_growth": "assets against those of a year before",
    "fs_forecast_growth": "forecast operating profit of the year less that of the year before, to its sales",
    "fs_forecast_margin": "forecast operating profit to forecast sales",
    "fs_revision": "change of the forecast of operating profit by the last disclosure, to forecast sales",
    "fs_revision_year": "change of that forecast since its first one",
    "fs_progress": "operating profit so far to its forecast, less the share of the year that has passed",
    "fs_surprise": "operating profit of the year less its last forecast, to sales",
}
"""Features of a disclosure: ratios only, of amounts that the same company disclosed."""
AMOUNTS = ("fs_profit", "fs_forecast", "fs_equity", "fs_sales", "fs_shares")
"""Amounts that features of value hold against the market's price; no features themselves."""


def known_statements(disclosures: pl.DataFrame, calendar: str) -> Known:
    """Return what each disclosure adds to what was known, by stock and first usable session.

    Everything of a row is made of that row and of earlier ones of the same code, in order of disclosure. A corrected
    statement is a row of its own and says nothing of the time before it. Shares are those of the day on which they
    were said last, ``counted``: a revision of forecasts after a split says no number of shares.

    Args:
        disclosures: As ``sources.filings.read_statements`` returns them.
        calendar: Code of the exchange calendar.

    Raises:
        DataError: The calendar does not reach the disclosures.
    """
    rows = _with_forecasts(_with_actuals(_in_order(disclosures, calendar)))
    frame = rows.select(
        pl.col("code").alias("key"),
        "session",
        "is_current",
        *(expression.alias(name) for name, expression in _ratios().items()),
        fs_profit=pl.col("profit_year"),
        fs_forecast=pl.col("known_profit"),
        fs_equity=pl.col("equity"),
        fs_sales=pl.col("sales_year"),
        fs_shares=pl.col("outstanding"),
        counted=pl.when(pl.col("outstanding").is_finite()).then("date"),
    )
    finite = [
        pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in (*MEANINGS, *AMOUNTS)
    ]
    held = (
        frame.with_columns(finite)
        .filter("is_current")
        .with_columns(
            # what a disclosure does not say, such as a revision of forecasts of the year's sales, stands as it was
            pl.col(*MEANINGS, *AMOUNTS, "counted").forward_fill().over("key")
        )
        .unique(("key", "session"), keep="last", maintain_order=True)
        .drop("is_current")
    )
    return Known(family=FAMILY, by="code", frame=held, holds=_HOLDS)


def _minutes(times: pl.Series) -> np.ndarray:
    """Return minutes since midnight of texts such as 15:30:00, NaN where there is none."""
    part = times.cast(pl.String).str.splitn(":", 3).struct.unnest()
    hours, minutes = (part.get_column(f"field_{k}").cast(pl.Float64, strict=False) for k in range(2))
    return (hours * 60 + minutes).fill_null(np.nan).to_numpy()


def _in_order(disclosures: pl.DataFrame, calendar: str) -> pl.DataFrame:
    """Return all disclosures with every column, in the order in which they came, and what period each is of."""
    rows = disclosures.with_columns(
        pl.lit(None, dtype=_TEXTS.get(name, pl.Date() if name.endswith("_end") else pl.Float64())).alias(name)
        for name in STATEMENTS
        if name not in disclosures.columns
    )
    days = rows.get_column("date").to_numpy().astype("datetime64[D]")
    usable = usable_sessions(calendar, days, _minutes(rows.get_column("time")))
    ordered = (
        rows.with_columns(pl.Series("session", usable).cast(pl.Date))
        .with_row_index("place")
        .sort("code", "date", "time", "number", "place", nulls_last=True)
    )
    is_statement = pl.any_horizontal(pl.col(*_FLOWS, "assets", "equity").is_not_null())
    described = ordered.with_columns(
        is_statement=is_statement,
        quarter=pl.col("period").replace_strict(_QUARTERS, default=None, return_dtype=pl.Int64),
        year=pl.col("year_end").dt.year().cast(pl.Int64) * 12 + pl.col("year_end").dt.month(),
        outstanding=pl.col("shares") - pl.col("treasury_shares").fill_null(0.0),
    )
    period = pl.col("year") * 10 + pl.col("quarter").fill_null(0)
    newest = pl.when("is_statement").then(period).cum_max().forward_fill().over("code").fill_null(0)
    # a correction of an older statement changes what later ones are held against, and not what stands
    return described.with_columns(
        is_current=~pl.col("is_statement") | (period >= newest).fill_null(value=True)
    )


def _as_of(rows: pl.DataFrame, *, years: int, quarter: pl.Expr, columns: dict[str, str]) -> pl.DataFrame:
    """Add what had been disclosed last, by each row, of a period some years before.

    Args:
        rows: In order; ``year`` counts months.
        years: How many years before.
        quarter: Quarter of the period that is looked for.
        columns: Column to the name that its earlier value gets.
    """
    order = pl.int_range(pl.len(), dtype=pl.Int64)
    wanted = rows.with_columns(
        order.alias("order"), quarter.alias("at"), (pl.col("year") - 12 * years).alias("of")
    )
    told = (
        rows.with_columns(order.alias("order"))
        .filter("is_statement")
        .select("code", "order", pl.col("year").alias("of"), pl.col("quarter").alias("at"), *columns)
        .rename(columns)
        .drop_nulls(["of", "at"])
        .with_columns(pl.col(list(columns.values())).forward_fill().over("code", "of", "at"))
        .sort("order")
    )
    return wanted.join_asof(told, on="order", by=["code", "of", "at"], check_sortedness=False).drop(
        "order", "of", "at"
    )


def _with_actuals(rows: pl.DataFrame) -> pl.DataFrame:
    """Add amounts of a year before and of the last four quarters: the year so far, and the rest of the one before."""
    before = {name: f"{name}_before" for name in (*_FLOWS, "assets")}
    full = {name: f"{name}_full" for name in _FLOWS}
    rows = _as_of(rows, years=1, quarter=pl.col("quarter"), columns=before)
    rows = _as_of(rows, years=1, quarter=pl.lit(4, dtype=pl.Int64), columns=full)
    ended = pl.col("quarter") == 4
    return rows.with_columns(
        pl.when(ended)
        .then(pl.col(name))
        .otherwise(pl.col(name) + pl.col(f"{name}_full") - pl.col(f"{name}_before"))
        .alias(f"{name}_year")
        for name in _FLOWS
    )


def _with_forecasts(rows: pl.DataFrame) -> pl.DataFrame:
    """Add forecasts of the year that counts: the running one, and after its end the next."""
    ended = (pl.col("quarter") == 4) & pl.col("is_statement")

    def chosen(name: str) -> pl.Expr:
        return pl.when(ended).then(pl.col(f"next_{name}")).otherwise(pl.col(f"forecast_{name}"))

    rows = rows.with_columns(
        forecast_year=pl.when(ended).then(pl.col("year") + 12).otherwise(pl.col("year")),
        **{f"said_{name}": chosen(name) for name in ("sales", "operating_profit", "profit")},
    )
    group = ("code", "forecast_year")
    rows = rows.with_columns(
        pl.col(f"said_{name}").forward_fill().over(group).alias(f"known_{name}")
        for name in ("sales", "operating_profit", "profit")
    )
    by_session = rows.unique((*group, "session"), keep="last", maintain_order=True).select(
        *group, "session", before_session=pl.col("known_operating_profit").shift(1).over(group)
    )
    rows = rows.join(by_session, on=[*group, "session"], how="left", maintain_order="left", nulls_equal=True)
    rows = rows.with_columns(
        first_forecast=pl.col("known_operating_profit").drop_nulls().first().over(group),
        so_far=pl.col("operating_profit").forward_fill().over("code", "year"),
        quarter_so_far=pl.when("is_statement").then("quarter").forward_fill().over("code", "year"),
    )
    ordered = rows.with_columns(order=pl.int_range(pl.len(), dtype=pl.Int64))
    told = ordered.select(
        "code", "order", pl.col("forecast_year").alias("year"), last_forecast="known_operating_profit"
    ).drop_nulls("year")
    return ordered.join_asof(
        told, on="order", by=["code", "year"], allow_exact_matches=False, check_sortedness=False
    ).drop("order")


def _ratios() -> dict[str, pl.Expr]:
    col = pl.col
    ended = (col("quarter") == 4) & col("is_statement")
    base = pl.when(ended).then(col("operating_profit")).otherwise(col("operating_profit_full"))
    base_sales = pl.when(ended).then(col("sales")).otherwise(col("sales_full"))
    return {
        "fs_sales_growth": col("sales") / _positive("sales_before") - 1,
        "fs_profit_change": (col("profit") - col("profit_before")) / _positive("assets"),
        "fs_margin": col("operating_profit_year") / _positive("sales_year"),
        "fs_margin_change": col("operating_profit") / _positive("sales")
        - col("operating_profit_before") / _positive("sales_before"),
        "fs_roe": col("profit_year") / _positive("equity"),
        "fs_roa": col("operating_profit_year") / _positive("assets"),
        "fs_accruals": (col("profit_year") - col("operating_cash_flow_year")) / _positive("assets"),
        "fs_equity_ratio": col("equity") / _positive("assets"),
        "fs_asset_growth": col("assets") / _positive("assets_before") - 1,
        "fs_forecast_growth": (col("known_operating_profit") - base) / base_sales.replace(0.0, None),
        "fs_forecast_margin": col("known_operating_profit") / _positive("known_sales"),
        "fs_revision": (col("known_operating_profit") - col("before_session")) / _positive("known_sales"),
        "fs_revision_year": (col("known_operating_profit") - col("first_forecast"))
        / _positive("known_sales"),
        "fs_progress": pl.when(ended)
        .then(col("operating_profit") / _positive("last_forecast") - 1)
        .when(col("quarter_so_far") < 4)
        .then(col("so_far") / _positive("known_operating_profit") - col("quarter_so_far") / 4),
        "fs_surprise": pl.when(ended).then(
            (col("operating_profit") - col("last_forecast")) / _positive("sales")
        ),
    }


def _positive(name: str) -> pl.Expr:
    return pl.when(pl.col(name) > 0).then(pl.col(name))
