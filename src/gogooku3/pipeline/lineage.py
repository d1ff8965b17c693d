"""Which code, packages and machine made a result."""

from __future__ import annotations

import ast
import hashlib
import platform
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = ("lightgbm", "numba", "numpy", "polars", "pyarrow", "scipy")


@cache
def code_digest(modules: tuple[str, ...]) -> str:
    """Return a digest of modules, of all that they import of this package, and of the packages' versions.

    So a stage is done again when code that it runs has changed, and only then.

    Args:
        modules: Names below ``gogooku3``, such as ``panel.writer``.
    """
    digest = hashlib.sha256(repr(sorted(environment().items())).encode())
    for name in sorted(_closure(modules)):
        digest.update(name.encode())
        digest.update(_file(name).read_bytes())
    return digest.hexdigest()


def environment() -> dict[str, str]:
    """Return versions of Python, the package and what computes for it, and the machine's kind."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        **versions("gogooku3", *_PACKAGES),
    }


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of installed packages."""
    return {name: metadata.version(name) for name in packages}


def _closure(modules: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_imports(name))
    return found


def _imports(name: str) -> Iterator[str]:
    tree = ast.parse(_file(name).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gogooku3."):
            module = str(node.module).removeprefix("gogooku3.")
            inner = [f"{module}.{alias.name}" for alias in node.names if _exists(f"{module}.{alias.name}")]
            yield from inner or [module]


def _exists(name: str) -> bool:
    path = _ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _file(name: str) -> Path:
    path = _ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
