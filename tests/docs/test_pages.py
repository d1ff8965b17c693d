"""Generated pages say what the code says; the README promises only what is there."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from gogooku3.features.core import core

ROOT = Path(__file__).resolve().parents[2]


def test_the_feature_page_is_the_registry():
    made = runpy.run_path(str(ROOT / "scripts" / "docs" / "features.py"))["page"]()
    assert (ROOT / "docs" / "reference" / "features.md").read_text(encoding="utf-8") == made


def test_the_readme_counts_the_features():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"{len(core().exported)} features" in text


def test_every_local_link_of_the_docs_leads_somewhere():
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_room_of_the_readme_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = text.split("src/gogooku3/\n")[1].split("```")[0]
    for room in re.findall(r"^  (\w+)/ ", tree, flags=re.MULTILINE):
        assert (ROOT / "src" / "gogooku3" / room).is_dir(), room
