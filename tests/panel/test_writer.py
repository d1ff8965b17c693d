"""A panel is there whole or not at all, and never without rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gogooku3.storage.manifest
from gogooku3.errors import PanelError, StorageError
from gogooku3.panel.open import open_panel
from gogooku3.panel.panel_axes import PanelAxes
from gogooku3.panel.stocks import bare_stocks
from gogooku3.panel.writer import PanelWriter
from tests.panel.panels import AXES, STOCKS, random_segment, random_segments, write_panel


def listdir(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def listing(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_error_in_the_middle_leaves_the_old_panel(tmp_path: Path) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    before = listing(folder)
    new = random_segments(seed=1)
    with pytest.raises(PanelError, match="overlap"), PanelWriter(folder, AXES, STOCKS, {}) as writer:
        list(map(writer.add, [new[0], new[0]]))
    assert listing(folder) == before
    open_panel(folder).verify()


def test_an_error_keeps_segments_shared_with_the_old_panel(tmp_path: Path) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    old = random_segments()[0]
    with pytest.raises(PanelError, match="overlap"), PanelWriter(folder, AXES, STOCKS, {}) as writer:
        list(map(writer.add, [old, old]))
    open_panel(folder).verify()


def test_an_error_at_the_manifest_leaves_the_old_panel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    before = listing(folder)

    def full(*_: object) -> None:
        raise StorageError("a file cannot be written")

    monkeypatch.setattr(gogooku3.storage.manifest, "write_json", full)
    with pytest.raises(StorageError):
        write_panel(folder, random_segments(seed=1))
    assert listing(folder) == before


def test_killed_in_the_middle(tmp_path: Path) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    program = (
        "import os, signal, sys; from pathlib import Path; from tests.panel.panels import *\n"
        "writer = PanelWriter(Path(sys.argv[1]), AXES, STOCKS, {}).__enter__()\n"
        "writer.add(random_segments(seed=1)[0]); os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", program, str(folder)], cwd=root, check=False)
    assert done.returncode == -9
    assert len(listdir(folder / "segments")) == 3
    open_panel(folder).verify()
    write_panel(folder, random_segments(seed=2))
    assert len(listdir(folder / "segments")) == 2


def test_partials_never_count_and_are_swept(tmp_path: Path) -> None:
    folder = tmp_path / "panel"
    (folder / "segments").mkdir(parents=True)
    (folder / "segments" / ".new.arrow.x1.partial").write_bytes(b"half")
    (folder / ".manifest.json.x1.partial").write_bytes(b"half")
    with pytest.raises(PanelError):
        open_panel(folder)
    write_panel(folder, random_segments())
    assert not [path for path in folder.rglob("*") if path.name.endswith(".partial")]
    open_panel(folder).verify()


def test_a_new_panel_removes_the_old_segments(tmp_path: Path) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    old = set(listdir(folder / "segments"))
    (folder / "segments" / "README").write_text("mine")
    write_panel(folder, random_segments(seed=1))
    new = set(listdir(folder / "segments"))
    assert not old & new
    assert len(new) == 3


def test_no_rows_is_no_success(tmp_path: Path) -> None:
    empty = random_segment(np.random.default_rng(0), "2020-01-06", 3, ())
    for segments in ([], [empty]):
        with pytest.raises(PanelError, match="no rows"):
            write_panel(tmp_path / "panel", segments)
        assert set(listing(tmp_path)) == {"panel/.lock"}


def test_order_and_overlap(tmp_path: Path) -> None:
    first, second = random_segments()
    for segments in ([second, first], [first, first]):
        with pytest.raises(PanelError, match="overlap"):
            write_panel(tmp_path / "panel", segments)


def test_unknown_code(tmp_path: Path) -> None:
    with (
        pytest.raises(PanelError, match=r"not among the stocks[\s\S]*2222"),
        PanelWriter(tmp_path / "panel", AXES, bare_stocks(["1301"]), {}) as writer,
    ):
        writer.add(random_segments()[0])


@pytest.mark.parametrize(
    "axes",
    [
        PanelAxes(("f0", "f1"), AXES.targets, AXES.field_names, "XTKS"),
        PanelAxes(AXES.feature_names, AXES.targets[:1], AXES.field_names, "XTKS"),
        PanelAxes(AXES.feature_names, AXES.targets, ("link",), "XTKS"),
        PanelAxes(AXES.feature_names, AXES.targets, ("link", "volume"), "XTKS"),
    ],
)
def test_other_axes(tmp_path: Path, axes: PanelAxes) -> None:
    with (
        pytest.raises(PanelError, match="does not fit the axes"),
        PanelWriter(tmp_path, axes, STOCKS, {}) as writer,
    ):
        writer.add(random_segments()[0])


@pytest.mark.parametrize(
    "names",
    [
        ((), AXES.targets, ()),
        (("a", "a"), AXES.targets, ()),
        (("a",), (), ()),
        (("a",), AXES.targets, ("features",)),
    ],
)
def test_impossible_axes(names: tuple) -> None:
    with pytest.raises(PanelError, match="impossible"):
        PanelAxes(*names, "XTKS")


def test_lineage_must_be_json(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        PanelWriter(tmp_path, AXES, STOCKS, {"x": float("nan")})


def test_stocks_are_checked(tmp_path: Path) -> None:
    with pytest.raises(PanelError, match="lack columns"):
        PanelWriter(tmp_path, AXES, STOCKS.drop("sector"), {})
    with pytest.raises(PanelError, match="doubled"):
        PanelWriter(tmp_path, AXES, bare_stocks(["1", "1"]), {})


def test_a_name_that_looks_like_a_seal(tmp_path: Path) -> None:
    axes = PanelAxes((f"gogooku3-segment-v2:{'0' * 64}", "b", "c"), AXES.targets, AXES.field_names, "XTKS")
    with pytest.raises(PanelError, match="seal"), PanelWriter(tmp_path, axes, STOCKS, {}) as writer:
        writer.add(random_segments()[0])
