"""What is known, and what is not, of scores of another tool: for their page."""

from __future__ import annotations

from typing import Any

from gogooku3.pipeline.foreign_judged import ForeignJudged
from gogooku3.pipeline.foreign_run import unread_sections
from gogooku3.pipeline.lineage import environment

_UNKNOWN = (
    "No model, folds or training: whether a score knew the future, or was chosen by looking at these sessions, cannot "
    "be seen from a file of scores, nor what has moved since training. The leak alarm looks at the figures alone."
)


def universe_sentence(judged: ForeignJudged) -> str:
    """Say which stock-days count."""
    if judged.asked.universe == "settings":
        chosen = judged.run.settings.universe
        return (
            f"universe: the {chosen.size:,} most traded stocks with {chosen.min_history} bars; scores outside it are "
            "set aside"
        )
    return (
        "universe: the stock-days that the file scores; whatever it leaves out counts nowhere (--universe settings "
        "for ours)"
    )


def foreign_context(judged: ForeignJudged) -> dict[str, Any]:
    """Return sections of names and values: the scores, what is not known, members, data, environment, settings."""
    sections: dict[str, Any] = {"Scores": _scores(judged), "Not known": {"of these scores": _UNKNOWN}}
    if judged.seeds:
        sections["RankIC of single seeds"] = _members(judged)
    sections["Data"] = _data(judged)
    sections["Environment"] = environment()
    unread = unread_sections(judged.asked)
    sections["Settings"] = [
        {"setting": key, "value": value, "origin": origin}
        for key, value, origin in judged.run.resolved.rows()
        if key.split(".")[0] not in unread
    ]
    return sections


def _scores(judged: ForeignJudged) -> dict[str, str]:
    scores, placed = judged.scores, judged.placed
    found = {
        "file": f"{scores.path.name}, SHA-256 {scores.digest}",
        "rows": f"{scores.frame.height:,}, of which {placed.frame.height:,} are judged",
    }
    found |= {
        f"set aside: {aside.why}": f"{aside.rows:,} rows ({aside.examples})" for aside in placed.set_aside
    }
    for column in scores.columns:
        missing = placed.frame.get_column(column.name).null_count()
        target = "every horizon and lag" if column.target is None else str(column.target)
        member = "" if column.seed is None else f", member {column.seed}"
        found[f"column {column.name}"] = (
            f"{column.model} at {target}{member}; {missing:,} judged rows have no score"
        )
    found["columns left out"] = ", ".join(scores.left_out) or "none"
    found["stock-days that count"] = universe_sentence(judged).removeprefix("universe: ")
    if judged.asked.until is not None:
        found["last date whose prices were looked at"] = str(judged.asked.until)
    return found


def _members(judged: ForeignJudged) -> list[dict[str, Any]]:
    numbers = sorted({row["seed"] for row in judged.seeds})
    table: dict[tuple[str, str], dict[str, Any]] = {}
    for row in judged.seeds:
        empty = {"model": row["model"], "target": row["target"], **{f"seed {n}": "none" for n in numbers}}
        line = table.setdefault((row["model"], row["target"]), empty)
        line[f"seed {row['seed']}"] = "none" if row["rank_ic"] is None else f"{row['rank_ic']:.4f}"
    return list(table.values())


def _data(judged: ForeignJudged) -> dict[str, str]:
    market, validation, files = judged.assembled
    found = {
        "bars": f"{len(market.sessions):,} sessions x {len(market.codes):,} stocks",
        "sessions": f"{market.sessions[0]} to {market.sessions[-1]}, calendar {market.calendar}",
        **{f"file {name}": digest for name, digest in files.items()},
        "rows read": f"{validation.rows_read:,}, of which {validation.rows_kept:,} are bars",
        **{f"fault {fault}": f"{count:,}" for fault, count in validation.counts.items()},
        "sessions the source lacks": ", ".join(map(str, validation.missing_sessions)) or "none",
    }
    broken = sum(jump.broken for jump in validation.jumps)
    found["jumps"] = f"{len(validation.jumps)} listed, {broken} break the link"
    return found
