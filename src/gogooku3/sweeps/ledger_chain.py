"""Which lines of a ledger are attempts at one and the same trial."""

from __future__ import annotations

from collections.abc import Mapping

from gogooku3.sweeps.ledger_entry import LedgerEntry

CUT_SHORT = ("died", "stopped")
"""What ends an attempt and not its trial: the same point is tried again under another number."""

UNKNOWN = -1
"""Stands for an attempt before that the ledger does not hold."""


def chains(entries: Mapping[int, LedgerEntry]) -> dict[int, tuple[int, ...]]:
    """Return the numbers of the attempts before each attempt that is not a first one, in their order.

    An attempt goes on with one that was cut short, has the number of attempts before, and had chosen no other
    parameters; of several, the one that had chosen most, and then the first.

    Args:
        entries: How each trial stands, by number.
    """
    found: dict[int, tuple[int, ...]] = {}
    free = {number for number, entry in entries.items() if entry.why in CUT_SHORT}
    for number in sorted(entries):
        entry = entries[number]
        if not entry.attempt:
            continue
        before = [
            other
            for other in free
            if other < number
            and entries[other].attempt == entry.attempt - 1
            and entries[other].params.items() <= entry.params.items()
        ]
        if not before:
            found[number] = (UNKNOWN,) * entry.attempt
            continue
        last = min(before, key=lambda other: (-len(entries[other].params), other))
        free.remove(last)
        found[number] = (*found.get(last, ()), last)
    return found


def last_attempts(entries: Mapping[int, LedgerEntry]) -> dict[int, LedgerEntry]:
    """Leave out every attempt that another one went on with."""
    gone_on_with = {before for chain in chains(entries).values() for before in chain}
    return {number: entry for number, entry in entries.items() if number not in gone_on_with}


def deaths(entries: Mapping[int, LedgerEntry], chain: tuple[int, ...]) -> int:
    """Return how many attempts of a chain ended because their process was killed."""
    return sum(entries[number].why == "died" for number in chain if number in entries)
