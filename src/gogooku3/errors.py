"""One family of errors: each says what went wrong, where, got, expected, and what to do."""

from __future__ import annotations


class Gogooku3Error(ValueError):
    """Base of every error a user can cause and mend.

    Args:
        what: One sentence that names the fault.
        where: File, row, column, stage or setting.
        got: What was found.
        expected: What would have been accepted.
        remedy: What the user can do about it.
    """

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        got: object = None,
        expected: object = None,
        remedy: str | None = None,
    ) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.got = None if got is None else str(got)
        self.expected = None if expected is None else str(expected)
        self.remedy = remedy
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        parts = [self.what]
        for label in ("where", "got", "expected", "remedy"):
            value = getattr(self, label)
            if value is not None:
                parts.append(f"{label}: {value}")
        return "\n  ".join(parts)


class DataError(Gogooku3Error):
    """Market data is missing, malformed or contradicts itself."""


class SettingsError(Gogooku3Error):
    """A setting is unknown, malformed or impossible."""


class StorageError(Gogooku3Error):
    """A file or folder cannot be read or written as asked."""


class PanelError(Gogooku3Error):
    """A panel is absent, damaged or does not fit what is asked of it."""


class SplitError(Gogooku3Error):
    """The requested folds cannot be built without a leak or without rows."""


class ModelError(Gogooku3Error):
    """A model cannot be fitted or its output is degenerate."""


class EvaluationError(Gogooku3Error):
    """Scores and labels cannot be evaluated as asked."""
