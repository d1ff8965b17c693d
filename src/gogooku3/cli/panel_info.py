"""A panel's axes, segments and lineage, as JSON and as tables."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gogooku3.panel.mapped import MappedSegment
    from gogooku3.panel.panel import Panel


def panel_info(panel: Panel, where: Path) -> dict[str, Any]:
    """Return what a panel holds; of its values only who has a bar, and who can be ranked, is read.

    Raises:
        PanelError: What is read is damaged.
    """
    segments = [_segment(segment, where) for segment in panel.segments]
    return {
        "panel": str(where),
        "format_version": max(file.seal.version for s in panel.segments for file in s.files),
        "sessions": len(panel.sessions),
        "first": str(panel.sessions[0]),
        "last": str(panel.sessions[-1]),
        "calendar": panel.calendar,
        "stocks": len(panel.codes),
        "features": list(panel.feature_names),
        "dtype": panel.axes.dtype,
        "fields": list(panel.field_names),
        "targets": [str(target) for target in panel.targets],
        "stock_days": sum(segment["stock_days"] for segment in segments),
        "universe_days": sum(segment["universe_days"] for segment in segments),
        "bytes": sum(segment["bytes"] for segment in segments),
        "content": panel.content_hash,
        "lineage": dict(panel.lineage),
        "segments": segments,
    }


def show_panel(info: Mapping[str, Any]) -> None:
    """Print what `panel_info` found as two tables."""
    from rich.console import Console
    from rich.table import Table

    about = Table(title=f"Panel {info['panel']}", title_justify="left", show_header=False)
    about.add_column("what")
    about.add_column("value", overflow="fold")
    for what, value in _lines(info):
        about.add_row(what, value)
    segments = Table(title="Segments", title_justify="left")
    for heading in ("first", "last", "sessions", "stocks", "stock-days", "MB", "files"):
        segments.add_column(
            heading, justify="left" if heading in {"first", "last", "files"} else "right", overflow="fold"
        )
    for part in info["segments"]:
        figures = [f"{part[name]:,}" for name in ("sessions", "stocks", "stock_days")]
        size = f"{part['bytes'] / 1e6:,.1f}"
        segments.add_row(part["first"], part["last"], *figures, size, " ".join(part["files"]))
    console = Console(width=None if sys.stdout.isatty() else 120, markup=False, highlight=False)
    console.print(about)
    console.print(segments)


def _lines(info: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("format version", str(info["format_version"])),
        ("sessions", f"{info['sessions']:,}, {info['first']} to {info['last']}, calendar {info['calendar']}"),
        ("stocks", f"{info['stocks']:,}"),
        ("features", f"{len(info['features'])} as {info['dtype']}"),
        ("fields", ", ".join(info["fields"]) or "none"),
        ("targets", ", ".join(info["targets"])),
        ("stock-days", f"{info['stock_days']:,}, in the universe {info['universe_days']:,}"),
        ("size", f"{info['bytes'] / 1e6:,.1f} MB in {len(info['segments'])} segments"),
        ("hash", info["content"]),
        *((f"lineage: {key}", _short(value)) for key, value in info["lineage"].items()),
    ]


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        some = ", ".join(str(key) for key in list(value)[:5])
        return f"{len(value)} entries{': ' + some if value else ''}{', ...' if len(value) > 5 else ''}"
    return str(value)


def _segment(segment: MappedSegment, where: Path) -> dict[str, Any]:
    return {
        "first": str(segment.sessions[0]),
        "last": str(segment.sessions[-1]),
        "sessions": len(segment.sessions),
        "stocks": len(segment.codes),
        "stock_days": int(segment.column("present").sum()),
        "universe_days": int(segment.column("universe").sum()),
        "bytes": segment.nbytes,
        "files": [_name(file.path, where) for file in segment.files],
    }


def _name(path: Path, where: Path) -> str:
    root = where.resolve()
    return path.resolve().relative_to(root).as_posix() if root.is_dir() else path.name
