"""A small bundle, and its bytes changed in every way."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from gogooku3.bundle.about import About, Evaluated, Features, Measured, Session, Tested, Training
from gogooku3.bundle.archive import zip_chunks
from gogooku3.bundle.member import Member
from gogooku3.storage.atomic import json_text
from gogooku3.storage.hashing import digest_json


def about(**changes: object) -> About:
    """What the small bundle says, some fields changed."""
    measured = [Measured(model=model, target="h5_d1", rank_ic=0.04) for model in ("ridge", "lightgbm")]
    tested = Tested(
        model="ridge", target="h5_d1", rank_ic=0.03, first=date(2018, 1, 4), last=date(2022, 12, 30), low=0.02,
        high=0.04, days=1200,
    )  # fmt: skip
    training = Training(
        run="tiny", fold="2024", market="the simulated market", files={}, calendar="XTKS",
        trained=(date(2020, 1, 6), date(2022, 12, 30), 700), chosen=(date(2023, 1, 4), date(2023, 12, 29), 240),
        refit=True, scores_from=date(2024, 1, 4), seed=0, panel="ab" * 32,
        sessions=(Session(session=date(2020, 1, 6), known="cd" * 32, labels="ef" * 32),),
    )  # fmt: skip
    said: dict[str, object] = {
        "settings": {"universe": {"size": 2000}, "labels": {"horizons": [5]}},
        "features": Features(names=("return_1", "volume_5"), dtype="float32", code="12" * 32),
        "normaliser": {"ridge": {"kind": "per_day_rank"}, "lightgbm": {"kind": "per_day_rank"}},
        "graph": {"ridge": {"kind": "none"}, "lightgbm": {"kind": "none"}},
        "targets": ("h5_d1",),
        "training": training,
        "evaluation": Evaluated(validation=tuple(measured), test=(tested,)),
        "versions": {"ridge": {"python": "3.11.7"}, "lightgbm": {"python": "3.11.7"}},
    }
    return About(**said | changes)


def members() -> list[Member]:
    """The files of a ridge and of two seeds of LightGBM."""
    ridge = save({"weights": np.arange(6.0).reshape(2, 3), "penalty": np.ones(3)})
    boosters = json.dumps({"boosters": ["tree"], "rounds": [3], "validation": [0.04]}).encode()
    return [
        Member(model="ridge", name="ridge-2024.safetensors", data=ridge),
        Member(model="lightgbm", name="lightgbm-2024-seed0.json", data=boosters),
        Member(model="lightgbm", name="lightgbm-2024-seed1.json", data=boosters.replace(b"tree", b"trunk")),
    ]


def parts_of(path: Path) -> dict[str, bytes]:
    """The parts of a bundle's file, by the standard library."""
    import zipfile

    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def forged(parts: dict[str, bytes], /, **changes: object) -> bytes:
    """An archive of other parts whose hashes, sizes, seal and order all fit, so that only their content is wrong.

    Args:
        parts: As in a bundle.
        changes: Fields of the manifest.
    """
    import hashlib

    kept = {name: parts[name] for name in sorted(parts) if name != "manifest.json"}
    body = {k: v for k, v in json.loads(parts["manifest.json"]).items() if k != "seal"}
    body["parts"] = [
        {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in kept.items()
    ]
    body |= changes
    manifest = json_text(body | {"seal": digest_json(body)}).encode()
    return b"".join(zip_chunks({"manifest.json": manifest, **kept}))
