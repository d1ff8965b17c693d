r"""Search hyperparameters of ATFT-GAT-FAN: `gogooku3 sweep` with the flags of a search script.

    python scripts/hpo/run_optuna_atft.py --data-path P --n-trials 20 --max-epochs 10 \
        --study-name production --output-dir output/hpo_production

Options that are not listed here, such as --resume, --set, --space, --workers or --json, are handed on to
`gogooku3 sweep`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from gogooku3 import cli

_FLAGS = {
    "data_path": "--panel",
    "n_trials": "--trials",
    "max_epochs": "--epochs",
    "study_name": "--name",
    "output_dir": "--out",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Call the command line; it ends the process with its exit code."""
    sys.argv = ["gogooku3", *translated(sys.argv[1:] if arguments is None else arguments)]
    cli.main()


def translated(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of `gogooku3` that stand for those of this script."""
    options, others = _parser().parse_known_args(arguments)
    given = [(flag, getattr(options, name)) for name, flag in _FLAGS.items()]
    return ["sweep", *(part for flag, value in given if value is not None for part in (flag, value)), *others]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument(
        "--data-path", required=True, metavar="PANEL|RUN", help="a panel, or a run that has one"
    )
    parser.add_argument("--n-trials", help="trials of the study")
    parser.add_argument("--max-epochs", help="epochs of a trial at most")
    parser.add_argument("--study-name", help="name of the study")
    parser.add_argument("--output-dir", help="folder of the search")
    return parser


if __name__ == "__main__":
    main()
