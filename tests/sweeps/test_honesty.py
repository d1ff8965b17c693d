"""What is said of the best trial of a ledger, and that what cannot be computed is said in words."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from gogooku3.errors import StorageError
from gogooku3.evaluation.many_tries.deflated_sharpe import deflated_sharpe
from gogooku3.evaluation.many_tries.overfitting import overfitting
from gogooku3.evaluation.plain import plain
from gogooku3.sweeps.honesty import Honesty, judge
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.noise_check import noise_check
from gogooku3.sweeps.noise_study import noise_study
from gogooku3.sweeps.trial_series import TrialSeries
from tests.sweeps.test_ledger import FAILED, PRUNED, made


def _complete(ledger: Ledger, number: int, series: TrialSeries | None, **changes) -> None:
    value = changes.get("value")
    if value is None:
        value = float(np.nanmean(series.mean_rank_ic))
    file = None if series is None else ledger.store(number, changes.get("attempt", 0), series)
    usual = {"value": value, "series": file, "params": {"rate": float(number)}}
    ledger.append(made(number, **usual | changes))


def _sweep(folder, study, **changes) -> Ledger:
    ledger = Ledger(folder)
    for number, series in enumerate(study):
        _complete(ledger, number, series, **changes)
    return ledger


def _matrix(study, name) -> np.ndarray:
    return np.stack([getattr(one, name) for one in study], axis=1)


def test_all_trials_count_and_figures_are_those_of_their_series(tmp_path):
    study = noise_study(1, trials=6)
    ledger = _sweep(tmp_path, study)
    ledger.append(made(6, **FAILED, params={"rate": 6.0}))
    ledger.append(made(7, **PRUNED, params={"rate": 7.0}))
    _complete(ledger, 8, None, value=-1.0)  # complete, but nothing is known of its days
    found = judge(ledger)
    rank_ic, net = _matrix(study, "mean_rank_ic"), _matrix(study, "mean_net")
    best = int(rank_ic.mean(axis=0).argmax())
    noise = noise_check(rank_ic, best, horizon=20, without_series=3)
    deflated = deflated_sharpe(net, best, without_series=3)
    assert (found.trials, found.without_series, found.best) == (9, 3, best)
    assert found.value == pytest.approx(rank_ic[:, best].mean())
    assert (found.noise_p_value, found.effective_trials) == (noise.p_value, noise.effective)
    assert (found.sharpe, found.sharpe_threshold) == (deflated.sharpe.ratio, deflated.threshold)
    assert found.deflated_sharpe == deflated.serial_probability
    assert found.overfitting == overfitting(rank_ic, blocks=12, measure="mean").probability
    assert found.believed is (noise.p_value <= 0.05)
    assert found.unknown == {}
    assert json.loads(json.dumps(plain(found), allow_nan=False))["believed"] is found.believed


def test_a_worthless_sweep_and_a_good_one_are_told_apart(tmp_path):
    worthless = judge(_sweep(tmp_path / "worthless", noise_study(2, trials=8)))
    good = judge(_sweep(tmp_path / "good", noise_study(2, trials=8, skill=np.full(8, 0.25))))
    assert worthless.believed is False
    assert worthless.noise_p_value > 0.1
    assert "cannot be told from the best of as many worthless ones" in worthless.sentence()
    assert good.believed is True
    assert good.deflated_sharpe > 0.9
    assert "can be told from the best of as many worthless ones" in good.sentence()


def test_points_tried_again_are_one_trial(tmp_path):
    study = noise_study(3, trials=3)
    ledger = Ledger(tmp_path)
    again = {"rate": 0.5}
    ledger.append(made(0, **FAILED | {"why": "died"}, params=again))
    ledger.append(made(1, 1, **FAILED | {"why": "stopped"}, params=again))
    _complete(ledger, 2, study[0], attempt=2, params=again)
    _complete(ledger, 3, study[1])
    _complete(ledger, 4, study[2])
    ledger.append(made(5, **FAILED | {"why": "died"}, params={"rate": 5.0}))  # for good
    found = judge(ledger)
    assert (found.trials, found.without_series) == (4, 1)
    assert found == judge(ledger)


def test_complete_twins_are_two_trials(tmp_path):
    study = noise_study(4, trials=2)
    found = judge(_sweep(tmp_path, [*study, study[0]], params={"rate": 1.0}))
    assert (found.trials, found.without_series) == (3, 0)


def test_best_is_the_first_of_equals(tmp_path):
    assert judge(_sweep(tmp_path, noise_study(5, trials=4), value=0.5)).best == 0


def test_nothing_complete(tmp_path):
    ledger = Ledger(tmp_path)
    found = judge(ledger)
    assert found == Honesty(
        trials=0, without_series=0, unknown={"best": "none of 0 trials is complete."}, believed=False
    )
    ledger.append(made(0, **FAILED))
    ledger.append(made(1, **PRUNED))
    assert judge(ledger).sentence() == "Nothing can be believed: none of 2 trials is complete."


def test_one_trial_with_a_series(tmp_path):
    ledger = _sweep(tmp_path, noise_study(6, trials=1))
    alone = judge(ledger)
    assert (alone.trials, alone.effective_trials) == (1, 1)
    assert alone.deflated_sharpe is not None  # nothing was chosen: its probability of being above 0
    assert alone.overfitting is None
    assert "too few trials to choose from" in alone.unknown["overfitting"]
    assert alone.sentence().startswith("The only trial cannot be told from a worthless one (p = .")
    ledger.append(made(1, **PRUNED))
    chosen = judge(ledger)
    assert chosen.deflated_sharpe is None
    assert "spread of the trials' Sharpe ratios is unknown" in chosen.unknown["deflated_sharpe"]
    assert chosen.noise_p_value == pytest.approx(1 - (1 - alone.noise_p_value) ** 2)


def test_too_few_days(tmp_path):
    found = judge(_sweep(tmp_path, noise_study(7, trials=3, days=100)))
    assert (found.noise_p_value, found.overfitting, found.effective_trials) == (None, None, None)
    assert found.deflated_sharpe is not None
    assert found.believed is False
    assert found.sentence() == (
        "Whether the best of 3 trials can be told from the best of as many worthless ones is unknown: trials have "
        "too few days in common (100 of 100 days, expected: at least 160 where labels span 20 sessions)."
    )
    assert found.unknown["overfitting"] == (
        "trials have too few days in common (100 days, expected: at least 4 blocks of 40)."
    )


def test_series_on_other_sessions_have_none_in_common(tmp_path):
    first, second = noise_study(8, trials=2, days=200)
    later = TrialSeries(
        sessions=second.sessions + 1000, horizons=second.horizons, rank_ic=second.rank_ic, net=second.net
    )
    found = judge(_sweep(tmp_path, [first, later]))
    assert set(found.unknown) == {"noise", "deflated_sharpe", "overfitting"}
    assert all("too few days in common" in reason for reason in found.unknown.values())


def test_series_that_are_damaged_or_constant_are_none(tmp_path):
    study = noise_study(9, trials=5)
    ledger = _sweep(tmp_path, study)
    constant = np.full((4, 490), -0.5)
    _complete(
        ledger,
        5,
        TrialSeries(sessions=study[0].sessions, horizons=(1, 5, 10, 20), rank_ic=constant, net=constant),
    )
    before = judge(ledger)
    assert (before.trials, before.without_series) == (6, 1)
    assert before.unknown == {"trial 5": "its daily RankIC does not vary (490 days with one)."}
    worst = min(range(5), key=lambda n: study[n].mean_rank_ic.mean())
    (tmp_path / f"series/{worst}-0.parquet").unlink()
    after = judge(ledger)
    assert (after.trials, after.without_series, after.best) == (6, 2, before.best)
    assert "a trial's series is absent" in after.unknown[f"trial {worst}"]
    path = tmp_path / f"series/{before.best}-0.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    lost = judge(ledger)
    assert (lost.best, lost.value, lost.believed) == (before.best, before.value, False)
    assert "a trial's series is damaged" in lost.unknown[f"trial {before.best}"]
    assert (
        lost.unknown["noise"]
        == f"trial {before.best}, the best, has no daily series that can be used, or none that varies."
    )


def test_no_net_returns(tmp_path):
    study = [
        TrialSeries(
            sessions=one.sessions,
            horizons=one.horizons,
            rank_ic=one.rank_ic,
            net=np.full_like(one.net, math.nan),
        )
        for one in noise_study(10, trials=3)
    ]
    found = judge(_sweep(tmp_path, study))
    assert (found.sharpe, found.sharpe_threshold, found.deflated_sharpe) == (None, None, None)
    assert "Sharpe ratio" in found.unknown["deflated_sharpe"]
    assert found.noise_p_value is not None
    assert found.overfitting is not None


def test_only_a_damaged_ledger_is_an_error(tmp_path):
    ledger = _sweep(tmp_path, noise_study(11, trials=2))
    ledger.path.write_bytes(ledger.path.read_bytes() + b"torn")
    assert judge(ledger).trials == 2
    ledger.path.write_bytes(b"torn\n" + ledger.path.read_bytes())
    with pytest.raises(StorageError, match="line 1"):
        judge(ledger)


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.31, "= .31"),
        (0.0951, "= .10"),
        (0.0494, "= .049"),
        (0.001, "= .001"),
        (0.0004, "< .001"),
        (1.0, "= 1.00"),
    ],
)
def test_sentence(p, text):
    found = Honesty(
        trials=20,
        without_series=4,
        effective_trials=6.9,
        best=12,
        value=0.04,
        noise_p_value=p,
        believed=p <= 0.05,
    )
    can = "can" if p <= 0.05 else "cannot"
    assert found.sentence() == (
        f"The best of 20 trials (about 7 independent ones) {can} be told from the best of as many worthless ones "
        f"(p {text})."
    )


def test_whatever_trials_leave_behind_is_judged(tmp_path):
    rng = np.random.default_rng(12)
    for k in range(40):
        days, horizons = int(rng.integers(1, 400)), (1, 5, 20)[: rng.integers(1, 4)]
        study = []
        for one in noise_study([12, k], trials=int(rng.integers(1, 6)), days=days, horizons=horizons):
            grids = []
            for grid in (one.rank_ic, one.net):
                kind = rng.integers(8)
                keep = rng.random(grid.shape) < rng.choice([0.02, 0.9, 1.0])
                grids.append(np.where(keep, 0.01 if kind == 0 else grid, np.nan) * (kind != 1))
            study.append(
                TrialSeries(sessions=one.sessions, horizons=horizons, rank_ic=grids[0], net=grids[1])
            )
        found = judge(_sweep(tmp_path / str(k), study, value=float(rng.normal())))
        named = {
            "noise": found.noise_p_value,
            "deflated_sharpe": found.deflated_sharpe,
            "overfitting": found.overfitting,
        }
        for name, value in named.items():
            assert (value is None) == (name in found.unknown)
            assert value is None or 0 <= value <= 1
        assert found.sentence()
