"""What every witness has to keep to, present ones and those that later stages add."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gogooku3.audit.base import Base
from gogooku3.audit.stages import witnesses
from gogooku3.audit.witness import Sighting, Witness
from gogooku3.audit.witnesses.models import contents

WITNESSES = witnesses()
NAMES = [witness.name for witness in WITNESSES]


def seen(witness: Witness, base: Base, until: int) -> list[Sighting]:
    return list(witness.observe(base.whole, until))


def test_names_do_not_repeat() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert {"universe", "features", "targets", "ranks", "models", "scores"} <= set(NAMES)


@pytest.mark.parametrize("witness", WITNESSES, ids=NAMES)
def test_conformance(witness: Witness, base: Base) -> None:
    assert isinstance(witness, Witness)
    folds, last = base.folds, len(base.panel.sessions) - 1
    until = int(folds[0].test[10])
    sightings = seen(witness, base, until)
    names = [s.name for s in sightings]
    assert names
    assert len(set(names)) == len(names)

    again = seen(witness, base, until)
    for a, b in zip(sightings, again, strict=True):
        assert (a.name, a.codes, a.columns, a.fold) == (b.name, b.codes, b.columns, b.fold)
        np.testing.assert_array_equal(a.values, b.values)

    for s in sightings:
        assert s.fold in {"", *(fold.name for fold in folds)}
        if s.sessions is not None:
            assert s.values.shape[0] == len(s.sessions)
            assert s.sessions.max() <= base.panel.sessions[until]
            assert (np.diff(s.sessions).astype(int) > 0).all()
        if s.codes is not None:
            assert s.values.shape[1] == len(s.codes)
            assert set(s.codes) <= set(base.panel.codes)
        if s.columns:
            assert s.values.shape[-1] == len(s.columns)
    assert any(s.values.size for s in sightings)

    later = {s.name: s for s in seen(witness, base, last)}
    if witness.name != "ranking":  # which shows one session alone
        for s in sightings:
            assert_begins_with(later[s.name], s)


def assert_begins_with(long: Sighting, short: Sighting) -> None:
    """What was known is still known: the same values for the same sessions and stocks."""
    if short.sessions is None:
        np.testing.assert_array_equal(long.values, short.values)
        return
    assert long.sessions is not None
    rows = np.searchsorted(long.sessions, short.sessions)
    np.testing.assert_array_equal(long.sessions[rows], short.sessions)
    values = long.values[rows]
    if short.codes is not None:
        assert long.codes is not None
        place = {code: n for n, code in enumerate(long.codes)}
        values = values[:, [place[code] for code in short.codes]]
    np.testing.assert_array_equal(values, short.values)


def test_labels_are_shown_when_they_are_known_and_not_before(base: Base) -> None:
    (witness,) = [w for w in WITNESSES if w.name == "targets"]
    until = 200
    shown: dict[str, np.datetime64] = {}
    for s in seen(witness, base, until):
        what, target = s.name.split(" from ")[0].rsplit(" ", 1)
        assert s.sessions is not None
        shown[f"{what} {target}"] = max(shown.get(f"{what} {target}", s.sessions[-1]), s.sessions[-1])
    for target in base.panel.targets:
        assert shown[f"targets with an exit price {target}"] == base.panel.sessions[until - target.reach]
        for what in ("targets", "target_ranks"):
            assert shown[f"{what} {target}"] == base.panel.sessions[until - target.reach - 5]


def test_models_are_shown_when_their_last_label_is_over(base: Base) -> None:
    (witness,) = [w for w in WITNESSES if w.name == "models"]
    (fold,) = base.folds
    over = int(fold.validation[-1]) + fold.reach
    assert not seen(witness, base, over - 1)
    names = " ".join(s.name for s in seen(witness, base, over))
    assert "weights" in names
    assert "booster 3" in names
    assert "blend-2024.json weight" in names


def test_the_models_that_a_blend_is_of_are_witnessed(tmp_path: Path) -> None:
    seen_of = []
    for of in (["lightgbm", "gru"], ["gru", "lightgbm"], ["lightgbm", "gru"]):
        path = tmp_path / "blend-2024.json"
        path.write_text(json.dumps({"of": of, "weight": [0.5, None]}))
        names, weights = contents(path, "2024")
        np.testing.assert_array_equal(weights.values, [0.5, np.nan])
        seen_of.append(names.values.tobytes())
    assert seen_of[0] == seen_of[2] != seen_of[1]
