"""The soft rank and its Spearman loss beside torch.sort, pairwise sigmoids and the isotonic soft rank of torchsort.

Each case is forward and backward in float32. The floor is torch.sort of the same scores, without a gradient. "Spearman
of a block" takes scores and labels [sessions, names, targets] with a mask, lays them out, standardises, ranks both
sides and correlates; "the whole loss" is `RankPreservingLoss` on the same. Pairwise sigmoids and torchsort (at
regularisation .1, from the Python that runs this) rank the scores alone.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from bench import HERE, Kept, child, interleaved, machine, median, options, publish, ratio, table, verdict
from scipy.optimize import isotonic_regression
from scipy.stats import rankdata, spearmanr

from gogooku3.pipeline.lineage import code_digest
from gogooku3.training.losses.rank_preserving import RankPreservingLoss
from gogooku3.training.losses.soft_rank import soft_rank
from gogooku3.training.losses.spearman import soft_spearman

SIZES = {"4,000 x 32": (8, 4000, 4), "2,000 x 8": (2, 2000, 4)}
REPEATS, PAIRWISE_REPEATS, CALLS, DRAWS = 51, 7, 20, 5
GOAL, PAIRWISE_GOAL = 2.5, 200.0
TEMPERATURE = 0.1
SORT, RANK, BLOCK, LOSS = "torch.sort", "soft rank", "Spearman of a block", "the whole loss"
SCAN, ISOTONIC = "soft rank in torch operations", "torchsort"
PAIRWISE, BESIDE = "pairwise sigmoids", "Spearman of a block, 20 calls"
HAS_TORCHSORT = importlib.util.find_spec("torchsort") is not None

Case = Callable[[int], object]


def pairwise_rank(x: torch.Tensor) -> torch.Tensor:
    """Rank by a sigmoid of every difference, O(n^2)."""
    return 0.5 + torch.sigmoid((x[:, :, None] - x[:, None, :]) / TEMPERATURE).sum(dim=-1)


def cases(shape: tuple[int, int, int]) -> dict[str, Case]:
    """Return what is timed at one size; each repeat takes the next of a few draws."""
    draw = torch.Generator().manual_seed(0)
    days, names, targets = shape
    rows, every = days * targets, torch.ones(days, names, dtype=torch.bool)
    blocks = [torch.randn(shape, generator=draw).requires_grad_() for _ in range(DRAWS)]
    labels = [torch.randn(shape, generator=draw) for _ in range(DRAWS)]
    leaves = [torch.randn(rows, names, generator=draw).requires_grad_() for _ in range(DRAWS)]
    arriving = torch.randn(rows, names, generator=draw)
    loss = RankPreservingLoss()

    def of_rank(rank: Callable[[torch.Tensor], torch.Tensor]) -> Case:
        def once(k: int) -> None:
            leaf = leaves[k % DRAWS]
            leaf.grad = None
            rank(leaf).backward(arriving)

        return once

    def of_block(value: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Case:
        def once(k: int) -> None:
            leaf = blocks[k % DRAWS]
            leaf.grad = None
            value(leaf, labels[k % DRAWS]).backward()

        return once

    made = {
        SORT: lambda k: torch.sort(leaves[k % DRAWS].detach(), dim=-1),
        RANK: of_rank(soft_rank),
        BLOCK: of_block(lambda x, y: 1.0 - soft_spearman(x, y, every, temperature=TEMPERATURE).nanmean()),
        LOSS: of_block(lambda x, y: loss(x, y, every)),
        SCAN: of_rank(lambda x: soft_rank(x, compiled=False)),
    }
    if HAS_TORCHSORT:
        import torchsort  # noqa: PLC0415 - a rival, taken where it is installed

        made[ISOTONIC] = of_rank(lambda x: torchsort.soft_rank(x, regularization_strength=0.1))
    if names <= 2000:
        made[PAIRWISE] = of_rank(pairwise_rank)
    return made


def measure(threads: int, repeats: int) -> dict[str, dict[str, list[float]]]:
    """Return seconds by size and case; slow pairwise sigmoids have rounds of their own."""
    torch.set_num_threads(threads)
    seconds: dict[str, dict[str, list[float]]] = {}
    for size, shape in SIZES.items():
        made = cases(shape)
        quick = {name: case for name, case in made.items() if name != PAIRWISE}
        seconds[size] = interleaved(quick, repeats, warm=3)
        if PAIRWISE in made:
            pair = {
                PAIRWISE: made[PAIRWISE],
                BESIDE: lambda _, one=made[BLOCK]: [one(k) for k in range(CALLS)],
            }
            seconds[size] |= interleaved(pair, min(repeats, PAIRWISE_REPEATS))
    return seconds


def speed_table(found: dict[str, Any]) -> str:
    """Return times and ratios of every case; ``found`` is by threads, size and case."""
    rows = []
    for size in SIZES:
        for name in (SORT, RANK, BLOCK, LOSS, SCAN, ISOTONIC):
            cells = [name, size]
            for by_size in found.values():
                taken = by_size[size].get(name)
                if taken:
                    times = ratio(taken, by_size[size][SORT])
                    cells += [f"{1e3 * min(taken):.2f}", f"{1e3 * median(taken):.2f}", f"{times:.2f}"]
                else:
                    cells += ["-"] * 3
            rows.append(cells)
    head = [
        f"{what}, {threads} thread{'s'[: threads > 1]}"
        for threads in found
        for what in ("best ms", "median ms", "x sort")
    ]
    return table(["", "names x rows", *head], rows)


def isotonic(x: np.ndarray, regularisation: float) -> np.ndarray:
    """Soft rank by projection onto the permutahedron (Blondel et al. 2020), with scipy."""
    order = np.argsort(-x)
    scaled = (x / regularisation)[order]
    ranks = np.empty(len(x))
    ranks[order] = scaled - isotonic_regression(scaled - np.arange(len(x), 0, -1), increasing=False).x
    return ranks


def character() -> str:
    """Return how near soft ranks are to ranks and to the score itself, on heavy-tailed scores."""
    rng = np.random.default_rng(0)
    score = rng.standard_t(3, 2000)
    score /= score.std()
    label = rankdata(0.1 * score + rng.normal(size=2000))
    hard = rankdata(score)
    rows = []
    for temperature in (1.0, 0.1, 0.01, 0.001):
        ours = soft_rank(torch.from_numpy(score), None, temperature).numpy()
        theirs = isotonic(score, temperature)
        off = abs(np.corrcoef(ours, label)[0, 1] - spearmanr(score, label).statistic)
        near = [np.corrcoef(soft, other)[0, 1] for soft in (ours, theirs) for other in (hard, score)]
        rows.append([f"{temperature:g}", *(f"{value:.3f}" for value in near), f"{off:.0e}"])
    head = ("with ranks", "with scores", "isotonic with ranks", "isotonic with scores", "Spearman off by")
    return table(("temperature", *head), rows)


def page(found: dict[str, Any]) -> list[str]:
    """Return the parts of the page."""
    large, small = SIZES
    alone = found[1]
    within = ratio(alone[large][BLOCK], alone[large][SORT])
    ranks_only = median(alone[small][PAIRWISE]) / median(alone[small][RANK])
    times = CALLS * ratio(alone[small][PAIRWISE], alone[small][BESIDE])
    rival = f", torchsort {importlib.metadata.version('torchsort')}" if HAS_TORCHSORT else ""
    return [
        "# Soft rank and Spearman",
        f"`python benchmarks/soft_rank.py`. {' '.join((__doc__ or '').split())}",
        speed_table(found),
        f"{len(alone[large][SORT])} interleaved rounds, compiled before; x sort is the median of the ratios "
        "within a round." + ("" if HAS_TORCHSORT else " torchsort was absent."),
        f"Spearman of a block at {large}, one thread, at most {GOAL} times torch.sort: {within:.2f}, "
        f"{verdict(within, GOAL, at_most=True)}. Pairwise sigmoids at {small} take "
        f"{1e3 * median(alone[small][PAIRWISE]):,.0f} ms, {times:,.0f} times as long as Spearman of a block and "
        f"{ranks_only:,.0f} times as long as the soft rank, at least {PAIRWISE_GOAL:.0f} wanted of the former: "
        f"{verdict(times, PAIRWISE_GOAL, at_most=False)}; at {large} one of their buffers would be 2 GB. The torch "
        "operations are what a GPU runs.",
        "## What the ranks are near to",
        "2,000 scores of Student's t with 3 degrees of freedom and standard deviation 1. Correlations of the soft "
        "rank, and of the isotonic one at the same regularisation, with ranks and with the scores themselves; the last "
        "column is the distance of our Spearman from scipy's.",
        character(),
        f"Machine: {machine()[:-1]}, torch {torch.__version__}{rival}.",
    ]


def main() -> None:
    """Measure and write the page."""
    parser = options(__doc__ or "")
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)  # of the process that measures
    arguments = parser.parse_args()
    repeats = 5 if arguments.quick else REPEATS
    if arguments.threads:
        print(json.dumps(measure(arguments.threads, repeats)))
        return
    kept = Kept(arguments.scratch, arguments.fresh)
    code = code_digest(("training.losses.rank_preserving", "training.losses.spearman"))
    found = {}
    for threads in (1, 2):
        flags = ["--threads", threads, *(["--quick"] if arguments.quick else [])]
        question = {"what": "soft rank", "threads": threads, "repeats": repeats, "code": code}
        question |= {"torch": torch.__version__, "torchsort": HAS_TORCHSORT}
        found[threads] = kept.get(question, lambda flags=flags: child("soft_rank.py", *flags))
    publish(HERE / "soft_rank.md", page(found), arguments)


if __name__ == "__main__":
    main()
