"""Progress, tables and sentences on the terminal: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gogooku3.evaluation.evaluation import Evaluation
    from gogooku3.pipeline.ranked import Ranking
    from gogooku3.pipeline.stage import StageRecord
    from gogooku3.progress import Progress


def progress(*, quiet: bool) -> Progress:
    """Return a listener: a live bar with rate and time left, or nothing."""
    if quiet:
        from gogooku3.progress import Silent

        return Silent()
    from gogooku3.cli.live import Live

    return Live()


def as_json(value: object) -> None:
    """Print JSON to standard output."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False, default=str))  # noqa: T201 - the command line prints


def say(text: str) -> None:
    """Print a sentence to standard error."""
    print(text, file=sys.stderr)  # noqa: T201 - the command line prints


def stages_as_json(stages: Iterable[StageRecord]) -> list[dict[str, Any]]:
    """Return what each stage did."""
    return [
        {
            "stage": stage.name,
            "skipped": stage.skipped,
            "seconds": stage.seconds,
            "outputs": dict(stage.outputs),
            "metrics": [dict(metric) for metric in stage.metrics],
        }
        for stage in stages
    ]


def show_stages(stages: Iterable[StageRecord]) -> None:
    """Say what was done and what was there already."""
    stages = list(stages)
    done = [stage for stage in stages if not stage.skipped]
    kept = len(stages) - len(done)
    if done:
        say("done: " + ", ".join(f"{stage.name} {stage.seconds:.1f} s" for stage in done))
    if kept:
        say(f"{kept} of {len(stages)} steps were there already and are valid")


def show_evaluation(evaluation: Evaluation) -> None:
    """Print RankIC, its t, the decile spread and the net Sharpe per model and target, then the leak alarm."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"Test period {evaluation.sessions[0]} to {evaluation.sessions[-1]}", title_justify="left"
    )
    for heading in ("model", "horizon", "lag"):
        table.add_column(heading)
    for heading in (
        "RankIC",
        "95 % interval",
        "t",
        "RankICIR",
        "spread bps",
        "net Sharpe (annual)",
        "break-even bps",
    ):
        table.add_column(heading, justify="right")
    for result in sorted(evaluation.results, key=lambda r: (r.target.lag, r.target.horizon, r.model)):
        whole = result.periods[0]
        table.add_row(
            result.model,
            str(result.target.horizon),
            str(result.target.lag),
            f"{whole.rank_ic.mean:.4f}",
            f"{whole.rank_ic.low:.4f} to {whole.rank_ic.high:.4f}",
            f"{whole.rank_ic.t:.1f}",
            f"{whole.rank_ic.ratio:.2f}",
            f"{1e4 * whole.spread.mean:.1f}",
            f"{whole.portfolio.sharpe_annual:.2f}",
            f"{whole.portfolio.break_even_bps:.1f}",
        )
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(table)
    leaks = evaluation.leaks
    style = "bold red" if leaks.alarms else None
    console.print(f"{leaks.headline}. {leaks.explanation}", style=style, markup=False, highlight=False)
    for alarm in leaks.alarms:
        lines = [alarm.text, "  likely causes:", *(f"  - {cause}" for cause in alarm.causes)]
        console.print("\n".join(lines), markup=False, highlight=False)


def show_ranking(ranking: Ranking, rows: int = 10) -> None:
    """Print the best and worst stocks of the session."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"Ranking of {ranking.session} by {ranking.model}, {ranking.target.horizon} sessions ahead, "
        f"entered {ranking.target.lag} session(s) later "
        f"({ranking.table.height} stocks; trained until {ranking.trained_until})",
        title_justify="left",
    )
    for heading in ("rank", "code", "name", "sector", "score"):
        table.add_column(heading, justify="right" if heading in {"rank", "score"} else "left")
    target = ranking.target
    best = ranking.table.head(rows)
    worst = ranking.table.tail(min(rows // 2, max(0, ranking.table.height - rows)))
    for part, frame in enumerate((best, worst)):
        if part and frame.height:
            table.add_row("...", "", "", "", "")
        for row in frame.iter_rows(named=True):
            score = f"{row[f'score_{target}']:+.4f}"
            table.add_row(str(row[f"rank_{target}"]), row["code"], row["name"], row["sector"], score)
    Console(width=None if sys.stdout.isatty() else 120).print(table)
