"""A comparison of the ledger as Markdown, and what its inputs have become since."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gogooku3.evaluation.paired_json import paired_from_json
from gogooku3.evaluation.report.pairs_tables import (
    coverage_sentence,
    pairs_by_year,
    pairs_table,
    pairs_verdict,
    seeds_table,
    short_names,
)
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.wording import listed
from gogooku3.pipeline.comparison_ledger import Entry

_SHOWN = 16


def verdict_of(entry: Entry) -> list[str]:
    """Return the sentences that say which model ranks better."""
    pairs = [paired_from_json(value) for value in entry.content["results"]]
    return pairs_verdict(pairs, short_names([side["label"] for side in entry.content["contestants"]]))


def to_markdown(entry: Entry, states: Mapping[str, str]) -> str:
    """Return the whole comparison.

    Args:
        entry: The comparison.
        states: What the inputs of each contestant have become, as ``input_states`` says.
    """
    content = entry.content
    names = short_names([side["label"] for side in content["contestants"]])
    pairs = [paired_from_json(value) for value in content["results"]]
    period, confidence = content["period"], content["judged_by"]["confidence"]
    locked = ", locked years, opened" if period["locked"] else ""
    lines = [
        f"## Comparison {entry.digest[:_SHOWN]}",
        "",
        *(f"- {sentence}" for sentence in pairs_verdict(pairs, names)),
        "",
        f"{period['first']} to {period['last']}, {period['sessions']:,} sessions{locked}. "
        + coverage_sentence(pairs, names),
        "",
        *(f"{sentence}\n" for sentence in _seed_sentences(content["contestants"], names)),
        *(f"Not compared: {left}.\n" for left in content["left_out"]),
        *(f"**{warning}**\n" for warning in _warnings(states)),
    ]
    tables = [
        *(_tested(each, names) for each in content["designs"]),
        pairs_table(pairs, names, confidence=confidence),
        seeds_table(pairs, names),
        pairs_by_year(pairs, names),
    ]
    parts = [*(table.to_markdown() for table in tables if table is not None), _same(content)]
    return "\n".join([*lines, *parts])


def _tested(each: Mapping[str, Any], names: Mapping[str, str]) -> Table:
    against, model = names[each["against"]], names[each["model"]]
    rows = [
        [setting["key"], _value(setting["against"]), _value(setting["model"])]
        for setting in each["under_test"]
    ]
    others = ", ".join(setting["key"] for setting in each["without_effect"])
    return Table(
        title=f"Under test: {model} against {against}",
        note="All else that leads to the scores is the same."
        + (f" Settings that differ without effect on them: {others}." if others else ""),
        columns=["Setting", against, model],
        rows=rows,
        text_columns=3,
    )


def _same(content: Mapping[str, Any]) -> str:
    """Name what both sides share, and how it was judged."""
    first = content["contestants"][0]
    folds = ", ".join(first["folds"])
    judged = ", ".join(f"{name} {value}" for name, value in content["judged_by"].items())
    return f"Folds {folds}, the same sessions, labels and universe for all. Judged by: {judged}.\n"


def _seed_sentences(sides: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> list[str]:
    mixed = [names[side["label"]] for side in sides if side["model"] == "blend"]
    fixed = [names[side["label"]] for side in sides if not side["seeds"] and side["model"] != "blend"]
    said = [f"Deterministic, without seed variance: {listed(fixed)}."] if fixed else []
    said += [f"Of averaged scores, its seed variance is not measured: {listed(mixed)}."] if mixed else []
    random = [
        f"{names[side['label']]} (seeds {side['seeds'][0]} to {side['seeds'][-1]})"
        for side in sides
        if side["seeds"]
    ]
    said += [f"Random, the mean of its members' scores: {listed(random)}."] if random else []
    more = [
        f"{names[side['label']]} ({side['members']})"
        for side in sides
        if len(side["seeds"]) < side.get("members", len(side["seeds"]))
    ]
    return said + ([f"With more members, of which the first count: {listed(more)}."] if more else [])


def _warnings(states: Mapping[str, str]) -> list[str]:
    words = {
        "changed": "has other scores now than those compared",
        "gone": "is no longer there, or not all of its scores",
    }
    return [f"{label} {words[state]}." for label, state in states.items() if state in words]


def _value(value: object) -> str:
    if value is None:
        return "–"  # noqa: RUF001 (an en dash is the usual sign for no value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
