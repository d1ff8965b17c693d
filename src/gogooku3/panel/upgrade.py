"""Write a panel of an older format anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gogooku3.panel.block import Block
from gogooku3.panel.open import open_panel
from gogooku3.panel.panel import Panel
from gogooku3.panel.segment import Segment
from gogooku3.panel.segment_file import write_single
from gogooku3.panel.writer import PanelWriter


def upgrade_panel(path: Path, tick: Callable[[], None] = lambda: None) -> Panel:
    """Check every byte of a panel and write it in the present format; the old one stays until the end.

    Args:
        path: The panel: a folder, or a single self-contained segment file.
        tick: Called once a segment.

    Returns:
        The panel as it is now, with the same values.

    Raises:
        PanelError: It cannot be read, or is damaged.
        StorageError: It cannot be written.
    """
    panel = open_panel(path)
    panel.verify()
    if not path.is_dir():
        (block,) = panel.blocks()
        write_single(path, _segment(panel, block), panel.axes, stocks=panel.stocks, lineage=panel.lineage)
        tick()
        return open_panel(path)
    with PanelWriter(path, panel.axes, panel.stocks, panel.lineage) as writer:
        for block in panel.blocks():
            writer.add(_segment(panel, block))
            tick()
    return open_panel(path)


def _segment(panel: Panel, block: Block) -> Segment:
    return Segment(
        sessions=block.sessions,
        codes=block.segment.codes,
        features=block.features,
        present=block.present,
        universe=block.universe,
        targets=block.targets,
        target_ranks=block.target_ranks,
        fields={name: block.field(name) for name in panel.field_names},
    )
