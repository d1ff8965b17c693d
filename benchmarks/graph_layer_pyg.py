"""One layer of PyTorch Geometric's GATv2Conv, forward and backward on demand, with any Python that has the package.

python benchmarks/graph_layer_pyg.py CASE.npz THREADS

The case holds states, links, weights and what our layer makes of them, which is compared first. Then the process
answers every line that it reads with the seconds of one pass over all days, a call a day. Only numpy, torch and the
rival are imported.
"""

from __future__ import annotations

import importlib.metadata
import sys
import time
from pathlib import Path

import numpy as np
import torch


def main() -> None:
    """Build the layer, compare it, then time it whenever asked."""
    from torch_geometric.nn import GATv2Conv  # noqa: PLC0415 - after torch, whose threads are set by the caller

    path, threads = Path(sys.argv[1]), int(sys.argv[2])
    case = {name: torch.from_numpy(array) for name, array in np.load(path).items()}
    torch.set_num_threads(threads)
    heads, depth = case["att"].shape
    width, edges = heads * depth, case["lin_edge.weight"].shape[1]
    layer = GATv2Conv(width, depth, heads=heads, edge_dim=edges, add_self_loops=False)
    weights = {name: case[name] for name in ("lin_l.weight", "lin_l.bias", "lin_r.weight", "lin_r.bias")}
    weights |= {
        "lin_edge.weight": case["lin_edge.weight"],
        "att": case["att"][None],
        "bias": torch.zeros(width),
    }
    layer.load_state_dict(weights)
    h = [day.clone().requires_grad_() for day in case["h"]]
    links, features, upstream = case["links"], case["features"], case["upstream"]

    def once() -> float:
        begin = time.perf_counter()
        for day, leaf in enumerate(h):
            leaf.grad = None
            layer(leaf, links, features).backward(upstream[day])
        return time.perf_counter() - begin

    once()
    torch.testing.assert_close(layer(h[0], links, features), case["out"], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(h[0].grad, case["grad"], rtol=1e-4, atol=1e-5)
    print(
        f"torch_geometric {importlib.metadata.version('torch_geometric')}, torch {torch.__version__}",
        flush=True,
    )
    for _ in sys.stdin:
        print(once(), flush=True)


if __name__ == "__main__":
    main()
