"""Events come back from their lines as they were, and from nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogooku3.errors import ModelError
from gogooku3.sweeps.engines.protocol import Event, Failed, Finished, Reported
from gogooku3.sweeps.engines.wire import Lines, as_json, from_line, to_line

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
FACTS = st.dictionaries(
    st.text(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | NUMBERS | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)
EVENTS = (
    st.builds(Reported, epoch=st.integers(min_value=1), value=NUMBERS, facts=FACTS)
    | st.builds(Finished, outcome=FACTS)
    | st.builds(Failed, why=st.sampled_from(["error", "memory"]), reason=st.text(), traceback=st.text())
)


@given(st.lists(EVENTS, max_size=4), st.integers(min_value=1, max_value=50), st.data())
def test_what_is_cut_anywhere_yields_the_events_that_are_whole(
    events: list[Event], size: int, data: st.DataObject
) -> None:
    whole = [to_line(event) for event in events]
    sent = b"".join(whole)
    kept = data.draw(st.integers(min_value=0, max_value=len(sent)))
    lines, found = Lines(), []
    for start in range(0, kept, size):
        found += [from_line(line) for line in lines.add(sent[start : min(start + size, kept)])]
    complete = sum(kept >= sum(map(len, whole[: n + 1])) for n in range(len(whole)))
    assert found == events[:complete]


@given(EVENTS, EVENTS, st.data())
def test_a_part_of_a_line_does_not_spoil_the_next(cut: Event, after: Event, data: st.DataObject) -> None:
    line = to_line(cut)
    sent = line[: data.draw(st.integers(min_value=0, max_value=len(line) - 2))] + to_line(after)
    assert [e for e in map(from_line, Lines().add(sent)) if e is not None] == [after]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"3",
        b"[]",
        b"{}",
        b'{"kind": 1}',
        b'{"kind": []}',
        b'{"kind": "other"}',
        b'{"kind": "finished"}',
        b'{"kind": "finished", "outcome": {}, "more": 1}',
        b"\xff",
        b'{"kind": "fin',
    ],
)
def test_anything_else_is_no_event(line: bytes) -> None:
    assert from_line(line) is None


@pytest.mark.parametrize("value", [{1, 2}, (1,), {1: 2}, {"a": [float("nan")]}, object(), b"x"])
def test_what_would_change_on_the_way_is_refused(value: object) -> None:
    with pytest.raises(ModelError, match="the thing is no plain data"):
        as_json(value, "the thing")


def test_what_holds_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(ModelError, match="no plain data"):
        as_json(loop, "the thing")
