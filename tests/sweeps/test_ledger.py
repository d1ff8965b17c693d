"""The ledger keeps what was acknowledged: round trips, damage at any byte, writers side by side, kills, a full disk."""

from __future__ import annotations

import datetime as dt
import json
import random
import signal
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gogooku3.errors import StorageError
from gogooku3.sweeps import ledger as module
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.ledger_entry import LedgerEntry, SeriesFile

MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)


def made(number=0, attempt=0, **changes) -> LedgerEntry:
    """A complete entry, or one that ended as ``changes`` say."""
    usual = {
        "number": number,
        "attempt": attempt,
        "params": {"optimizer.type": "adamw", "atft.hidden": 64, "rate": 1e-5, "deep.compile": False},
        "seed": 7,
        "state": "COMPLETE",
        "value": 0.0625,
        "epochs": (3, 4),
        "fold_rank_ic": (0.05, 0.075),
        "started": MOMENT,
        "ended": MOMENT + dt.timedelta(minutes=5),
        "seconds": 300.25,
        "memory_mb": 812,
    }
    return LedgerEntry.model_validate(usual | changes)


FAILED = {"state": "FAIL", "value": None, "why": "error", "reason": "it broke", "traceback": "Traceback ..."}
PRUNED = {"state": "PRUNED", "value": None, "why": "pruned", "reason": "below the median after epoch 3"}


def test_entries_are_read_as_they_were_written(tmp_path):
    ledger = Ledger(tmp_path / "new" / "sweep")
    assert ledger.read().entries == ()
    entries = [
        made(0),
        made(1, **FAILED),
        made(1, 1, **PRUNED),
        made(2, **FAILED | {"memory_mb": None, "traceback": None, "why": "died"}),
    ]
    for entry in entries:
        assert ledger.append(entry) is True
    recorded = ledger.read()
    assert list(recorded.entries) == entries
    assert recorded.torn is None
    lines = ledger.path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 4
    first = json.loads(lines[0])
    assert first["started"] == "2026-01-02T03:04:05.678901Z"
    assert first["params"] == {
        "optimizer.type": "adamw",
        "atft.hidden": 64,
        "rate": 1e-5,
        "deep.compile": False,
    }
    assert (first["value"], first["series"], json.loads(lines[1])["value"]) == (0.0625, None, None)


scalars = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)


@given(
    params=st.dictionaries(st.text(), scalars | st.text(), max_size=4),
    reason=st.text(),
    traceback=st.none() | st.text(),
    seconds=st.floats(0, 1e9),
)
def test_any_entry_survives_its_line(params, reason, traceback, seconds):
    entry = made(params=params, seconds=seconds, **FAILED | {"reason": reason, "traceback": traceback})
    line = entry.to_line()
    again = LedgerEntry.from_line(line[:-1])
    assert again == entry
    assert [type(value) for value in again.params.values()] == [type(value) for value in params.values()]
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")


def test_text_that_no_file_can_hold_does_not_lose_the_trial():
    entry = made(**FAILED | {"reason": "no file \udc80.csv", "traceback": "\ud800"})
    assert LedgerEntry.from_line(entry.to_line()).reason == "no file ?.csv"


@pytest.mark.parametrize(
    "changes",
    [
        {"value": None},
        {"value": float("nan")},
        {"value": "0.1"},
        {"why": "error"},
        {"reason": "why"},
        {"traceback": "Traceback"},
        {"number": -1},
        {"attempt": -1},
        {"seconds": -1.0},
        {"seconds": float("inf")},
        {"params": {"a": None}},
        {"params": {"a": float("inf")}},
        {"started": dt.datetime(2026, 1, 2)},  # noqa: DTZ001 - that is the fault
        {"ended": dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=9)))},
        {"unheard": "of"},
        {"state": "RUNNING", "value": None},
        FAILED | {"value": 0.1},
        FAILED | {"why": None},
        FAILED | {"reason": None},
        FAILED | {"why": "pruned"},
        PRUNED | {"why": "died"},
        PRUNED | {"traceback": "Traceback"},
        {"series": {"name": "../x.parquet", "sha256": "0" * 64}},
        {"series": SeriesFile(name="series/1-0.parquet", sha256="0" * 64)},  # another trial's
        FAILED | {"series": SeriesFile(name="series/0-0.parquet", sha256="0" * 64)},
    ],
)
def test_impossible_entries_are_refused(changes):
    with pytest.raises(ValidationError):
        made(**changes)


def test_an_attempt_is_entered_once(tmp_path):
    ledger = Ledger(tmp_path)
    assert ledger.append(made(3, **FAILED)) is True
    assert ledger.append(made(3)) is False  # the first word stands
    assert ledger.append(made(3, 1)) is True
    assert ledger.append(made(3, 2, **FAILED)) is True
    assert [entry.state for entry in ledger.read().entries] == ["FAIL", "COMPLETE", "FAIL"]
    assert ledger.read().trials == {3: made(3, 1)}  # complete once, whatever came after
    with ledger.path.open("ab") as file:
        file.write(made(3).to_line())
    with pytest.raises(StorageError, match=r"line 4[\s\S]*trial 3, attempt 0 for the second time"):
        ledger.read()


def test_a_last_line_cut_at_any_byte_loses_nothing_else(tmp_path):
    ledger = Ledger(tmp_path)
    kept = [made(0), made(1, **FAILED)]
    for entry in kept:
        ledger.append(entry)
    whole, line = ledger.path.read_bytes(), made(2, params={"name": "é"}).to_line()
    for cut in range(len(line) + 1):
        ledger.path.write_bytes(whole + line[:cut])
        recorded = ledger.read()
        complete = cut >= len(line) - 1  # all but its end of line
        assert list(recorded.entries) == kept + [made(2, params={"name": "é"})] * complete
        assert recorded.torn == (3 if 0 < cut < len(line) - 1 else None)
        if cut % 40 in (0, 1) or complete:
            assert ledger.append(made(4)) is True
            assert list(ledger.read().entries) == [*recorded.entries, made(4)]
            assert ledger.read().torn is None


def test_damage_at_any_other_byte_is_named(tmp_path):
    ledger = Ledger(tmp_path)
    for number in range(3):
        ledger.append(made(number, **FAILED if number == 1 else {}))
    whole = ledger.path.read_bytes()
    rng = random.Random(0)
    for place in [rng.randrange(len(whole) - 1) for _ in range(300)]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.randrange(8)
        line = whole[:place].count(b"\n") + 1
        ledger.path.write_bytes(damaged)
        with pytest.raises(StorageError, match=rf"damaged[\s\S]*ledger\.jsonl, line {line}\b"):
            ledger.read()
        with pytest.raises(StorageError, match="damaged"):
            ledger.append(made(9))
        assert ledger.path.read_bytes() == damaged
    ledger.path.write_bytes(whole.replace(b"\n", b"\n\n", 1))
    with pytest.raises(StorageError, match="line 2"):
        ledger.read()


APPEND = """
import sys
from pathlib import Path
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.ledger_entry import LedgerEntry
folder, entry, first, last = sys.argv[1:]
ledger, entry = Ledger(Path(folder)), LedgerEntry.model_validate_json(entry)
print("ready", flush=True)
for number in range(int(first), int(last)):
    assert ledger.append(entry.model_copy(update={"number": number}))
    print(number, flush=True)
"""


def _writer(folder, first, last) -> subprocess.Popen[str]:
    entry = made(params={"text": "x" * 6_000}).model_dump_json()
    arguments = [sys.executable, "-c", APPEND, str(folder), entry, str(first), str(last)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def test_writers_side_by_side(tmp_path):
    writers = [_writer(tmp_path, 100 * k, 100 * k + 15) for k in range(3)]
    for writer in writers:
        writer.communicate()
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    recorded = Ledger(tmp_path).read()
    assert sorted(entry.number for entry in recorded.entries) == [
        100 * k + j for k in range(3) for j in range(15)
    ]
    assert recorded.torn is None


def _kills(folder, times):
    rng, first, acknowledged = random.Random(1), 0, []
    for _ in range(times):
        writer = _writer(folder, first, first + 10_000)
        assert writer.stdout.readline() == "ready\n"
        wanted = rng.randrange(1, 12)
        for line in writer.stdout:
            acknowledged.append(int(line))
            if acknowledged[-1] >= first + wanted:
                break
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout]
        writer.wait()
        writer.stdout.close()
        numbers = [entry.number for entry in Ledger(folder).read().entries]
        assert numbers[: len(acknowledged)] == acknowledged
        assert len(numbers) <= len(acknowledged) + 1  # kept, and killed before it could say so
        first, acknowledged = numbers[-1] + 1, numbers
    return acknowledged


def test_killed_writers_lose_nothing(tmp_path):
    assert len(_kills(tmp_path, 3)) >= 3


@pytest.mark.slow
def test_many_killed_writers_lose_nothing(tmp_path):
    assert len(_kills(tmp_path, 100)) >= 100


def test_full_disk_leaves_the_ledger_as_it_was(tmp_path):
    resource = pytest.importorskip("resource")
    ledger = Ledger(tmp_path)
    ledger.append(made(0))
    before = ledger.path.read_bytes()
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    for room in (0, 1, 100, len(made(1).to_line()) - 1):
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + room, usual[1]))
        try:
            with pytest.raises(StorageError, match="a ledger cannot be written"):
                ledger.append(made(1))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        assert ledger.path.read_bytes() == before
    assert ledger.append(made(1)) is True
    assert [entry.number for entry in ledger.read().entries] == [0, 1]


def test_a_holder_that_does_not_let_go_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.1)
    ledger = Ledger(tmp_path)
    with ledger._locked(), pytest.raises(StorageError, match="does not let go"):
        Ledger(tmp_path).append(made(0))
    assert ledger.append(made(0)) is True
