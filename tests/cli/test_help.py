"""Help answers at once: it loads none of the libraries that compute."""

from __future__ import annotations

import subprocess
import sys

import pytest

# pydantic is not among them, as typer itself reads options with it
HEAVY = (
    "polars",
    "numpy",
    "torch",
    "lightgbm",
    "scipy",
    "pandas",
    "plotly",
    "numba",
    "pyarrow",
    "pandera",
    "optuna",
)
CODE = f"""
import sys
from gogooku3.cli import main
try:
    main()
finally:
    print("loaded:", *[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize("verb", [
    "", "demo", "run", "build", "train", "evaluate", "compare", "predict", "report",
    "panel info", "panel verify", "panel upgrade", "append", "audit causality", "bundle", "sweep", "monitor",
    "fetch jquants", "fetch yahoo",
    "retrain", "track", "morning",
])  # fmt: skip
def test_help_is_light(verb: str) -> None:
    arguments = [sys.executable, "-c", CODE, *verb.split(), "--help"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "loaded:\n"
    assert "--help" in done.stdout
    assert ("--json" in done.stdout) == bool(verb)


def test_no_arguments_are_help() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0
    assert "predict" in done.stdout


def test_importing_the_package_is_light() -> None:
    code = f"import gogooku3, sys; print(*[n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "\n"
