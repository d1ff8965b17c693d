"""The real pipeline once more, on other bars, in a folder of the audit's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gogooku3.audit.settings import AuditSettings
from gogooku3.config.settings import Settings
from gogooku3.market.faults import Fault
from gogooku3.pipeline.run_folder import Run
from gogooku3.progress import Silent

_LEAST_STOCKS, _LEAST_ROWS = 20, 20
_HEADS = 2


def rerun(
    run: Run,
    audit: AuditSettings,
    *,
    share: float,
    folder: Path,
    name: str,
    files: Mapping[str, Path],
    features: Sequence[str],
    years: Sequence[int],
    panel: Path | None = None,
) -> Run:
    """Return a run like the audited one, on other bars and with smaller models.

    All settings are the audited run's but for these: the universe and the rows of a leaf shrink with the share of
    sampled stocks, so that the universe still has to choose; boosting has few trees, one seed; deep models are narrow,
    with one seed, trained for one epoch; faulty bars are set aside and constant features allowed, since changed bars
    are full of them; nothing is locked, since no locked bar is there.

    Args:
        run: The audited run.
        audit: Size of the models.
        share: Sampled stocks as a share of all.
        folder: Where the new run's folder is made.
        name: Its name.
        files: ``bars``, and perhaps ``listing``, ``delistings`` and what is published.
        features: Names of the features.
        years: Test years to train for, consecutive; may be empty for a run that is only built.
        panel: A panel that is there already, to be trained on instead of bars.
    """
    tree = run.settings.model_dump(exclude_computed_fields=True)
    tree["run"] = {"name": name, "folder": folder}
    tree["simulation"] = Settings().simulation.model_dump()
    tree["source"] = {} if panel is not None else dict(files)
    tree["market"] |= {"on_fault": "quarantine", "policies": dict.fromkeys(Fault, "quarantine")}
    tree["universe"]["size"] = max(_LEAST_STOCKS, round(share * run.settings.universe.size))
    tree["panel"] |= {"file": panel, "allow_constant": tuple(features)}
    tree["splits"] |= {"first_locked_year": None, "locked_years": 0}
    tree["splits"] |= {"first_test_year": years[0], "test_years": len(years)} if years else {}
    tree["lightgbm"] |= {
        "seeds": 1,
        "max_rounds": min(audit.trees, run.settings.lightgbm.max_rounds),
        "check_every": max(1, min(audit.trees, run.settings.lightgbm.max_rounds) // 2),
        "leaves": min(audit.leaves, run.settings.lightgbm.leaves),
        "min_rows_in_leaf": max(_LEAST_ROWS, round(share * run.settings.lightgbm.min_rows_in_leaf)),
    }
    tree["deep"] |= {"seeds": 1, "epochs": 1}
    for kind, heads in (("atft", {"heads": _HEADS}), ("gru", {})):
        tree[kind] |= {"hidden": min(audit.hidden, tree[kind]["hidden"]), **heads}
    return Run(resolved=_resolved(run, tree), progress=Silent())


def _resolved(run: Run, tree: dict[str, Any]) -> Any:
    from dataclasses import replace

    return replace(run.resolved, settings=Settings.model_validate(tree))
