"""Every settings key is read by some code: none is decoration."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import BaseModel

from gogooku3.config.keys import leaves, section_of
from gogooku3.config.settings import Settings

SOURCE = Path(__file__).resolve().parents[2] / "src" / "gogooku3"


def reads() -> dict[str, set[str]]:
    """Attribute name to what it is read from: ``lightgbm`` of ``settings.lightgbm.leaves``, say."""
    found: dict[str, set[str]] = {}
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                owner = node.value
                name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                found.setdefault(node.attr, set()).add(name)
    return found


def owners(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, set[str]]]:
    """Dotted key and the names under which its section goes by in code."""
    for name, field in model.model_fields.items():
        section = section_of(field)
        if section is None:
            last = prefix.rstrip(".").rpartition(".")[2]
            yield prefix + name, {last, "settings", "self", "chosen", "source", "run"} - {""}
        else:
            yield from owners(section, f"{prefix}{name}.")


READS = reads()
OWNERS = dict(owners(Settings))


@pytest.mark.parametrize("key", OWNERS)
def test_a_key_is_read(key: str) -> None:
    name = key.rpartition(".")[2]
    assert READS.get(name, set()) & OWNERS[key], f"no code reads {key}"


def test_the_search_finds_what_nobody_reads() -> None:
    assert "never_read_by_anyone" not in READS
    assert "leaves" in READS
    assert "Settings" not in READS["leaves"]


def test_every_key_says_what_it_means() -> None:
    described: Mapping[str, str | None] = {key: field.description for key, field in leaves(Settings)}
    assert [key for key, text in described.items() if not text] == []
