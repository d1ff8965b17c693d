"""What the arguments of ``compare`` mean."""

from __future__ import annotations

import pytest

from gogooku3.errors import SettingsError
from gogooku3.pipeline.comparison_pairs import Sides, sides, split_argument

MODELS = {"a": ("ridge", "lightgbm"), "b": ("ridge", "lightgbm"), "r": ("ridge",), "l": ("lightgbm",)}


@pytest.mark.parametrize(
    ("arguments", "pairs", "left_out"),
    [
        ("a", ["a:lightgbm a:ridge"], 0),
        ("a:lightgbm a:ridge", ["a:ridge a:lightgbm"], 0),
        ("a b", ["b:ridge a:ridge", "b:lightgbm a:lightgbm"], 0),
        ("a r", ["r:ridge a:ridge"], 1),
        ("r a b", ["a:ridge r:ridge", "b:ridge r:ridge"], 2),
        ("r l", ["l:lightgbm r:ridge"], 0),
        ("a:ridge b", ["b:ridge a:ridge"], 0),
        ("a:ridge l", ["l:lightgbm a:ridge"], 0),
        ("r a:lightgbm b:lightgbm", ["a:lightgbm r:ridge", "b:lightgbm r:ridge"], 0),
    ],
)
def test_arguments(arguments: str, pairs: list[str], left_out: int) -> None:
    found = sides(arguments.split(), MODELS)
    assert [" ".join(":".join(side) for side in pair) for pair in found.pairs] == pairs
    assert len(found.left_out) == left_out
    assert isinstance(found, Sides)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("r", "only model is ridge"),
        ("a:ridge", "a:ridge"),
        ("a a", "named twice"),
        ("a b:ridge", "a:ridge or a:lightgbm"),
        ("a:ridge r:ridge r:ridge", "named twice"),
        ("r:ridge l a:", "no run or no model"),
        (":ridge a", "no run or no model"),
    ],
)
def test_arguments_that_are_not_clear(arguments: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        sides(arguments.split(), MODELS)


def test_runs_without_a_common_model() -> None:
    with pytest.raises(SettingsError, match="no model in common"):
        sides(["a", "x"], {**MODELS, "x": ("gru", "forest")})


def test_a_colon_belongs_to_the_model() -> None:
    assert split_argument("jp:ridge") == ("jp", "ridge")
    assert split_argument("jp") == ("jp", None)
