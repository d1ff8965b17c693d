"""Print the effective spreads that a run's bars are estimated to have: `python scripts/docs/spreads.py runs/jp`.

Per test year, in basis points: the median over all stock-days of the universe, and over its most traded tenth of each
session. These are what `--spread` and the account of the report pay half of.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from gogooku3 import open_run
from gogooku3.evaluation.backtest.cost_settings import CostSettings
from gogooku3.evaluation.backtest.spread import half_spread
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.tape import panel_tape


def main(folder: Path) -> None:
    """Print one line a year, and one for all."""
    run = open_run(flags={"run.name": folder.name, "run.folder": str(folder.parent)})
    judged = Judged(run)
    folds = [fold for fold in judged.folds if not fold.locked]
    start, stop = int(folds[0].test[0]), int(folds[-1].test[-1]) + 1
    tape = panel_tape(judged.panel, start, stop, run.settings.market)
    if tape is None:
        sys.exit("the run's panel has no prices")
    member = judged.panel.universe[start:stop]
    spread = 2e4 * half_spread(tape.joined, CostSettings(spread="edge"))[tape.lead :]
    traded = np.where(member & np.isfinite(tape.turnover), tape.turnover, -np.inf)
    bound = np.nanquantile(np.where(np.isfinite(traded), traded, np.nan), 0.9, axis=1, keepdims=True)
    top = traded >= bound
    years = tape.sessions.astype("datetime64[Y]")
    for name, rows in [
        *((str(year), years == year) for year in np.unique(years)),
        ("all", np.ones(len(years), dtype=bool)),
    ]:
        whole, most = (np.median(spread[rows][chosen[rows]]) for chosen in (member, top))
        print(f"{name}: median {whole:.0f} bps, of the most traded tenth {most:.0f} bps")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
