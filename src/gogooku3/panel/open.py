"""Open a panel, whichever form it has."""

from __future__ import annotations

from pathlib import Path

from gogooku3.errors import PanelError, StorageError
from gogooku3.panel.faults import REBUILD, damaged
from gogooku3.panel.panel import Panel
from gogooku3.panel.panel_axes import PanelAxes
from gogooku3.panel.segment_file import SegmentFile
from gogooku3.panel.stocks import bare_stocks, stocks_from_json
from gogooku3.storage.manifest import MANIFEST_NAME, Manifest
from gogooku3.storage.paths import inside

PANEL_FORMAT = "gogooku3-panel"
MANIFEST_VERSION = 1


def open_panel(path: str | Path) -> Panel:
    """Map a panel: a folder with ``manifest.json``, or a single self-contained segment file.

    Headers and sizes are checked, values are not read; `Panel.verify` reads them all.

    Raises:
        PanelError: There is none, or a file of it is absent, damaged, foreign or of another version.
    """
    where = Path(path)
    if where.is_dir():
        return _open_folder(where)
    if not where.exists():
        raise PanelError("there is no panel", where=where, remedy=REBUILD)
    segment = SegmentFile.open(where)
    stocks = bare_stocks(segment.codes) if segment.stocks is None else segment.stocks
    return Panel([segment], segment.axes, stocks, segment.lineage)


def _open_folder(folder: Path) -> Panel:
    try:
        manifest = Manifest.read(folder, format=PANEL_FORMAT, version=MANIFEST_VERSION)
        paths = [inside(folder, file.name) for file in manifest.files]
    except StorageError as error:
        raise PanelError(
            error.what, where=error.where, got=error.got, expected=error.expected, remedy=REBUILD
        ) from error
    where = folder / MANIFEST_NAME
    try:
        axes = PanelAxes.from_json(manifest.content["axes"])
        stocks = stocks_from_json(manifest.content["stocks"])
        lineage = manifest.content["lineage"]
        seals = manifest.content["seals"]
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(where, error) from error
    segments = [SegmentFile.open(path) for path in paths]
    if [segment.seal.header for segment in segments] != seals:
        raise damaged(where, "segments with other seals")
    return Panel(segments, axes, stocks, lineage)
