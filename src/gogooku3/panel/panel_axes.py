"""The axes that all segments of a panel share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from gogooku3.errors import PanelError
from gogooku3.labels.target import Target

Dtype = Literal["float32", "float16"]
KNOWN = ("features", "present", "universe")
LABELS = ("targets", "target_ranks")
COLUMNS = (*KNOWN, *LABELS)


@dataclass(frozen=True)
class PanelAxes:
    """Names along the axes of a panel.

    Attributes:
        feature_names: The F features, in order.
        targets: The T targets, in order.
        field_names: Market fields kept beside them, such as ``link`` (gross return from the previous bar).
        calendar: Code of the exchange calendar, ``unknown`` where the sessions are those of a table.
        dtype: How features are stored: float32, or float16 with a relative error of 5e-4.

    Raises:
        PanelError: A name is empty or doubled, there are no features or targets, or a field has the name of a
            column of the panel itself.
    """

    feature_names: tuple[str, ...]
    targets: tuple[Target, ...]
    field_names: tuple[str, ...]
    calendar: str
    dtype: Dtype = "float32"

    def __post_init__(self) -> None:
        for what, names in (
            ("feature", self.feature_names),
            ("target", tuple(map(str, self.targets))),
            ("field", (*COLUMNS, *self.field_names)),
            ("calendar", (self.calendar,)),
        ):
            doubled = sorted({name for name in names if names.count(name) > 1})
            if doubled or not all(names) or not names:
                raise PanelError(
                    f"the {what} names of a panel are impossible",
                    got=f"doubled: {doubled}" if doubled else names,
                    expected="at least one name, none empty, each once",
                )
        if self.dtype not in get_args(Dtype):
            raise PanelError(
                "features cannot be stored so", got=self.dtype, expected=", ".join(get_args(Dtype))
            )

    def to_json(self) -> dict[str, Any]:
        """Return the axes as JSON; each target with its label's span, in sessions after the score's."""
        return {
            "calendar": self.calendar,
            "dtype": self.dtype,
            "features": list(self.feature_names),
            "targets": [
                {
                    "name": str(target),
                    "horizon": target.horizon,
                    "lag": target.lag,
                    "span": list(target.span(0)),
                }
                for target in self.targets
            ],
            "fields": list(self.field_names),
        }

    def differing(self, other: PanelAxes) -> str:
        """Name the fields in which these axes differ from others, with both values, or the names that one lacks."""
        mine, theirs = self.to_json(), other.to_json()
        return "; ".join(
            f"{key}: {_difference(mine[key], theirs[key])}" for key in mine if mine[key] != theirs[key]
        )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> PanelAxes:
        """Read what `to_json` wrote; panels of version 1 name no ``dtype``.

        Raises:
            PanelError: It says something else, such as a span that does not fit its target.
        """
        value = {"dtype": "float32", **value}
        try:
            axes = cls(
                feature_names=tuple(value["features"]),
                targets=tuple(Target.parse(target["name"]) for target in value["targets"]),
                field_names=tuple(value["fields"]),
                calendar=value["calendar"],
                dtype=value["dtype"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise PanelError("the axes of a panel are not understood", got=error) from error
        if axes.to_json() != {key: value[key] for key in axes.to_json()}:
            raise PanelError("the axes of a panel contradict themselves", got=value["targets"])
        return axes


def _difference(mine: Any, theirs: Any) -> str:
    if not isinstance(mine, list):
        return f"{mine} instead of {theirs}"
    left, right = (
        [item["name"] if isinstance(item, Mapping) else item for item in items] for items in (mine, theirs)
    )
    more = [name for name in left if name not in right]
    less = [name for name in right if name not in left]
    said = [f"{what} {', '.join(names)}" for what, names in (("has", more), ("lacks", less)) if names]
    return " and ".join(said) or f"in the order {', '.join(left)} instead of {', '.join(right)}"
