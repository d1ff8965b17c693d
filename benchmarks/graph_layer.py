"""One layer of graph attention, forward and backward, beside PyTorch Geometric's GATv2Conv and an eager gather.

2,000 stocks, 20 neighbours each and the stock itself, width 64, 4 heads, 4 edge features, float32. The rival has the
same weights and links, and gives the same output and gradient, which is checked before timing; it runs in a process
of its own (--pyg-python) and is called once a day. The eager gather is our own formula in torch operations. All take
turns, round by round.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench import (
    HERE,
    Kept,
    child,
    interleaved,
    machine,
    median,
    options,
    publish,
    ratio,
    say,
    table,
    verdict,
)

from gogooku3.models.layers.graph_attention import Drop, GraphAttention, attend
from gogooku3.models.layers.graph_stack import GraphStack
from gogooku3.models.layers.neighbours import Neighbours
from gogooku3.pipeline.lineage import code_digest

STOCKS, SLOTS, WIDTH, HEADS, EDGES = 2000, 20, 64, 4, 4
DAYS = 8  # of a block
REPEATS = 41
KEPT_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": "-1",
}  # as `gogooku3 train` has it
AIM = 2.0  # microseconds a stock-day that a layer of the model may cost on two threads
ONE, BLOCK, GATHER, PYG = "ours, one day a call", f"ours, {DAYS} days a call", "eager gather", "GATv2Conv"
DROPPED, STACK = (
    "ours, attention dropout .1",
    "a layer of the model: norm, attention with dropout .1, ELU, gate",
)

Case = Callable[[int], object]


def block(days: int) -> tuple[Neighbours, torch.Tensor]:
    """Return neighbours of a block, and that everybody is present."""
    rng = np.random.default_rng(0)
    shape = (1, STOCKS, SLOTS)
    neighbours = Neighbours(
        index=torch.from_numpy(rng.integers(0, STOCKS, shape)),
        valid=torch.ones(shape, dtype=torch.bool),
        edge=torch.from_numpy(rng.normal(size=(*shape, EDGES)).astype(np.float32)),
        graph_of_day=torch.zeros(days, dtype=torch.int64),
    )
    return neighbours, torch.ones(days, STOCKS, dtype=torch.bool)


def cases() -> tuple[dict[str, Case], dict[str, np.ndarray]]:
    """Return what is timed in this process, each over all days, and the rival's case."""
    torch.manual_seed(0)
    h, upstream = torch.randn(DAYS, STOCKS, WIDTH), torch.randn(DAYS, STOCKS, WIDTH)
    layer, dropped = GraphAttention(WIDTH, HEADS, EDGES), GraphAttention(WIDTH, HEADS, EDGES, 0.1)
    stack = GraphStack(WIDTH, 1, EDGES, 0.1)
    leaf = h.clone().requires_grad_()
    leaves = [day[None].clone().requires_grad_() for day in h]
    whole, single = block(DAYS), block(1)
    none = Drop(torch.tensor([1, 0]), 0)

    def over_all(module: torch.nn.Module) -> Case:
        def once(_: int) -> None:
            leaf.grad = None
            module(leaf, *whole).backward(upstream)

        return once

    def day_by_day(_: int) -> None:
        for day, single_leaf in enumerate(leaves):
            single_leaf.grad = None
            layer(single_leaf, *single).backward(upstream[day : day + 1])

    def gather(_: int) -> None:
        for day, single_leaf in enumerate(leaves):
            single_leaf.grad = None
            both = layer.project(single_leaf)
            out = attend(both, layer.attention, layer.edge, *single, heads=HEADS, drop=none)
            out.backward(upstream[day : day + 1])

    made = {ONE: day_by_day, BLOCK: over_all(layer), DROPPED: over_all(dropped), STACK: over_all(stack)}
    made[GATHER] = gather
    return made, rival_case(layer, h, upstream)


def rival_case(layer: GraphAttention, h: torch.Tensor, upstream: torch.Tensor) -> dict[str, np.ndarray]:
    """Return states, links and weights in the rival's order, where one head's channels stand together."""
    order = torch.arange(WIDTH).reshape(-1, HEADS).T.reshape(-1)
    neighbours, present = block(1)
    leaf = h[:1].clone().requires_grad_()
    out = layer(leaf, neighbours, present)
    out.backward(upstream[:1])
    own = torch.arange(STOCKS)
    linked = torch.stack([neighbours.index[0].long().reshape(-1), own.repeat_interleave(SLOTS)])
    features = torch.cat([neighbours.edge[0].reshape(-1, EDGES), torch.zeros(STOCKS, EDGES)])
    weight, bias = layer.project.weight, layer.project.bias
    tensors = {
        "h": h,
        "upstream": upstream[..., order],
        "out": out[0][:, order],
        "grad": leaf.grad[0],
        "links": torch.cat([linked, torch.stack([own, own])], dim=1),
        "features": features,
        "lin_r.weight": weight[order],
        "lin_r.bias": bias[order],
        "lin_l.weight": weight[WIDTH + order],
        "lin_l.bias": bias[WIDTH + order],
        "lin_edge.weight": layer.edge[:, order].T,
        "att": layer.attention[order].reshape(HEADS, -1),
    }
    return {name: tensor.detach().contiguous().numpy() for name, tensor in tensors.items()}


def measure(threads: int, repeats: int, python: str) -> dict[str, Any]:
    """Return seconds by case, over all days, and the rival's versions or why it is absent."""
    torch.set_num_threads(threads)
    made, case = cases()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.npz"
        np.savez(path, **case)
        words = [python, str(HERE / "graph_layer_pyg.py"), str(path), str(threads)]
        with subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as rival:
            version = rival.stdout.readline().strip()
            if not version:
                because = (rival.stderr.read().strip().splitlines() or ["it ended at once"])[-1]
                return {"absent": because, "seconds": interleaved(made, repeats, warm=3)}

            def asked(_: int) -> None:
                rival.stdin.write("\n")
                rival.stdin.flush()
                rival.stdout.readline()

            seconds = interleaved({**made, PYG: asked}, repeats, warm=3)
            rival.stdin.close()
    return {"version": version, "seconds": seconds}


def speeds(found: dict[int, dict[str, Any]]) -> str:
    """Return times of a day and ratios of every case."""
    rows = []
    for name in (PYG, GATHER, ONE, BLOCK, DROPPED, STACK):
        cells = [name]
        for answer in found.values():
            seconds = answer["seconds"]
            if name not in seconds:
                cells += ["-", "-"]
                continue
            times = ratio(seconds[PYG], seconds[name]) if PYG in seconds else None
            cells += [f"{1e3 * median(seconds[name]) / DAYS:.2f}", "-" if times is None else f"{times:.1f}"]
        rows.append(cells)
    head = [f"{what}, {t} thread{'s'[: t > 1]}" for t in found for what in ("ms a day", "times as fast")]
    return table(["", *head], rows)


def goals(found: dict[int, dict[str, Any]]) -> str:
    """Return what was wanted and what was measured."""
    rows = []
    for threads, answer in found.items():
        seconds = answer["seconds"]
        if PYG in seconds:
            for name in (ONE, BLOCK):
                times = ratio(seconds[PYG], seconds[name])
                met = verdict(times, 1.0, at_most=False)
                rows.append(
                    [f"{name}: times as fast as GATv2Conv, threads {threads}", f"{times:.1f}", "1", met]
                )
    most = max(found)
    cost = 1e6 * median(found[most]["seconds"][STACK]) / (DAYS * STOCKS)
    met = verdict(cost, AIM, at_most=True)
    rows.append(
        [f"a layer of the model, microseconds a stock-day, threads {most}", f"{cost:.2f}", f"{AIM:g}", met]
    )
    return table(["what", "measured", "goal", ""], rows)


def main() -> None:
    """Measure and write the page."""
    parser = options(__doc__ or "")
    parser.add_argument("--pyg-python", default=sys.executable, help="a Python that has `torch_geometric`")
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)  # of the process that measures
    arguments = parser.parse_args()
    repeats = 5 if arguments.quick else REPEATS
    if arguments.threads:
        print(json.dumps(measure(arguments.threads, repeats, arguments.pyg_python)))
        return
    os.environ |= KEPT_MEMORY  # of the processes below, the rival's too
    kept = Kept(arguments.scratch, arguments.fresh)
    code = code_digest(("models.layers.graph_stack",))
    found = {}
    for threads in (1, 2):
        say(f"{threads} threads")
        flags = ["--threads", threads, "--pyg-python", arguments.pyg_python]
        flags += ["--quick"] if arguments.quick else []
        question = {"what": "graph layer", "flags": flags, "code": code, "torch": torch.__version__}
        found[threads] = kept.get(question, lambda flags=flags: child("graph_layer.py", *flags))
    rival = found[1].get("version") or f"GATv2Conv was absent: {found[1]['absent']}"
    parts = [
        "# One layer of graph attention",
        f"`python benchmarks/graph_layer.py`. {' '.join((__doc__ or '').split())}",
        goals(found),
        speeds(found),
        f"Medians of {repeats} interleaved rounds over {DAYS} days, kernels compiled before; `times as fast` is the "
        "median of ratios to GATv2Conv within a round. The kernels never hold stocks x neighbours x channels, and each "
        "day's gradients belong to one thread, so that the bits are the same at any number of threads. All processes "
        "keep the memory that they free, as in training. "
        f"Rival: {rival}.",
        f"Machine: {machine()[:-1]}, torch {torch.__version__}.",
    ]
    publish(HERE / "graph_layer.md", parts, arguments)


if __name__ == "__main__":
    main()
