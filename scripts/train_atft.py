r"""Train ATFT-GAT-FAN: `gogooku3 train` with the flags and environment variables of a training script.

    OPTIMIZER_TYPE=adabelief SCHEDULER_TYPE=cosine_restarts COSINE_T0=3 COSINE_TMULT=2 COSINE_ETA_MIN=5e-5 \
        python scripts/train_atft.py --data-path panel.arrow --run-name first --max-epochs 10

The variables are those of `gogooku3.config.short_names`. Options that are not listed here, such as --set, --config,
--quiet or --json, are handed on to `gogooku3 train`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gogooku3 import cli
from gogooku3.config.short_names import short_names

_RUNS = Path("runs")
_KEYS = {"max_epochs": "deep.epochs", "batch_size": "deep.sessions", "seed": "train.seed"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Call the command line; it ends the process with its exit code."""
    sys.argv = ["gogooku3", *translated(sys.argv[1:] if arguments is None else arguments)]
    with short_names():
        cli.main()


def translated(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of `gogooku3` that stand for those of this script."""
    options, others = _parser().parse_known_args(arguments)
    settings = ['train.models=["atft_gat_fan"]']
    settings += [
        f"{key}={value}" for name, key in _KEYS.items() if (value := getattr(options, name)) is not None
    ]
    pairs = [part for setting in settings for part in ("--set", setting)]
    return ["train", *_run(options.data_path, options.run_name), *pairs, *others]


def _run(data: Path | None, name: str | None) -> list[str]:
    """Return the options that name the run and, unless the run has its own, the panel."""
    if data is None:
        return ["--name", name] if name else []
    folder = data if data.exists() else _RUNS / data
    if not (folder / "settings.json").is_file():
        return ["--name", name or "atft", "--panel", str(data)]
    if folder.resolve() == (_RUNS / (name or folder.name)).resolve():
        return ["--name", folder.name]
    return ["--name", name or folder.name, "--panel", str(folder / "panel")]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument(
        "--data-path",
        type=Path,
        metavar="PANEL|RUN",
        help="a panel (folder or .arrow file), or a run that has one; the run's own panel if not given",
    )
    parser.add_argument("--run-name", help="run to train in; that of --data-path, or atft, if not given")
    parser.add_argument("--max-epochs", type=int, help="epochs at most")
    parser.add_argument("--batch-size", type=int, metavar="SESSIONS", help="consecutive sessions of a block")
    parser.add_argument("--seed", type=int, help="seed of the first member")
    return parser


if __name__ == "__main__":
    main()
