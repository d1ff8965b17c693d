"""A small market, a leak planted in the pipeline, and the audit let loose on it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np

from gogooku3.audit.causality import audit_causality
from gogooku3.audit.certificate import Certificate
from gogooku3.audit.settings import AuditSettings
from tests.audit.leaks import LEAKS
from tests.audit.markets import small_run

CLEAN = "none: the clean pipeline"


def hunt(
    name: str, *, seed: int, folder: Path, settings: AuditSettings | None = None
) -> tuple[Certificate, str]:
    """Audit the small market of a seed with a leak in the pipeline; return what was found and what was planted."""
    number = list(LEAKS).index(name) if name in LEAKS else len(LEAKS)
    rng = np.random.default_rng([seed, number])
    settings = settings or AuditSettings(sessions=3, warm_up=(20,), first_violation=True, seed=seed)
    with nullcontext("") if name == CLEAN else LEAKS[name](rng) as planted:
        return audit_causality(small_run(folder, seed), settings), planted
