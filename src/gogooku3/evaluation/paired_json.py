"""Paired differences as plain data, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gogooku3.evaluation.paired import Paired, PairedCoverage
from gogooku3.evaluation.plain import plain
from gogooku3.evaluation.seed_split import SeedSplit
from gogooku3.evaluation.summary import SeriesSummary
from gogooku3.labels.target import Target


def paired_to_json(pair: Paired) -> dict[str, Any]:
    """Return plain data for JSON; what does not exist is None."""
    row: dict[str, Any] = plain(pair)
    return row


def paired_from_json(value: Mapping[str, Any]) -> Paired:
    """Read what ``paired_to_json`` wrote."""
    nested = {
        "target": Target.parse(value["target"]),
        "coverage": PairedCoverage(**value["coverage"]),
        "periods": {name: SeriesSummary(**_numbers(each)) for name, each in value["periods"].items()},
        "split": None if value["split"] is None else _split(value["split"]),
    }
    return Paired(**{**_numbers(value), **nested})


def _split(value: Mapping[str, Any]) -> SeedSplit:
    return SeedSplit(**{**_numbers(value), "seed_means": tuple(value["seed_means"])})


def _numbers(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: float("nan") if item is None else item for key, item in value.items()}
