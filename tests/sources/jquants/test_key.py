"""The key is found in three places, and shown in none."""

from __future__ import annotations

import copy
import logging
import pickle
import sys
import types
from pathlib import Path

import pytest

from gogooku3.errors import SettingsError
from gogooku3.sources.jquants import key as keys
from gogooku3.sources.jquants.key import ApiKey, find_key, read_key

SECRET = "secret-0123456789"


def test_no_text_shows_it(caplog: pytest.LogCaptureFixture) -> None:
    key = ApiKey(f" {SECRET}\n", "test")
    logging.getLogger("any").warning("%s %r", key, key)
    shown = [
        repr(key),
        str(key),
        f"{key}",
        f"{key:>30}",
        f"{[key]}",
        caplog.text,
        repr(vars(ApiKey)),
    ]
    assert not any(SECRET in text for text in shown)
    assert key.reveal() == SECRET
    assert key.scrub(f"a {SECRET} b".encode()) == b"a *** b"
    assert not hasattr(key, "__dict__")


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_is_neither_copied_nor_pickled(copied) -> None:
    with pytest.raises(TypeError, match="neither"):
        copied(ApiKey(SECRET, "test"))


@pytest.mark.parametrize(
    "value", ["", "  ", "ab c" + SECRET, SECRET + "\nx", "ключ" + SECRET, "x\x00" + SECRET]
)
def test_what_no_header_can_hold_is_refused_unshown(value: str) -> None:
    with pytest.raises(SettingsError, match="not one") as caught:
        ApiKey(value, "there")
    assert SECRET not in str(caught.value)
    assert "there" in str(caught.value)


def test_a_file_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(SECRET + "\n")
    for mode in (0o640, 0o604, 0o660):
        path.chmod(mode)
        with pytest.raises(SettingsError, match=f"chmod 600 {path}") as caught:
            read_key(path)
        assert SECRET not in str(caught.value)
    path.chmod(0o600)
    assert read_key(path).reveal() == SECRET
    path.chmod(0o400)
    assert read_key(path).reveal() == SECRET


def test_a_file_that_is_not_there_or_holds_no_key(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"(?s)cannot be read.*jquants\.key_file") as caught:
        read_key(tmp_path / SECRET)  # the key in place of a file
    assert SECRET not in str(caught.value)
    path = tmp_path / "key"
    path.write_bytes(b"\xff\xfe" + SECRET.encode())
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="not one") as caught:
        read_key(path)
    assert SECRET not in str(caught.value)


def test_the_order_of_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named, usual = tmp_path / "named", tmp_path / "usual"
    for path in (named, usual):
        path.write_text(path.name)
        path.chmod(0o600)
    said = ApiKey("said", "test")
    monkeypatch.setattr(keys, "KEY_FILE", usual)
    assert find_key(said, named).reveal() == "named"
    assert find_key(said, None).reveal() == "said"
    assert find_key(None, None).reveal() == "usual"
    usual.unlink()
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SettingsError, match="JQUANTS_API_KEY") as caught:
        find_key(None, None)
    assert "jpx-jquants.com" in str(caught.value)


def test_the_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    errors = types.ModuleType("keyring.errors")
    errors.KeyringError = type("KeyringError", (Exception,), {})  # type: ignore[attr-defined]
    errors.NoKeyringError = type("NoKeyringError", (errors.KeyringError,), {})  # type: ignore[attr-defined]
    ring = types.ModuleType("keyring")
    ring.errors = errors  # type: ignore[attr-defined]
    ring.get_password = lambda service, user: {("gogooku3", "jquants"): SECRET}.get((service, user))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", ring)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    monkeypatch.setattr(keys, "KEY_FILE", tmp_path / "none")
    assert find_key(None, None).reveal() == SECRET

    def locked(service: str, user: str) -> str:
        raise errors.KeyringError(SECRET)

    ring.get_password = locked  # type: ignore[attr-defined]
    with pytest.raises(SettingsError, match="keyring") as caught:
        find_key(None, None)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_real_keyring_has_what_is_used() -> None:
    keyring = pytest.importorskip("keyring", reason="the extra keyring is not installed")
    from keyring.errors import KeyringError, NoKeyringError

    assert callable(keyring.get_password)
    assert issubclass(NoKeyringError, KeyringError)
