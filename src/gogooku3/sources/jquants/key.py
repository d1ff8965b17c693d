"""The key of J-Quants: held so that nothing shows it by accident."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import NoReturn

from gogooku3.errors import SettingsError

VARIABLE = "JQUANTS_API_KEY"
KEY_FILE = Path("~/.config/gogooku3/jquants.key")
_SERVICE, _USER = "gogooku3", "jquants"
_LONGEST = 4096
_HIDDEN = "ApiKey(hidden)"


class ApiKey:
    """A secret that text, formats, pickles and copies of it do not give away; `reveal` is for the request alone.

    Args:
        value: The key; white space around it is dropped.
        said_by: Where it comes from, for errors.

    Raises:
        SettingsError: It is empty, or holds what no HTTP header can.
    """

    __slots__ = ("_value", "said_by")

    def __init__(self, value: str, said_by: str) -> None:
        value = value.strip()
        self.said_by = said_by
        if not value or len(value) > _LONGEST or not all("!" <= letter <= "~" for letter in value):
            raise SettingsError(
                "the key of J-Quants is not one",
                where=said_by,
                got="nothing" if not value else "text with blanks, line ends or letters outside ASCII",
                expected="the API key of the dashboard at https://jpx-jquants.com, on one line",
            )
        self._value = value

    def reveal(self) -> str:
        """Return the secret."""
        return self._value

    def scrub(self, said: bytes) -> bytes:
        """Return what a server said without the secret, should it repeat it."""
        return said.replace(self._value.encode("ascii"), b"***")

    def __repr__(self) -> str:
        return _HIDDEN

    def __str__(self) -> str:
        return _HIDDEN

    def __format__(self, spec: str) -> str:
        return _HIDDEN

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a key is neither copied nor pickled")


def find_key(said: ApiKey | None, key_file: Path | None) -> ApiKey:
    """Return the key: of a named file, else of the environment, else of the usual file, else of the keyring.

    Args:
        said: What the environment says; `gogooku3.config` reads it.
        key_file: A file that the user named.

    Raises:
        SettingsError: There is no key, or others may read its file.
    """
    if key_file is not None:
        return read_key(key_file.expanduser())
    if said is not None:
        return said
    usual = KEY_FILE.expanduser()
    if usual.exists():
        return read_key(usual)
    found = _of_keyring()
    if found is None:
        raise SettingsError(
            "there is no key of J-Quants",
            expected=f"the variable {VARIABLE}, a file {KEY_FILE} of mode 0600, or the system's keyring "
            f"(`keyring set {_SERVICE} {_USER}`, with gogooku3[keyring])",
            remedy="get one at https://jpx-jquants.com (docs/guide/jquants.md)",
        )
    return found


def read_key(path: Path) -> ApiKey:
    """Return the key in a file that its owner alone may read.

    Raises:
        SettingsError: It cannot be read, others may read it, or it holds no key.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            raw = file.read(_LONGEST + 2)
    except OSError as error:
        # not its name: somebody may have given the key itself in its place
        raise SettingsError(
            "the file of the key cannot be read",
            where="jquants.key_file",
            got=error.strerror,
            expected="the path of a file with the key, not the key",
        ) from None
    if sys.platform != "win32" and stat.S_IMODE(mode) & 0o077:
        raise SettingsError(
            "others may read the file of the key",
            where=path,
            got=f"mode {stat.S_IMODE(mode):04o}",
            expected="mode 0600",
            remedy=f"chmod 600 {path}",
        )
    return ApiKey(raw.decode("ascii", errors="replace"), str(path))


def _of_keyring() -> ApiKey | None:
    try:
        import keyring
        from keyring.errors import KeyringError, NoKeyringError
    except ImportError:
        return None
    try:
        value = keyring.get_password(_SERVICE, _USER)
    except NoKeyringError:
        return None
    except KeyringError as error:
        raise SettingsError(
            "the system's keyring cannot be read", got=type(error).__name__, remedy="unlock it"
        ) from None
    return None if value is None else ApiKey(value, "the system's keyring")
