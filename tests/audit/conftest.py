from __future__ import annotations

from pathlib import Path

import pytest

from gogooku3.audit.base import Base
from gogooku3.audit.material import load_material
from gogooku3.audit.settings import AuditSettings
from tests.audit.markets import small_run


def fresh_base(
    folder: Path, settings: AuditSettings | None = None, changes: dict[str, object] | None = None
) -> Base:
    """The small market's base run, not built yet."""
    run, audit = small_run(folder, changes=changes), settings or AuditSettings()
    return Base(run, audit, load_material(run, audit), run.path("audit"))


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    """The small market, built and trained; read it, do not write to it."""
    base = fresh_base(tmp_path_factory.mktemp("base"))
    assert base.whole is base.run
    return base
