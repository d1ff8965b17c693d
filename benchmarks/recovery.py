"""How much of what can be known ATFT-GAT-FAN finds on the simulated market, and what its parts are for.

The market has all four parts of its signal; what is attainable is the RankIC of the expected returns themselves. The
model is trained on all years but the last two, stops on the next and is measured on the last: whole, without its graph,
and without its time encoder (no lookback, no channels split by frequency); LightGBM beside it. The settings are the
defaults but for 64 filters over the lookback, which jp_tse does without. One seed each. Each
variant is a run in the scratch folder that goes on where it was cut off.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from bench import HERE, machine, options, publish, say, table, verdict

from gogooku3.config.process import prepare_process

GOAL = 0.85
VARIANTS: dict[str, dict[str, object]] = {
    "ATFT-GAT-FAN": {"atft.filters": 64},
    "without the graph": {"atft.filters": 64, "atft.gat_layers": 0},
    "without the time encoder": {"atft.lookback": 1, "atft.convolutions": 0, "frequency.channels": []},
}
SIZE = {"simulation.stocks": 2000, "simulation.sessions": 2475, "deep.epochs": 6}
QUICK = {"simulation.stocks": 100, "simulation.sessions": 1300, "deep.epochs": 2}
PARTS = ("linear", "interaction", "pattern", "lead_lag")
NEEDS = {"without the graph": "lead_lag", "without the time encoder": "pattern"}
LOST = 0.5  # a part is lost where at most this share of what the whole model holds of it is left


class Said:
    """Tells of the progress of a run."""

    def start(self, task: str, total: int, unit: str) -> None:
        """Say what begins."""
        say(f"{task}: {total} {unit}")

    def advance(self, units: int = 1) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say it."""
        say(text)


def run_of(name: str, scratch: Path, flags: dict[str, object], panel: Path | None) -> Any:
    """Return a run of the market, or of the panel that another one built."""
    from gogooku3.pipeline.run_folder import open_run

    source: dict[str, object] = {"panel.file": str(panel)}
    if panel is None:
        source = {"run.simulated": True, **{k: v for k, v in flags.items() if k.startswith("simulation.")}}
    common: dict[str, object] = {
        "run.name": name,
        "run.folder": str(scratch / "recovery"),
        "splits.test_years": 1,
        "splits.locked_years": 0,
        "train.refit": False,
        "deep.seeds": 1,
        "deep.epochs": flags["deep.epochs"],
        "deep.threads": 1,
    }
    return open_run(
        flags=common
        | source
        | {k: v for k, v in flags.items() if k.split(".")[0] in {"atft", "frequency", "train", "lightgbm"}},
        progress=Said(),
        remembered=False,
    )


def measured(run: Any, panel: Any, truth: Any, model: str) -> dict[str, Any]:
    """Return the model's RankIC of each target, and how much of each part's direction its scores hold."""
    import polars as pl

    from gogooku3.pipeline.predictions import to_grid
    from gogooku3.pipeline.train import folds_of

    fold = folds_of(run, panel)[-1]
    frame = pl.read_parquet(run.path("predictions.parquet"))
    first, stop = int(fold.test[0]), int(fold.test[-1]) + 1
    rank_ic, held = {}, {}
    for target in panel.targets:
        scores = to_grid(panel, frame, f"{model}_{target}", first, stop).astype(np.float64)
        label = panel.target_rank(target)[first:stop].astype(np.float64)
        rank_ic[str(target)] = mean_rank_ic(scores, label)
        if (target.horizon, target.lag) == (5, 1):
            held = {
                part: mean_rank_ic(scores, truth.expected_by_part[part][5, 1][first:stop])
                / mean_rank_ic(
                    truth.expected[5, 1][first:stop], truth.expected_by_part[part][5, 1][first:stop]
                )
                for part in PARTS
            }
    return {"rank_ic": rank_ic, "held": held}


def attainable(run: Any, panel: Any, truth: Any) -> dict[str, float]:
    """Return the RankIC of the expected returns on the same stock-days."""
    from gogooku3.pipeline.train import folds_of

    fold = folds_of(run, panel)[-1]
    first, stop = int(fold.test[0]), int(fold.test[-1]) + 1
    ranked = panel.universe[first:stop]
    return {
        str(target): mean_rank_ic(
            np.where(ranked, truth.expected[target.horizon, target.lag][first:stop], np.nan),
            panel.target_rank(target)[first:stop].astype(np.float64),
        )
        for target in panel.targets
    }


def mean_rank_ic(left: np.ndarray, right: np.ndarray) -> float:
    """Return the mean daily RankIC."""
    from gogooku3.evaluation.rank_ic import daily_rank_ic

    return float(np.nanmean(daily_rank_ic(left, right).values))


def main() -> None:
    """Train, measure and write the page."""
    prepare_process()
    from gogooku3.pipeline.build import build, panel_of
    from gogooku3.pipeline.train import train
    from gogooku3.sources.simulation.simulate import simulate

    arguments = options(__doc__ or "").parse_args()
    size = QUICK if arguments.quick else SIZE
    found: dict[str, dict[str, Any]] = {}
    panel_file: Path | None = None
    reachable: dict[str, float] = {}
    for number, (name, changes) in enumerate(VARIANTS.items()):
        models = ["atft_gat_fan"] if number else ["lightgbm", "atft_gat_fan"]
        seeds = {} if number else {"lightgbm.seeds": 1}
        stem = f"{'quick' if arguments.quick else 'market'}-{number}"
        run = run_of(
            stem, arguments.scratch, {**size, **changes, **seeds, "train.models": models}, panel_file
        )
        if not number:
            build(run)
            panel_file = run.path("panel")
            truth = simulate(run.settings.simulation)
        say(name)
        began = time.perf_counter()
        train(run)
        panel = panel_of(run)
        found[name] = measured(run, panel, truth, "atft_gat_fan") | {"seconds": time.perf_counter() - began}
        if not number:
            found["LightGBM"] = measured(run, panel, truth, "lightgbm")
            reachable = attainable(run, panel, truth)
        say(f"{name}: {found[name]}")
    publish(HERE / "recovery.md", page(found, reachable, size), arguments)


def page(found: dict[str, dict[str, Any]], reachable: dict[str, float], size: dict[str, Any]) -> list[str]:
    """Return the page."""
    targets = [name for name in reachable if name.endswith("_d1")]
    names = ("ATFT-GAT-FAN", "without the graph", "without the time encoder", "LightGBM")
    ranks = [
        [
            target,
            f"{reachable[target]:.4f}",
            *(
                f"{found[name]['rank_ic'][target]:.4f} ({found[name]['rank_ic'][target] / reachable[target]:.0%})"
                for name in names
            ),
        ]
        for target in targets
    ]
    share = float(np.mean([found["ATFT-GAT-FAN"]["rank_ic"][t] / reachable[t] for t in targets]))
    parts = [[part, *(f"{found[name]['held'][part]:.2f}" for name in names)] for part in PARTS]
    left = {
        name: found[name]["held"][part] / found["ATFT-GAT-FAN"]["held"][part] for name, part in NEEDS.items()
    }
    return [
        "# What can be known, and how much of it is found",
        f"`make bench-recovery`: {size['simulation.stocks']:,} stocks x {size['simulation.sessions']:,} sessions of "
        f"the simulated market, {size['deep.epochs']} epochs at most, one seed, `atft.filters=64`. {machine()}",
        f"Mean share of the attainable RankIC over the horizons at lag 1: {share:.0%}, goal {GOAL:.0%}: "
        f"{verdict(share, GOAL, at_most=False)}.",
        table(("target", "attainable", *names), ranks),
        "How much of each part of the signal the scores hold (5 sessions, lag 1): the rank correlation of scores and "
        "the part's expected return, as a share of the one that the whole expected return has.",
        table(("part", *names), parts),
        "What is left of a part in the model without what the part should need, as a share of what the whole model "
        "holds:",
        *(
            f"* {NEEDS[name]} {name}: {share:.0%}, goal {LOST:.0%} at most: {verdict(share, LOST, at_most=True)}."
            for name, share in left.items()
        ),
    ]


if __name__ == "__main__":
    main()
