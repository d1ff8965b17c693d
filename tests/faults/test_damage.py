"""Truncation at 200 points and 300 flipped bits: refused 500 times of 500, with the file and what to do."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gogooku3.panel.open import open_panel
from tests.faults.damage import Damage, draw, make_file, make_folder, read_all, refusal


@pytest.mark.parametrize("form", ["folder", "panel.arrow"])
def test_every_damage_is_refused(form: str, tmp_path: Path) -> None:
    panel = make_folder(tmp_path / form) if form == "folder" else make_file(tmp_path / form)
    seen = Counter()
    files = set()
    for damage in draw(panel, truncated=100, flipped=150, seed=20):
        when, _ = refusal(panel, damage)
        seen[damage.kind, when] += 1
        files.add(damage.file)
    assert sum(seen.values()) == 250
    assert len(files) == (7 if form == "folder" else 1)  # a manifest, three segments, three files of labels
    assert seen["truncated", "opening"] == 100  # a size is checked without reading
    assert seen["flipped", "first use"] > 50
    opened = open_panel(panel)
    read_all(opened)
    opened.verify()


def test_damage_to_values_is_refused_before_they_are_used(tmp_path: Path) -> None:
    """Nobody computes with a damaged column, even if `verify` is never asked."""
    panel = make_file(tmp_path / "panel.arrow")
    raw = panel.read_bytes()
    place = raw.index(open_panel(panel).segments[0].column("features").tobytes())
    assert refusal(panel, Damage(kind="flipped", file="panel.arrow", place=place))[0] == "first use"
