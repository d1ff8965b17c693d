"""Trade a run's predictions: holdings, trades and what is left after costs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gogooku3.cli import options as o

if TYPE_CHECKING:
    from gogooku3.pipeline.backtest import BacktestOutcome

NAME = "backtest"


class _Construction(StrEnum):
    decile = "decile"
    top_k = "top_k"
    rank = "rank"


class _Side(StrEnum):
    long_short = "long_short"
    long_only = "long_only"


class _Entry(StrEnum):
    close = "close"
    open = "open"


Model = Annotated[str | None, typer.Option(help="Model; the last of the run's models if not given.")]
Target = Annotated[
    str | None, typer.Option(help="Horizon, which is the holding time, and lag; h5_d1 if not given.")
]
Construction = Annotated[
    _Construction,
    typer.Option(help="decile: extreme buckets, equally weighted; top_k: --k names; rank: all, by rank."),
]
K = Annotated[int | None, typer.Option(help="Names per leg of top_k.")]
Side = Annotated[
    _Side | None, typer.Option(help="Both legs, or the long one; as in evaluation.portfolio if not given.")
]
SectorNeutral = Annotated[bool, typer.Option("--sector-neutral", help="Rank within sectors.")]
MaxWeight = Annotated[
    float | None, typer.Option(help="Largest absolute weight of one stock, such as 0.02; the rest is shared.")
]
Entry = Annotated[_Entry, typer.Option(help="Price of the entry session that is traded at.")]
Capital = Annotated[
    float | None,
    typer.Option(help="Keep an account of shares and cash that begins with this; weights if not given."),
]
Lot = Annotated[
    int | None,
    typer.Option(help="Shares of a trading unit of the account; 100 in Tokyo, else 1; 0 trades fractions."),
]
CostBps = Annotated[
    float | None,
    typer.Option(help="Cost per traded value, basis points; evaluation.portfolio.cost_bps if not given."),
]
Spread = Annotated[bool, typer.Option("--spread", help="Pay half the spread besides, estimated from bars.")]
Impact = Annotated[bool, typer.Option("--impact", help="Pay square-root impact besides; needs --capital.")]
MaxParticipation = Annotated[
    float | None,
    typer.Option(help="Trade at most this share of a stock's average daily turnover; needs --capital."),
]
BorrowBps = Annotated[
    float | None,
    typer.Option(
        help="Fee per year on the short value, basis points; as in evaluation.portfolio if not given."
    ),
]
Borrowable = Annotated[
    Path | None,
    typer.Option(
        help="CSV or Parquet of code, and perhaps date: only these are sold short; a list holds until the next."
    ),
]
Benchmark = Annotated[
    Path | None,
    typer.Option(
        help="CSV or Parquet of date and close to compare with; a long-only portfolio is compared with equal "
        "weights in the universe if not given."
    ),
]
Folder = Annotated[
    str | None,
    typer.Option(
        "--as", help="Folder below the run's backtests; named by model, target and hash if not given."
    ),
]


def command(
    name: o.Name = None,
    model: Model = None,
    target: Target = None,
    construction: Construction = _Construction.decile,
    k: K = None,
    side: Side = None,
    sector_neutral: SectorNeutral = False,
    max_weight: MaxWeight = None,
    entry: Entry = _Entry.close,
    capital: Capital = None,
    lot: Lot = None,
    cost_bps: CostBps = None,
    spread: Spread = False,
    impact: Impact = False,
    max_participation: MaxParticipation = None,
    borrow_bps: BorrowBps = None,
    borrowable: Borrowable = None,
    benchmark: Benchmark = None,
    folder: Folder = None,
    panel: o.Panel = None,
    config: o.Config = None,
    settings: o.Set = None,
    open_locked: Annotated[
        bool, typer.Option("--open-locked", help="Trade the locked years instead. It is recorded.")
    ] = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Trade the predictions of the test years."""
    from gogooku3.cli import show
    from gogooku3.pipeline.backtest import backtest_run
    from gogooku3.pipeline.backtest_choices import BacktestChoices

    choices = BacktestChoices(
        model=model,
        target=target,
        construction=construction.value,
        k=k,
        side=None if side is None else side.value,
        sector_neutral=sector_neutral,
        max_weight=max_weight,
        entry=entry.value,
        capital=capital,
        lot=lot,
        cost_bps=cost_bps,
        spread=spread,
        impact=impact,
        max_participation=max_participation,
        borrow_bps=borrow_bps,
        borrowable=borrowable,
        benchmark=benchmark,
        folder=folder,
    )
    run = o.make_run(
        name=name, panel=panel, config=config, settings=settings, open_locked=open_locked, quiet=quiet
    )
    outcome = backtest_run(run, choices)
    if json:
        files = {path.name: str(path) for path in outcome.files}
        show.as_json({"folder": str(outcome.folder), "files": files, **outcome.content})
        return
    _show(outcome)
    show.say(f"written: {', '.join(str(path) for path in outcome.files)}")


def _show(outcome: BacktestOutcome) -> None:
    """Print the figures, and the years below them."""
    import sys

    from rich.console import Console
    from rich.table import Table

    content = outcome.content
    figures = Table(
        title=f"{outcome.model} at {outcome.target}, {content['first']} to {content['last']}",
        title_justify="left",
        show_header=False,
    )
    figures.add_column("what")
    figures.add_column("value", justify="right")
    for what, value in _lines(outcome):
        figures.add_row(what, value)
    years = Table(title="Years", title_justify="left")
    for heading in ("year", "net", "Sharpe", "max drawdown"):
        years.add_column(heading, justify="left" if heading == "year" else "right")
    for year in outcome.years:
        years.add_row(
            year.year, _share(year.net_annual), f"{year.sharpe_annual:.2f}", _share(year.max_drawdown)
        )
    console = Console(width=None if sys.stdout.isatty() else 120, markup=False, highlight=False)
    console.print(figures)
    console.print(years)
    if content["ruined_on"] is not None:
        console.print(f"The equity fell to zero on {content['ruined_on']}; nothing was held after it.")


def _lines(outcome: BacktestOutcome) -> list[tuple[str, str]]:
    whole, relative = outcome.summary, outcome.relative
    lines = [
        ("gross a year", _share(whole.gross_annual)),
        ("net a year", f"{_share(whole.net_annual)} (t {whole.net.t:.1f})"),
        ("commission a year", _share(whole.commission_annual)),
        ("spread a year", _share(whole.spread_annual)),
        ("impact a year", _share(whole.impact_annual)),
        ("borrowing a year", _share(whole.borrow_annual)),
        ("Sharpe, annual, net", f"{whole.sharpe_annual:.2f}"),
        ("max drawdown", _share(whole.max_drawdown)),
        ("break-even cost, bps", f"{whole.break_even_bps:.1f}"),
        ("turnover a session", _share(whole.turnover)),
        ("long, short", f"{_share(whole.long)}, {_share(whole.short)}"),
        ("names long, short", f"{whole.long_names:.0f}, {whole.short_names:.0f}"),
        ("unfilled", _share(whole.unfilled)),
        ("orders", f"{whole.orders:,}"),
        ("of them halted, at the limit", f"{whole.halted:,}, {whole.locked:,}"),
        ("not borrowable, cut by volume", f"{whole.unborrowable:,}, {whole.limited:,}"),
        ("cut to the cash there was", f"{whole.unaffordable:,}"),
    ]
    if relative is not None:
        lines += [
            (f"against {outcome.benchmark}", f"{_share(relative.benchmark_annual)} a year"),
            ("alpha a year, beta", f"{_share(relative.alpha_annual)}, {relative.beta:.2f}"),
            ("information ratio", f"{relative.information_ratio:.2f}"),
            ("tracking error", _share(relative.tracking_error)),
        ]
    return lines


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"
