"""Open a panel, whichever form it has."""

from __future__ import annotations

from pathlib import Path

from gogooku3.errors import PanelError, StorageError
from gogooku3.panel.faults import REBUILD, damaged
from gogooku3.panel.mapped import MappedSegment
from gogooku3.panel.panel import Panel
from gogooku3.panel.panel_axes import PanelAxes
from gogooku3.panel.segment_file import SegmentFile
from gogooku3.panel.stocks import bare_stocks, stocks_from_json
from gogooku3.storage.manifest import MANIFEST_NAME, Manifest
from gogooku3.storage.paths import inside

PANEL_FORMAT = "gogooku3-panel"
MANIFEST_VERSION = 2
READABLE_VERSIONS = (1, 2)
_ATTEMPTS = 20


def open_panel(path: str | Path) -> Panel:
    """Map a panel: a folder with ``manifest.json``, or a single self-contained segment file.

    Headers and sizes are checked; values are read, and checked, when they are used. `Panel.verify` reads them all.
    Panels of format version 1 are read as they are; `upgrade_panel` writes them anew.

    Raises:
        PanelError: There is none, or a file of it is absent, damaged, foreign or of another version.
    """
    where = Path(path)
    if where.is_dir():
        return _open_folder(where)
    if not where.exists():
        raise PanelError("there is no panel", where=where, remedy=REBUILD)
    file = SegmentFile.open(where)
    stocks = bare_stocks(file.codes) if file.stocks is None else file.stocks
    return Panel([MappedSegment(known=file, labels=file)], file.axes, stocks, file.lineage)


def read_manifest(folder: Path) -> Manifest:
    """Read a panel's manifest and check that the files it names are there and have their sizes.

    Raises:
        PanelError: It is absent, damaged or of another version, or a file is not as it says.
    """
    try:
        return Manifest.read(folder, format=PANEL_FORMAT, versions=READABLE_VERSIONS)
    except StorageError as error:
        raise PanelError(
            error.what, where=error.where, got=error.got, expected=error.expected, remedy=REBUILD
        ) from error


def _open_folder(folder: Path) -> Panel:
    """Open a folder, again if a writer has replaced its panel meanwhile."""
    for _ in range(_ATTEMPTS):
        before = _manifest_bytes(folder)
        try:
            return _open_once(folder)
        except PanelError:
            if _manifest_bytes(folder) == before:
                raise
    return _open_once(folder)


def _manifest_bytes(folder: Path) -> bytes | None:
    try:
        return (folder / MANIFEST_NAME).read_bytes()
    except OSError:
        return None


def _open_once(folder: Path) -> Panel:
    manifest = read_manifest(folder)
    where = folder / MANIFEST_NAME
    try:
        axes = PanelAxes.from_json(manifest.content["axes"])
        stocks = stocks_from_json(manifest.content["stocks"])
        lineage = manifest.content["lineage"]
        seals = manifest.content["seals"]
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(where, error) from error
    files = [SegmentFile.open(inside(folder, file.name)) for file in manifest.files]
    if [file.seal.header for file in files] != seals:
        raise damaged(where, "segments with other seals")
    if manifest.version == 1:
        pairs = [(file, file) for file in files]
    elif len(files) % 2 == 0:
        pairs = list(zip(files[::2], files[1::2], strict=True))
    else:
        raise damaged(where, "a segment without its labels")
    return Panel([MappedSegment(known=k, labels=m) for k, m in pairs], axes, stocks, lineage)
