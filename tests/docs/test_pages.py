"""Generated pages say what the code says; the README promises only what is there."""

from __future__ import annotations

import datetime as dt
import re
import runpy
from pathlib import Path

import polars as pl

from gogooku3.features import margin, short_selling, statements
from gogooku3.features.core import core
from gogooku3.features.known import Known
from gogooku3.features.published import with_published

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


def test_the_page_of_what_is_published_names_every_feature():
    page = (ROOT / "docs" / "guide" / "published.md").read_text(encoding="utf-8")
    known = [
        Known(
            family=module.FAMILY,
            by="code",
            frame=pl.DataFrame({"key": ["a"], "session": [dt.date(2024, 1, 4)], **dict.fromkeys(names, 1.0)}),
            holds=9,
        )
        for module, names in (
            (statements, (*statements.MEANINGS, *statements.AMOUNTS)),
            (margin, (*margin.MEANINGS, *margin.AMOUNTS)),
            (short_selling, tuple(short_selling.MEANINGS)),
        )
    ]
    added = set(with_published(core(), known, unadjusted=True).exported) - set(core().exported)
    assert added == set(re.findall(r"`((?:fs|mg|ss)_\w+)`", page))
