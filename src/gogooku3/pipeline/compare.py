"""Models of runs against each other, where nothing but what is under test differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from gogooku3.axes import FloatDN
from gogooku3.evaluation.paired import Paired, PairedCoverage, adjusted, paired
from gogooku3.evaluation.paired_json import paired_to_json
from gogooku3.evaluation.rank_series import RankSeries, rank_series
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.labels.target import Target
from gogooku3.pipeline.comparison_design import Design, design
from gogooku3.pipeline.comparison_ledger import FORMAT, VERSION, Entry, enter
from gogooku3.pipeline.comparison_pairs import sides, split_argument
from gogooku3.pipeline.contestant import Contestant, contestant, saved_run, share_seeds
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.lineage import code_digest
from gogooku3.progress import Progress
from gogooku3.storage.hashing import digest_json

_CODE = ("pipeline.compare", "panel.open")
_JUDGED_BY = ("min_names", "confidence", "bootstrap_samples", "seed")

Pair = tuple[Contestant, Contestant]


def compare(
    arguments: Sequence[str],
    *,
    runs: Path,
    progress: Progress,
    open_locked: bool = False,
    other_code: bool = False,
) -> Entry:
    """Compare models over the test years, on the days and stock-days that all have, and enter it into the ledger.

    Of models with several seeds only the first ones count, as many as all of them have.

    Args:
        arguments: ``RUN`` or ``RUN:MODEL``; see ``sides``.
        runs: Folder of runs.
        progress: Listener.
        open_locked: Compare the locked years instead; every run's opening is recorded.
        other_code: Let the code of training differ, as something under test.

    Raises:
        SettingsError: There is no such run, or it is not clear what is meant.
        EvaluationError: More differs than what is under test, or nothing does.
        StorageError: A run has not been trained, or the ledger cannot be written.
    """
    judged = {
        name: Judged(saved_run(runs, name, progress, open_locked=open_locked))
        for name in dict.fromkeys(split_argument(argument)[0] for argument in arguments)
    }
    asked = sides(arguments, {name: each.run.settings.train.models for name, each in judged.items()})
    names = list(dict.fromkeys(named for pair in asked.pairs for named in reversed(pair)))
    proven = [contestant(judged[run], model, locked=open_locked) for run, model in names]
    contestants = dict(zip(names, share_seeds(proven), strict=True))
    pairs = [(contestants[model], contestants[against]) for model, against in asked.pairs]
    designs = [design(model, against, other_code=other_code) for model, against in pairs]
    if open_locked:
        for each in judged.values():
            each.record_opening()  # looking at kept-back years is an event, whoever looks
    settings = pairs[0][1].run.settings.evaluation
    results = adjusted(list(_measured(pairs, settings, progress)), confidence=settings.confidence)
    first = pairs[0][1]
    content = {
        "format": FORMAT,
        "version": VERSION,
        "period": {
            "first": str(first.panel.sessions[first.start]),
            "last": str(first.panel.sessions[first.stop - 1]),
            "sessions": first.stop - first.start,
            "locked": open_locked,
        },
        "judged_by": {name: getattr(settings, name) for name in _JUDGED_BY},
        "contestants": [_described(each) for each in contestants.values()],
        "designs": [_plain(each) for each in designs],
        "left_out": list(asked.left_out),
        "results": [paired_to_json(result) for result in results],
        "code": code_digest(_CODE),
    }
    return enter(runs, content)


def _plain(each: Design) -> dict[str, Any]:
    plain = asdict(each)
    return plain | {name: list(plain[name]) for name in ("under_test", "without_effect")}


def _described(side: Contestant) -> dict[str, Any]:
    scores = side.score_digests
    return {
        "label": side.label,
        "run": side.run.settings.run.name,
        "model": side.model,
        "seeds": list(side.seeds),
        "members": side.members,
        "labels": digest_json(side.label_digests),
        "folds": {
            name: {
                "trained_on": side.data[name][0],
                "scored": side.data[name][1],
                "code": record.inputs["code"],
                "scores": scores[name],
            }
            for name, record in side.records.items()
        },
    }


def _measured(pairs: Sequence[Pair], settings: EvaluationSettings, progress: Progress) -> Iterator[Paired]:
    targets = pairs[0][1].panel.targets
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(pair[1].label, []).append(pair)
    progress.start("comparing", len(targets) * (len(pairs) + len(groups)), "series")
    for group in groups.values():
        for target in targets:
            yield from _at_target(group, target, settings, progress)


def _at_target(
    group: Sequence[Pair], target: Target, settings: EvaluationSettings, progress: Progress
) -> Iterator[Paired]:
    """Measure all that are compared with one contestant on the stock-days that all of them have."""
    first = group[0][1]
    everyone = [first, *(model for model, _ in group)]
    end = min(side.end for side in everyone)
    label = first.labels(target, end)
    scores = [side.scores(target, first.panel) for side in everyone]
    labelled = np.isfinite(label)
    keep = labelled & np.logical_and.reduce([np.isfinite(score) for score, _ in scores])
    counts = [int((np.isfinite(score) & labelled).sum()) for score, _ in scores]
    series = []
    for score, members in scores:
        series.append(_series(score, members, label, keep, settings))
        progress.advance()
    for (model, _), own, count in zip(group, series[1:], counts[1:], strict=True):
        yield paired(
            (model.label, own),
            (first.label, series[0]),
            target=target,
            sessions=first.panel.sessions[first.start : first.stop],
            coverage=PairedCoverage(compared=int(keep.sum()), model=count, against=counts[0]),
            settings=settings,
        )


def _series(
    score: FloatDN, members: Sequence[FloatDN], label: FloatDN, keep: np.ndarray, settings: EvaluationSettings
) -> RankSeries:
    return rank_series(score, members, label, keep, min_names=settings.min_names)
