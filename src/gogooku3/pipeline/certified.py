"""What a causality certificate speaks of, and whether a run's certificate still speaks of that run."""

from __future__ import annotations

import json
from typing import Any

from gogooku3.pipeline.lineage import code_digest
from gogooku3.pipeline.run_folder import Run
from gogooku3.storage.hashing import digest_json

CERTIFICATE = "causality.json"
_CODE = ("pipeline.build", "pipeline.train", "pipeline.predict")
_IRRELEVANT: dict[str, Any] = {"run": {"name", "folder", "open_locked"}, "evaluation": True, "report": True}


def certified_subject(run: Run) -> dict[str, str]:
    """Return digests of the code and of the settings that scores are made by."""
    settings = run.settings.model_dump(mode="json", exclude=_IRRELEVANT)
    return {"code": code_digest(_CODE), "settings": digest_json(settings)}


def read_certificate(run: Run) -> dict[str, Any] | None:
    """Return the run's certificate, None if there is none.

    ``stale`` is set where it was given for other code or settings than the run has now.
    """
    try:
        found: dict[str, Any] = json.loads(run.path(CERTIFICATE).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return {**found, "stale": found.get("subject") != certified_subject(run)}
