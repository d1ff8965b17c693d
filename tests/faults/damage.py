"""Damage to files at points drawn by seed, and whether it is refused with the file's name and what to do."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gogooku3.errors import PanelError
from gogooku3.panel.open import open_panel
from gogooku3.panel.panel import Panel
from gogooku3.panel.segment_file import write_single
from gogooku3.panel.stocks import bare_stocks
from gogooku3.panel.writer import PanelWriter
from tests.panel.panels import AXES, random_segment

_HINT = "gogooku3 build"
_CODES = [f"{code}" for code in range(1301, 1341)]


@dataclass(frozen=True, kw_only=True)
class Damage:
    """One fault of one file.

    Attributes:
        kind: "truncated" or "flipped".
        file: Name of the file below the panel.
        place: Bytes that are left, or the byte that is flipped.
        bit: Which bit is flipped.
    """

    kind: str
    file: str
    place: int
    bit: int = 0

    def do(self, raw: bytes) -> bytes:
        """Return the damaged bytes."""
        if self.kind == "truncated":
            return raw[: self.place]
        changed = bytearray(raw)
        changed[self.place] ^= 1 << self.bit
        return bytes(changed)


def make_folder(path: Path) -> Path:
    """Write a panel of three segments, whose values are most of their bytes."""
    with PanelWriter(path, AXES, bare_stocks(_CODES), {"source": "test"}) as writer:
        for k, first in enumerate(("2020-01-06", "2020-03-02", "2020-05-04")):
            rng = np.random.default_rng(k)
            writer.add(random_segment(rng, first, 30, [c for c in _CODES if rng.random() < 0.8]))
    return path


def make_file(path: Path) -> Path:
    """Write a panel of one file."""
    segment = random_segment(np.random.default_rng(9), "2020-01-06", 30, _CODES)
    write_single(path, segment, AXES, stocks=bare_stocks(_CODES), lineage={"source": "test"})
    return path


def draw(panel: Path, *, truncated: int, flipped: int, seed: int) -> Iterator[Damage]:
    """Yield damages spread over the panel's files, in turn, at places drawn by seed, the ends of files among them."""
    rng = random.Random(seed)
    root = panel if panel.is_dir() else panel.parent
    files = (
        sorted(p for p in root.rglob("*") if p.is_file() and p.name != ".lock") if panel.is_dir() else [panel]
    )
    for k in range(truncated + flipped):
        path = files[k % len(files)]
        size = path.stat().st_size
        name = path.relative_to(root).as_posix()
        if k < truncated:
            edge = {0: 0, 1: size - 1, 2: 1}.get(k // len(files))
            place = rng.randrange(size) if edge is None else edge
            yield Damage(kind="truncated", file=name, place=place)
        else:
            yield Damage(kind="flipped", file=name, place=rng.randrange(size), bit=rng.randrange(8))


def refusal(panel: Path, damage: Damage) -> tuple[str, str]:
    """Do the damage, open the panel, read all of it and verify it; undo the damage.

    Returns:
        When it was refused: at opening, at first use or by verify, and with which sentence.

    Raises:
        AssertionError: It was not refused, or the file or the remedy is not named.
    """
    path = (panel if panel.is_dir() else panel.parent) / damage.file
    raw = path.read_bytes()
    kept = path.with_name(path.name + ".kept")
    shutil.copyfile(path, kept)
    try:
        replaced = path.with_name(path.name + ".damaged")
        replaced.write_bytes(damage.do(raw))
        replaced.replace(path)
        when, error = _refused(panel)
    finally:
        kept.replace(path)
    if str(path) not in str(error) or _HINT not in str(error):
        raise AssertionError(f"{damage}: neither the file nor what to do is named: {error}")
    return when, str(error)


def _refused(panel: Path) -> tuple[str, PanelError]:
    try:
        opened = open_panel(panel)
    except PanelError as error:
        return "opening", error
    try:
        read_all(opened)
    except PanelError as error:
        return "first use", error
    try:
        opened.verify()
    except PanelError as error:
        return "verify", error
    raise AssertionError("damage was not noticed")


def read_all(panel: Panel) -> None:
    """Use every value once, and sum it, so that it is really read."""
    for block in panel.blocks():
        for name in ("features", "present", "universe", "targets", "target_ranks"):
            np.nansum(getattr(block, name))
        for name in panel.field_names:
            np.nansum(block.field(name))
