"""The one error of a bundle that is not used."""

from __future__ import annotations

from gogooku3.errors import StorageError


def refused(where: object, got: str, expected: str) -> StorageError:
    """Return the error that says why a bundle is not used."""
    return StorageError(
        "a bundle is refused",
        where=where,
        got=got,
        expected=expected,
        remedy="get the file again from whoever packed it, or pack it again with `gogooku3 bundle`",
    )
