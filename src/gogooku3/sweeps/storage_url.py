"""What a user may name as a database."""

from __future__ import annotations

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from gogooku3.errors import SettingsError

_FORM = "postgresql+psycopg://USER@HOST/DATABASE"


def refuse_bad_url(url: str) -> None:
    """Refuse what is no URL of a database, and one whose driver is not installed; nothing is connected to.

    Raises:
        SettingsError: It is one of these.
    """
    shown = url.rpartition("@")[2]  # without a password
    try:
        make_url(url).get_dialect().import_dbapi()
    except (ArgumentError, ValueError) as error:  # a ValueError of a port that is no number, say
        raise SettingsError(
            "this is no URL of a database",
            where="--storage",
            got=shown,
            expected=f"{_FORM} or the like",
            remedy="leave --storage out for SQLite in the search's own folder",
        ) from error
    except ImportError as error:
        raise SettingsError(
            "the driver of this database is not installed",
            where="--storage",
            got=f"{shown}: {error}",
            remedy=f"pip install 'gogooku3[postgres]', and name {_FORM}",
        ) from error
