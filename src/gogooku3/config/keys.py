"""The dotted keys of a settings class."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

PREFIX = "GOGOOKU3_"
"""Every environment variable that begins so has to name a setting."""


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the settings class of a field that is a section, None for a plain value."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield the dotted key and the field of every plain value, in the order of the class."""
    for name, field in model.model_fields.items():
        section = section_of(field)
        if section is None:
            yield prefix + name, field
        else:
            yield from leaves(section, f"{prefix}{name}.")


def variable(key: str) -> str:
    """Return the environment variable of a dotted key."""
    return PREFIX + key.upper().replace(".", "__")


def takes_text(field: FieldInfo) -> bool:
    """Tell whether a field accepts text as it stands, so that it is not read as JSON."""
    return any(
        (isinstance(kind, type) and issubclass(kind, str | PurePath)) or isinstance(kind, str)
        for kind in _alternatives(field.annotation)
    )


def takes_null(field: FieldInfo) -> bool:
    """Tell whether a field accepts null."""
    return any(kind is NoneType or kind is None for kind in _alternatives(field.annotation))


def _alternatives(annotation: Any) -> Iterator[Any]:
    """Yield the members of unions and the values of literals, annotations stripped."""
    if get_origin(annotation) is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif get_origin(annotation) in (Union, UnionType):
        for kind in get_args(annotation):
            yield from _alternatives(kind)
    else:
        yield annotation
