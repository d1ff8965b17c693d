"""What a reader copies out of the pages is what a shell, TOML and Python read."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from gogooku3.config.load import load_settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/guide/*.md"))]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^(?:[A-Z_]+=\S+ )*(?:gogooku3|pip|git|make|mkdir|cat|\.) ", re.MULTILINE)
_HERE = re.compile(r"^cat > (\S+\.toml) <<'(\w+)'\n(.*?)^\2$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, kind: str) -> list[str]:
    """The fenced blocks of a page that are ``shell``, ``toml`` or ``python``; shell ones carry no name."""
    found = _FENCED.findall(page.read_text(encoding="utf-8"))
    if kind == "shell":
        return [text for name, text in found if name == "sh" or (not name and _COMMAND.search(text))]
    return [text for name, text in found if name == kind]


def bash(text: str) -> str:
    """What bash says of a text that it reads and does not run."""
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    return done.stderr  # a heredoc without an end is a warning only, with exit code 0


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_every_shell_block_is_one() -> None:
    said = {f"{page.name}: {text[:60]}": bash(text) for page in PAGES for text in blocks(page, "shell")}
    assert len(said) > 20
    assert {where: words for where, words in said.items() if words} == {}
    assert "here-document" in bash("cat > a <<'E2'\nb\nE\n")


def test_every_python_block_is_one() -> None:
    for page in PAGES:
        for text in blocks(page, "python"):
            compile(text, page.name, "exec")


def test_settings_in_the_pages_are_settings(tmp_path: Path) -> None:
    texts = [text for page in PAGES for text in blocks(page, "toml")]
    for text in texts:
        tomllib.loads(text)
    here = [found for page in PAGES for text in blocks(page, "shell") for found in _HERE.findall(text)]
    assert here
    for name, _, text in here:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        load_settings(path, {})


def test_fetches_of_what_a_larger_plan_has_name_the_plan() -> None:
    """The plan is the free one unless it is said: two years, twelve weeks old."""
    for page in PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            if line.startswith("gogooku3 fetch jquants"):
                assert "--plan" in line, f"{page.name}: {line}"
