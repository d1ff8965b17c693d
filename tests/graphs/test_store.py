"""Kept graphs are those that would be built: after an append, a correction, damage, a kill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gogooku3.errors import StorageError
from gogooku3.graphs.build import build_graphs
from gogooku3.graphs.settings import GraphSettings
from gogooku3.graphs.store import stored_graphs
from gogooku3.storage.lock import exclusive
from tests.graphs.panels import Small, panel_of, small
from tests.graphs.test_build import SETTINGS, same


class Counted:
    """Counts the graphs that are built."""

    def __init__(self) -> None:
        self.built = 0

    def start(self, task: str, total: int, unit: str) -> None: ...

    def advance(self, units: int = 1) -> None:
        self.built += units

    def note(self, text: str) -> None: ...


def keep(market: Small, folder: Path, *, stop: int | None = None, settings: GraphSettings = SETTINGS):
    """Write the market's panel, get its graphs from the folder; return panel, graphs, and how many were built."""
    panel = panel_of(market, folder / "panel")
    counted = Counted()
    graphs = stored_graphs(panel, settings, folder / "graphs", counted, stop=stop)
    return panel, graphs, counted.built


def files(folder: Path) -> list[Path]:
    return sorted(p for p in (folder / "graphs").rglob("*") if p.is_file() and p.name != ".lock")


def test_kept_graphs_are_built_once_and_mapped(tmp_path: Path) -> None:
    market = small()
    panel, first, built = keep(market, tmp_path)
    assert built == len(first.sessions) == 9
    same(first, build_graphs(panel, SETTINGS))
    _, again, built = keep(market, tmp_path)
    assert built == 0
    same(first, again)
    assert not again.index.flags.owndata
    assert not again.index.flags.writeable
    assert len(files(tmp_path)) == 2


def test_an_append_builds_only_new_graphs_also_when_a_stock_is_new(tmp_path: Path) -> None:
    market = small()
    then = market.until(26)
    assert len(then.codes) < len(market.codes)
    _, _, built = keep(then, tmp_path)
    assert built == 4
    panel, after, built = keep(market, tmp_path)
    assert built == 5
    same(after, build_graphs(panel, SETTINGS))
    assert len(files(tmp_path)) == 2  # the older file is gone


def test_fewer_sessions_are_a_part_of_what_is_kept(tmp_path: Path) -> None:
    panel, _, _ = keep(small(), tmp_path)
    before = files(tmp_path)
    _, part, built = keep(small(), tmp_path, stop=30)
    assert built == 0
    assert files(tmp_path) == before
    same(part, build_graphs(panel, SETTINGS, stop=30))


def test_a_correction_builds_the_graphs_whose_windows_it_touches(tmp_path: Path) -> None:
    market = small()
    keep(market, tmp_path)
    returns = market.returns.copy()
    returns[10, 0] += 0.05
    panel, graphs, built = keep(replace(market, returns=returns), tmp_path)
    assert built == 4  # built at 14, 21, 28, 35: sessions 10 to 39 read session 10
    same(graphs, build_graphs(panel, SETTINGS))


def test_another_sector_builds_all_anew(tmp_path: Path) -> None:
    market = small()
    keep(market, tmp_path)
    panel, graphs, built = keep(replace(market, sectors=("other", *market.sectors[1:])), tmp_path)
    assert built == 9
    same(graphs, build_graphs(panel, SETTINGS))


def test_other_settings_or_code_have_their_own_folder(tmp_path: Path) -> None:
    market = small()
    panel, _, _ = keep(market, tmp_path)
    _, _, built = keep(market, tmp_path, settings=SETTINGS.model_copy(update={"neighbours": 3}))
    assert built == 9
    counted = Counted()
    stored_graphs(panel, SETTINGS, tmp_path / "graphs", counted, code="other")
    assert counted.built == 9
    assert len(list((tmp_path / "graphs").iterdir())) == 3
    assert keep(market, tmp_path)[2] == 0


@pytest.mark.parametrize("which", ["data", "manifest", "cut", "gone"])
def test_damage_is_refused_by_name(tmp_path: Path, which: str) -> None:
    keep(small(), tmp_path)
    data, manifest = files(tmp_path)
    path = manifest if which == "manifest" else data
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if which == "cut":
        content = content[:-1]
    path.write_bytes(content)
    if which == "gone":
        path.unlink()
    with pytest.raises(StorageError) as caught:
        keep(small(), tmp_path)
    assert path.name in str(caught.value)
    assert "remove the folder" in str(caught.value)


def test_what_a_killed_build_left_is_swept_and_the_old_graphs_stay(tmp_path: Path) -> None:
    market = small()
    _, old, _ = keep(market, tmp_path)
    old_index = np.array(old.index)
    data, _ = files(tmp_path)
    left = data.parent / ".new.npy.abc.partial"
    left.write_bytes(b"half")
    _, again, built = keep(market, tmp_path)
    assert built == 0
    np.testing.assert_array_equal(again.index, old_index)
    keep(replace(market, returns=market.returns * 1.5), tmp_path)
    assert not left.exists()
    assert len(files(tmp_path)) == 2


def test_a_build_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    market = small()
    keep(market, tmp_path)
    before = {path: path.read_bytes() for path in files(tmp_path)}

    def broken(*_: object) -> None:
        raise RuntimeError("power is out")

    with monkeypatch.context() as patch:
        patch.setattr("gogooku3.graphs.build.graph_of", broken)
        with pytest.raises(RuntimeError, match="power is out"):
            keep(replace(market, returns=market.returns * 1.5), tmp_path)
    assert {path: path.read_bytes() for path in files(tmp_path)} == before


def test_two_builders_at_once(tmp_path: Path) -> None:
    keep(small(), tmp_path)
    (home,) = (tmp_path / "graphs").iterdir()
    changed = small(9)
    with exclusive(home / ".lock", "test"), pytest.raises(StorageError, match="another process"):
        keep(changed, tmp_path)
    assert keep(changed, tmp_path)[2] == 9
