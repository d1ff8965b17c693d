"""A stage's key follows the code that the stage runs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from gogooku3.pipeline import lineage
from gogooku3.pipeline.lineage import code_digest


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {
        "top/entry.py": "from gogooku3.low.helper import thing\nfrom gogooku3.low import other\n",
        "low/__init__.py": "",
        "low/helper.py": "from gogooku3.low.deep import x\ndef thing():\n    from gogooku3.low.lazy import y\n",
        "low/deep.py": "x = 1\n",
        "low/lazy.py": "y = 1\n",
        "low/other.py": "z = 1\n",
        "low/stranger.py": "w = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(lineage, "_ROOT", tmp_path)
    return tmp_path


def digest() -> str:
    code_digest.cache_clear()
    found = code_digest(("top.entry",))
    code_digest.cache_clear()
    return found


@pytest.mark.parametrize("name", ["top/entry", "low/helper", "low/deep", "low/lazy", "low/other"])
def test_every_module_that_is_reached_counts(tree: Path, name: str) -> None:
    before = digest()
    path = tree / f"{name}.py"
    path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert digest() != before


def test_other_modules_do_not_count(tree: Path) -> None:
    before = digest()
    (tree / "low" / "stranger.py").write_text("w = 2\n", encoding="utf-8")
    assert digest() == before


def test_another_version_of_a_package_counts(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest()
    monkeypatch.setattr(lineage, "environment", lambda: {"lightgbm": "0.0"})
    assert digest() != before
