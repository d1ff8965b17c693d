"""What the selection of variables costs: one gate over all features against a network for each of them.

The second is that of the paper (Lim et al. 2021, eq. 6 to 8): a gated residual network per variable and one over all of
them for the weights, written with one batched matrix product per layer. Forward and backward, float32.
"""

from __future__ import annotations

import numpy as np
import torch
from bench import HERE, interleaved, machine, median, options, publish, ratio, table
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that torch's users know

from gogooku3.models.layers.variable_selection import VariableSelection

FEATURES, WIDTH, SESSIONS, STOCKS = 120, 64, 20, 100


class PaperSelection(nn.Module):
    """Lim et al. (2021), eq. 6 to 8: every variable through a gated residual network of its own."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        scale = width**-0.5
        self.lift = nn.Parameter(torch.randn(features, width))
        self.inner = nn.Parameter(torch.randn(features, width, width) * scale)
        self.outer = nn.Parameter(torch.randn(features, width, width) * scale)
        self.gate = nn.Parameter(torch.randn(features, width, 2 * width) * scale)
        self.weigh = nn.Sequential(nn.Linear(features * width, width), nn.ELU(), nn.Linear(width, features))

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted sum of the processed variables [R, C]."""
        lifted = x.T[..., None] * self.lift[:, None]  # [F, R, C]
        hidden = torch.bmm(F.elu(torch.bmm(lifted, self.inner)), self.outer)
        processed = F.layer_norm(lifted + F.glu(torch.bmm(hidden, self.gate)), lifted.shape[-1:])
        flat = lifted.transpose(0, 1).flatten(1)
        weights = torch.softmax(self.weigh(flat), dim=-1)
        return torch.einsum("rf,frc->rc", weights, processed)


def main() -> None:
    """Measure and write the page."""
    parser = options(__doc__ or "")
    parser.add_argument("--threads", type=int, default=2, help="threads of matrix products (default: 2)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    x = torch.rand(SESSIONS, STOCKS, FEATURES) - 0.5
    present = torch.ones(SESSIONS, STOCKS, dtype=torch.bool)
    ours, theirs = VariableSelection(FEATURES, WIDTH), PaperSelection(FEATURES, WIDTH)

    def gate(_: int) -> None:
        ours(x, present).square().mean().backward()

    def networks(_: int) -> None:
        theirs(x.flatten(0, 1)).square().mean().backward()

    seconds = interleaved({"gate": gate, "networks": networks}, 3 if arguments.quick else 15)
    rows = SESSIONS * STOCKS
    each = {name: 1e6 * median(values) / rows for name, values in seconds.items()}
    sizes = [sum(np.prod(p.shape) for p in module.parameters()) for module in (ours, theirs)]
    times = ratio(seconds["networks"], seconds["gate"])
    page = [
        "# Variable selection: one gate or a network for each variable",
        f"`make bench-variable_selection`: {FEATURES} features, width {WIDTH}, {rows:,} stock-days, "
        f"{arguments.threads} threads, medians of interleaved repeats. {machine()}",
        table(
            ("", "microseconds a stock-day", "parameters"),
            [
                (
                    "one gate (`models/layers/variable_selection.py`)",
                    f"{each['gate']:.2f}",
                    f"{sizes[0]:,.0f}",
                ),
                ("a network per variable (Lim et al. 2021)", f"{each['networks']:.1f}", f"{sizes[1]:,.0f}"),
            ],
        ),
        f"The paper's costs {times:.0f} times as much. At a step of about 40 microseconds a stock-day for the whole "
        "model it would decide the time of training alone; the gate is used, and what the networks per variable would "
        "rank better was not measured.",
    ]
    publish(HERE / "variable_selection.md", page, arguments)


if __name__ == "__main__":
    main()
