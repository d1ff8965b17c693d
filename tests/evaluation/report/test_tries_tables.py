"""Tables of many tries, from hand-made figures."""

from __future__ import annotations

import json
import math

from gogooku3.evaluation.many_tries.many_tries import ManyTries, OneTry, Superiority
from gogooku3.evaluation.many_tries.tries_to_dict import tries_to_dict
from gogooku3.evaluation.report.tries_tables import tries_tables
from gogooku3.labels.target import Target

LATE, EARLY = Target(5, 1), Target(5, 0)


def _try(model: str, target: Target, **figures: float) -> OneTry:
    usual = {
        "p_value": 0.01234,
        "independent": 0.02,
        "dependent": 0.0004,
        "sharpe_daily": 0.05,
        "probabilistic": 0.97,
        "deflated": 0.61,
        "track_record": 812.4,
    }
    return OneTry(model=model, target=target, days=1215, **{**usual, **figures})


def _tries() -> ManyTries:
    return ManyTries(
        tries=(
            _try("ridge", EARLY, track_record=math.inf, sharpe_daily=-0.01),
            _try("ridge", LATE),
            _try("trees", LATE, p_value=math.nan, deflated=math.nan, track_record=math.nan),
        ),
        trials=2,
        effective_trials=1.25,
        overfitting=0.125,
        superiority=(Superiority(target=LATE, benchmark="ridge", best="trees", p_value=0.0421, models=1),),
        unseen=("No price was known.",),
    )


def test_every_try_has_a_row_and_nothing_is_lost():
    each, together, superiority = tries_tables(_tries())
    assert [row[:3] for row in each.rows] == [["5", "0", "ridge"], ["5", "1", "ridge"], ["5", "1", "trees"]]
    assert each.rows[1][3:] == ["0.012", "0.020", "< 0.001", "0.050", "97.0 %", "61.0 %", "812", "1215"]
    assert each.rows[0][9] == "never"
    assert [each.rows[2][at] for at in (3, 8, 9)] == ["–"] * 3  # noqa: RUF001
    assert each.groups == {1}
    assert each.quiet == {0}
    assert [row[1] for row in together.rows] == ["2", "1.2", "12.5 %"]
    assert together.note.endswith("No price was known.")
    assert superiority.rows == [["5", "1", "ridge", "trees", "1", "0.042"]]
    for table in (each, together, superiority):
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_plain_data_is_json():
    found = json.loads(json.dumps(tries_to_dict(_tries()), allow_nan=False))
    assert found["tries"][0]["track_record"] is None
    assert found["tries"][1]["target"] == "h5_d1"
    assert found["tries"][2]["p_value"] is None
    assert (found["trials"], found["effective_trials"], found["overfitting"]) == (2, 1.25, 0.125)
    assert found["superiority"][0]["best"] == "trees"
    assert found["unseen"] == ["No price was known."]
