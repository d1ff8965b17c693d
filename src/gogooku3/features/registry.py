"""What a feature is, and the graph of what each is made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from gogooku3.errors import SettingsError


@dataclass(frozen=True, kw_only=True)
class Feature:
    """A quantity of every stock on every session, made from earlier ones.

    Attributes:
        name: Unique name.
        family: What it measures, such as ``volatility``; ``field`` marks an intermediate that is not exported.
        inputs: Names of fields or features it reads.
        window: Sessions of its inputs that one value needs, the session itself included.
        function: Takes each input as [L + window - 1, N], in order, and returns [L, N]; row ``i`` may read
            rows ``i .. i + window - 1`` of its inputs and nothing else.
        meaning: One phrase for the reference page.
        shared: Features of the same non-empty name take their values from one call of ``function``, which then
            returns a tuple of arrays; they have the same inputs and window.
        output: Which of those arrays.
    """

    name: str
    family: str
    inputs: tuple[str, ...]
    window: int
    function: Callable[..., Any] = field(repr=False)
    meaning: str
    shared: str = ""
    output: int = 0


class FeatureSet:
    """Features in a fixed order, with everything they are made from.

    Args:
        features: Exported features and the intermediates they need, in any order.
        base: Names that the market itself provides.

    Raises:
        SettingsError: A name is defined twice, an input is unknown, features depend on each other in a circle, or
            features that share a call differ in its inputs or window.
    """

    def __init__(self, features: Iterable[Feature], base: frozenset[str]) -> None:
        self.by_name: dict[str, Feature] = {}
        for item in features:
            if item.name in self.by_name or item.name in base:
                raise SettingsError("a feature is defined twice", got=item.name)
            self.by_name[item.name] = item
        self.base = base
        self.order = self._topological()
        self.groups = self._groups()
        self.exported = tuple(f.name for f in self.by_name.values() if f.family != "field")

    def lookback(self, name: str) -> int:
        """Sessions before t that the value of ``name`` at t depends on."""
        if name in self.base:
            return 0
        item = self.by_name[name]
        return item.window - 1 + max((self.lookback(other) for other in item.inputs), default=0)

    def warm_up(self) -> dict[str, int]:
        """For each name, how many sessions before a block its values are needed to make the block's features."""
        need = dict.fromkeys((*self.by_name, *self.base), 0)
        before: dict[str, int] = {}
        while need != before:  # features of one call need the same sessions, which their inputs then need too
            before = dict(need)
            for name in reversed(self.order):
                item = self.by_name[name]
                need[name] = max(need[other] for other in self.groups.get(item.shared, (name,)))
                for other in item.inputs:
                    need[other] = max(need[other], need[name] + item.window - 1)
        return need

    def select(self, names: Iterable[str]) -> FeatureSet:
        """Return the set that exports only ``names``, in the order of this set.

        Raises:
            SettingsError: A name is not exported.
        """
        wanted = set(names)
        unknown = sorted(wanted - set(self.exported))
        if unknown or not wanted:
            raise SettingsError(
                "a feature does not exist",
                got=", ".join(unknown) or "none",
                expected=", ".join(self.exported),
            )
        kept: set[str] = set()
        waiting = list(wanted)
        while waiting:
            name = waiting.pop()
            if name not in kept and name not in self.base:
                kept.add(name)
                waiting.extend(self.by_name[name].inputs)
        chosen = FeatureSet((item for name, item in self.by_name.items() if name in kept), self.base)
        chosen.exported = tuple(name for name in self.exported if name in wanted)
        return chosen

    def _groups(self) -> dict[str, tuple[str, ...]]:
        """Names that take their values from one call, by the call's name."""
        found: dict[str, list[Feature]] = {}
        for item in self.by_name.values():
            if item.shared:
                found.setdefault(item.shared, []).append(item)
        for call, items in found.items():
            if len({(item.inputs, item.window) for item in items}) > 1:
                raise SettingsError("features of one call differ in inputs or window", where=call)
        return {call: tuple(item.name for item in items) for call, items in found.items()}

    def _topological(self) -> tuple[str, ...]:
        order: list[str] = []
        state: dict[str, int] = {}

        def visit(name: str, asked_by: str) -> None:
            if name in self.base or state.get(name) == 2:
                return
            if name not in self.by_name:
                raise SettingsError("a feature's input is unknown", where=asked_by, got=name)
            if state.get(name) == 1:
                raise SettingsError("features depend on each other in a circle", where=asked_by, got=name)
            state[name] = 1
            for other in self.by_name[name].inputs:
                visit(other, name)
            state[name] = 2
            order.append(name)

        for name in self.by_name:
            visit(name, name)
        return tuple(order)
