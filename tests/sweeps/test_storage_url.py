from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gogooku3.errors import SettingsError
from gogooku3.sweeps.database import open_storage
from gogooku3.sweeps.storage_url import refuse_bad_url
from tests.sweeps.stand_in import SETTINGS


@pytest.mark.parametrize(
    "url", ["postgres://u:canary@h/d", "output/study.db", "postgresql://u:canary@h:port/d", "http://h"]
)
def test_what_is_no_url_of_a_database_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="no URL of a database") as refused:
        open_storage(url, SETTINGS)
    assert url.rpartition("@")[2] in str(refused.value)
    assert "canary" not in str(refused.value)


def test_without_its_driver_it_is_refused_and_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingsError, match="driver of this database is not installed") as refused:
        open_storage("postgresql+psycopg://u:canary@h/d", SETTINGS)
    assert "gogooku3[postgres]" in str(refused.value)
    assert "canary" not in str(refused.value)


def test_a_plain_postgresql_url_is_psycopg_3() -> None:
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    refuse_bad_url("postgresql://u@h/d")


def test_a_path_of_sqlite_is_accepted(tmp_path: Path) -> None:
    refuse_bad_url(f"sqlite:///{tmp_path / 'study.db'}")
