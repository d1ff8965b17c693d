"""Write docs/reference/features.md from the registry: `python scripts/docs/features.py`."""

from __future__ import annotations

from pathlib import Path

from gogooku3.features.alpha158 import alpha158
from gogooku3.features.core import core
from gogooku3.features.registry import FeatureSet

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "features.md"


def page() -> str:
    """Return the page: of each set one row per exported feature, in the panel's order."""
    lines = [
        "# Features",
        "",
        "Written by `python scripts/docs/features.py` from the registry. The lookback is the number of earlier",
        "sessions that a value depends on, intermediate features included.",
        "",
        *_rows("core", core(), "what it measures"),
        "",
        *_rows("alpha158", alpha158(), "formula of Qlib's Alpha158"),
    ]
    return "\n".join(lines) + "\n"


def _rows(title: str, features: FeatureSet, meaning: str) -> list[str]:
    lines = [
        f"## {title}: {len(features.exported)} features",
        "",
        f"| feature | family | reads | lookback | {meaning} |",
        "|---|---|---|---|---|",
    ]
    for name in features.exported:
        item = features.by_name[name]
        text = f"`{item.meaning}`" if "$" in item.meaning else item.meaning
        reads = ", ".join(item.inputs)
        lines.append(f"| {name} | {item.family} | {reads} | {features.lookback(name)} | {text} |")
    return lines


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
