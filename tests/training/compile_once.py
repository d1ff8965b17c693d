"""Train once as it is and once compiled, without the test suite's executed annotations, which torch cannot compile."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from tests.training.test_every_key_acts import trained


def main(folder: Path) -> None:
    compiled: list[object] = []
    real = torch.compile
    torch.compile = lambda model: compiled.append(model) or real(model)  # type: ignore[assignment, func-returns-value]
    plain = {"deep.epochs": 1, "atft.dropout": 0.0}  # compiled code draws other numbers
    usual = trained(folder / "usual", plain, "atft")
    assert not compiled
    found = trained(folder / "compiled", {**plain, "deep.compile": True}, "atft")
    assert len(compiled) == 1
    assert set(found.weights) == set(usual.weights)
    left, right = (torch.cat([w.flatten() for w in one.weights.values()]) for one in (found, usual))
    apart = float((left - right).norm() / right.norm())
    assert apart < 1e-3, apart  # Adam's first steps follow the sign of a gradient, rounding included


if __name__ == "__main__":
    main(Path(sys.argv[1]))
