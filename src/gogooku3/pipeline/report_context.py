"""How a run came about, for its report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gogooku3.evaluation.evaluation import WHOLE, Evaluation
from gogooku3.evaluation.report.causality_table import causality_table
from gogooku3.pipeline.certified import read_certificate
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.lineage import environment
from gogooku3.pipeline.run_folder import Run
from gogooku3.splits.fold import Fold

_Rows = list[dict[str, Any]]


def report_context(run: Run, judged: Judged) -> dict[str, Any]:
    """Return sections of names and values, or of rows: folds, locked years, seeds, certificate, data, settings."""
    sections: dict[str, Any] = {"Folds": [_fold(judged, fold) for fold in judged.folds]}
    if run.settings.run.open_locked:
        sections["Locked years, opened"] = _headline(judged.locked)
        leaks = judged.locked.leaks
        sections["Locked years, leak alarm"] = {
            leaks.headline: " ".join([*(alarm.text for alarm in leaks.alarms), leaks.explanation])
        }
    if judged.seeds:
        sections["RankIC of single seeds"] = _seeds(judged.seeds)
    certificate = read_certificate(run)
    if certificate is not None:
        table = causality_table(certificate)
        sections[table.title] = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    sections["Data"] = _data(run, judged)
    sections["Environment"] = environment()
    sections["Settings"] = [
        {"setting": key, "value": value, "origin": origin} for key, value, origin in run.resolved.rows()
    ]
    return sections


def report_basis(judged: Judged) -> dict[str, str]:
    """Return what has to be the same before figures of two runs may be compared: data and folds."""
    panel = judged.panel
    folds = [fold for fold in judged.folds if not fold.locked]
    return {
        "data": f"{len(panel.sessions):,} sessions x {len(panel.codes):,} stocks, content {panel.content_hash[:16]}",
        "folds": "; ".join(", ".join(_fold(judged, fold).values()) for fold in folds),
    }


def _fold(judged: Judged, fold: Fold) -> dict[str, str]:
    def span(rows: Any) -> str:
        days = judged.panel.sessions
        return f"{days[rows[0]]} to {days[rows[-1]]} ({len(rows)} sessions)"

    return {
        "fold": fold.name + (" (locked)" if fold.locked else ""),
        "trained on": span(fold.train),
        "settings chosen on, then trained on": span(fold.validation),
        "tested on": span(fold.test),
    }


def _headline(evaluation: Evaluation) -> _Rows:
    rows = []
    for result in evaluation.results:
        whole = next(part for part in result.periods if part.period == WHOLE)
        rows.append(
            {
                "model": result.model,
                "horizon": result.target.horizon,
                "lag": result.target.lag,
                "RankIC": f"{whole.rank_ic.mean:.4f}",
                "t": f"{whole.rank_ic.t:.1f}",
                "net Sharpe (annual)": f"{whole.portfolio.sharpe_annual:.2f}",
            }
        )
    return rows


def _seeds(seeds: _Rows) -> _Rows:
    """Return a row for each model and target; where one has fewer seeds than another, cells are empty."""
    numbers = sorted({row["seed"] for row in seeds})
    empty = {f"seed {number}": "" for number in numbers}
    table: dict[tuple[str, str], dict[str, Any]] = {}
    for row in seeds:
        key = {"model": row["model"], "target": row["target"]}
        table.setdefault((row["model"], row["target"]), key | empty)[f"seed {row['seed']}"] = (
            f"{row['rank_ic']:.4f}"
        )
    return list(table.values())


def _data(run: Run, judged: Judged) -> dict[str, str]:
    panel = judged.panel
    found = {
        "panel": f"{len(panel.sessions):,} sessions x {len(panel.codes):,} stocks, {len(panel.feature_names)} features",
        "sessions": f"{panel.sessions[0]} to {panel.sessions[-1]}, calendar {panel.calendar}",
        "panel content": panel.content_hash,
    }
    files = panel.lineage.get("files", {})
    found |= (
        {f"file {name}": str(digest) for name, digest in files.items()} if isinstance(files, Mapping) else {}
    )
    path = run.path("validation.json")
    if path.is_file():
        validation = json.loads(path.read_text(encoding="utf-8"))
        found["rows read"] = f"{validation['rows_read']:,}, of which {validation['rows_kept']:,} are bars"
        found |= {f"fault {name}": f"{count:,}" for name, count in validation["counts"].items()}
        found["sessions the source lacks"] = ", ".join(validation["missing_sessions"]) or "none"
        broken = sum(jump["broken"] for jump in validation["jumps"])
        found["jumps"] = f"{len(validation['jumps'])} listed, {broken} break the link"
    return found
