"""The causality certificate in a few rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gogooku3.evaluation.report.table import Table

_LISTED = 10


def causality_table(certificate: Mapping[str, Any]) -> Table:
    """Return what was changed, what was compared and what was found.

    Args:
        certificate: Content of ``causality.json``; ``stale`` says that the run has changed since.
    """
    parts = certificate["parts"]
    rebuilt = [part for part in parts if "stages" in part["facts"]]
    rows = [["verdict", _verdict(certificate), ""], _bars(certificate), _rebuilds(certificate, rebuilt)]
    rows += [_stage(stage, rebuilt) for stage in _stages(rebuilt)]
    rows += [_check(part) for part in parts if "stages" not in part["facts"]]
    rows += [["violation", _sentence(one), "fail"] for one in certificate["violations"][:_LISTED]]
    more = len(certificate["violations"]) - _LISTED
    if more > 0:
        rows.append(["violation", f"and {more} more in causality.json", "fail"])
    return Table(
        title="Causality certificate",
        note="Everything after sampled sessions was deleted, perturbed and made null, and the real pipeline was run "
        "again: what is known by then has to be the same, bit for bit.",
        columns=["what", "looked at", "verdict"],
        rows=rows,
        text_columns=3,
    )


def _verdict(certificate: Mapping[str, Any]) -> str:
    said = str(certificate["verdict"])
    return (
        f"{said}, but for other code or settings than this run's: audit again"
        if certificate["stale"]
        else said
    )


def _bars(certificate: Mapping[str, Any]) -> list[str]:
    bars = certificate["bars"]
    text = (
        f"{bars['stocks']} stocks ({bars['share_of_stocks']:.0%} of all), {bars['first']} to {bars['last']}"
    )
    return ["bars", f"{text}, digest {bars['digest'][:16]}", ""]


def _rebuilds(certificate: Mapping[str, Any], rebuilt: Sequence[Mapping[str, Any]]) -> list[str]:
    dates = ", ".join(moment["date"] for moment in certificate["moments"])
    return ["rebuilds", f"{len(rebuilt)}, from the close of {dates}", _worst(rebuilt)]


def _stages(rebuilt: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(stage for part in rebuilt for stage in part["facts"]["stages"]))


def _stage(stage: str, rebuilt: Sequence[Mapping[str, Any]]) -> list[str]:
    seen = [part["facts"]["stages"][stage] for part in rebuilt if stage in part["facts"]["stages"]]
    values = sum(one["values"] for one in seen)
    return [stage, f"{values:,} values in {len(seen)} rebuilds", _worst(seen)]


def _check(part: Mapping[str, Any]) -> list[str]:
    facts = part["facts"]
    said = ""
    if "labels" in facts:
        said = f"{sum(facts['labels'].values()):,} labels computed again from their own closes"
    elif "pairs_of_spans" in facts:
        said = f"{facts['pairs_of_spans']:,} pairs of label spans"
    elif "hidden_from" in facts:
        said = f"fitted again with everything from {facts['hidden_from']} on hidden"
    elif "rank_ic" in facts:
        said = _permuted(facts)
    elif "values_compared" in facts:
        until = facts["universe_differs_until"]
        reach = (
            f"the universe differs on {facts['universe_differs_on_stock_days']:,} stock-days, until {until}"
        )
        said = f"{facts['values_compared']:,} values; {reach if until else 'the universe is the same'}"
    return [part["name"], said, part["verdict"]]


def _permuted(facts: Mapping[str, Any]) -> str:
    worst = max(
        facts["rank_ic"].values(), key=lambda row: abs(row["permuted"]) / max(row["permuted_bound"], 1e-9)
    )
    return (
        f"RankIC after training on permuted labels at most {abs(worst['permuted']):.4f}, "
        f"noise up to {worst['permuted_bound']:.4f}; {facts['tests']} tests"
    )


def _sentence(violation: Mapping[str, Any]) -> str:
    where = [violation["session"], violation["stock"] and f"stock {violation['stock']}", violation["cause"]]
    place = ", ".join(part for part in where if part)
    return f"{violation['stage']}: {violation['name']}{f' ({place})' if place else ''}: {violation['detail']}"


def _worst(parts: Sequence[Mapping[str, Any]]) -> str:
    return "fail" if any(part["verdict"] == "fail" for part in parts) else "pass"
