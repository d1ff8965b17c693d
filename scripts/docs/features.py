"""Write docs/reference/features.md from the registry: `python scripts/docs/features.py`."""

from __future__ import annotations

from pathlib import Path

from gogooku3.features.core import core

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "features.md"


def page() -> str:
    """Return the page: one row per exported feature, in the panel's order."""
    features = core()
    lines = [
        "# The core features",
        "",
        f"{len(features.exported)} features; written by `python scripts/docs/features.py` from the registry.",
        "The lookback is the number of earlier sessions that a value depends on, intermediate features included.",
        "",
        "| feature | family | reads | lookback | what it measures |",
        "|---|---|---|---|---|",
    ]
    for name in features.exported:
        item = features.by_name[name]
        reads = ", ".join(item.inputs)
        lines.append(f"| {name} | {item.family} | {reads} | {features.lookback(name)} | {item.meaning} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
