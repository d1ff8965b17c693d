"""What a search that ended left behind is said, settled and queued again, whenever it was broken off."""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from optuna.trial import FrozenTrial, TrialState

from gogooku3.sweeps.driver import Driver, Stopped, TrialFailed
from gogooku3.sweeps.engines.protocol import Facts, Failed, Report
from gogooku3.sweeps.outcome import Attempt
from gogooku3.sweeps.study import LIVE, OWNER, attempt_of
from tests.sweeps.stand_in import SETTINGS, Dies, driver, outcome, rate

NEVER_PRUNED = SETTINGS.model_copy(update={"pruner": "none", "trials": 4})
GONE = {"host": socket.gethostname(), "pid": 2**22 - 1, "began": "1"}


def states(made: Driver) -> Counter[str]:
    return Counter(trial.state.name for trial in made.studies[0].get_trials())


def rows(folder: Path) -> list[dict]:
    return json.loads((folder / "all_trials.json").read_text())


def at_work(made: Driver, number: int, owner: dict | None = None, **live: float) -> FrozenTrial:
    """A trial that a process took, which may be gone."""
    study, storage = made.studies[0], made.studies[0]._storage
    trial_id = study.get_trials()[number]._trial_id
    storage.set_trial_state_values(trial_id, TrialState.RUNNING)
    storage.set_trial_user_attr(trial_id, OWNER, owner or GONE)
    if live:
        storage.set_trial_user_attr(trial_id, LIVE, live)
    return study.get_trials()[number]


def write_down(made: Driver, trial: FrozenTrial, why: str) -> None:
    Attempt(made.ledger, number=trial.number, attempt=attempt_of(trial), params=trial.params, seed=0).failed(
        Failed(why=why, reason=why)
    )  # type: ignore[arg-type]


@pytest.mark.parametrize("why", ["died", "stopped"])
@pytest.mark.parametrize("told", [False, True])
def test_a_trial_that_was_cut_short_and_not_yet_queued_is_queued_once(
    tmp_path: Path, why: str, told: bool
) -> None:
    """Its process and the search's died together: after the ledger's line, or after its state was told too."""
    made = driver(tmp_path, settings=NEVER_PRUNED)
    write_down(made, at_work(made, 1), why)
    if told:
        made.studies[0].tell(1, state=TrialState.FAIL)
    for _ in range(2):
        again = driver(tmp_path, settings=NEVER_PRUNED, join=True)
        again.revive()
    again.run()
    assert states(again) == {"COMPLETE": 4, "FAIL": 1}
    assert again.studies[0].get_trials()[4].system_attrs["retry_history"] == [1]
    assert rows(tmp_path)[1]["reason"] == why


def test_only_attempts_whose_process_was_killed_use_up_the_retries(tmp_path: Path) -> None:
    made = driver(tmp_path, settings=NEVER_PRUNED.model_copy(update={"trials": 1}))
    number = 0
    for why in ("stopped", "died", "stopped", "stopped", "died", "stopped", "died"):
        write_down(made, at_work(made, number), why)
        made.revive()
        number = len(made.studies[0].get_trials()) - 1
    assert states(made) == {"FAIL": 7}
    assert [attempt_of(trial) for trial in made.studies[0].get_trials()] == list(range(7))


def test_a_trial_that_is_silent_has_a_reason_and_a_line_in_the_ledger(tmp_path: Path) -> None:
    settings = NEVER_PRUNED.model_copy(update={"heartbeat": 1, "grace": 2})
    made = driver(tmp_path, settings=settings)
    trial = at_work(made, 0, {"host": "elsewhere", "pid": 1, "began": "1"}, seconds=7.5)
    made.studies[0]._storage.record_heartbeat(trial._trial_id)
    made.run()
    assert states(made) == {"COMPLETE": 4, "FAIL": 1}
    entry = made.ledger.read().trials[0]
    said = "its machine showed no sign of life for 2 seconds"
    assert (entry.why, entry.reason) == ("died", said)
    assert made.studies[0].get_trials()[0].user_attrs["reason"] == said
    assert trial.datetime_start is not None
    assert entry.started == trial.datetime_start.astimezone(UTC)
    assert entry.seconds == 7.5


def test_time_at_work_is_by_a_clock_that_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class SetBack(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # noqa: ARG003 - of the class
            return datetime(2020, 1, 1, tzinfo=UTC)

    def slow(task: Facts, report: Report) -> Facts:
        monkeypatch.setattr("gogooku3.sweeps.outcome.datetime", SetBack)
        time.sleep(0.3)
        return rate(task, report)

    made = driver(tmp_path, slow, settings=NEVER_PRUNED.model_copy(update={"trials": 1}))
    made.run()
    assert 0.3 <= made.ledger.read().trials[0].seconds < 30


def test_a_trial_that_another_machine_took_ends_and_the_search_goes_on(tmp_path: Path) -> None:
    """As if this machine had been paused for longer than the time of grace, at three moments."""

    def taken(task: Facts, report: Report) -> Facts:
        study = made.studies[0]
        if task["number"] < 3:
            trial_id = study.get_trials()[task["number"]]._trial_id
            study._storage.set_trial_state_values(trial_id, TrialState.FAIL)
        if task["number"] == 0:
            return rate(task, report)  # while it reports
        if task["number"] == 1:
            raise ValueError("an error of its own")
        return outcome(0.5)  # when it is done

    made = driver(tmp_path, taken, settings=NEVER_PRUNED)
    made.run()
    assert states(made) == {"COMPLETE": 1, "FAIL": 3}
    trials = made.ledger.read().trials
    assert [trials[number].state for number in range(4)] == ["FAIL"] * 3 + ["COMPLETE"]


def test_an_error_that_is_no_such_thing_is_not_passed_over(tmp_path: Path) -> None:
    made = driver(tmp_path, settings=NEVER_PRUNED)
    with pytest.raises(ValueError, match="of the program"):
        made._work_through(_Broken())  # type: ignore[arg-type]


class _Broken:
    def optimize(self, *_: object, **__: object) -> None:
        raise ValueError("a fault of the program")


def test_a_trial_that_is_taken_while_the_search_ends_has_a_reason(tmp_path: Path) -> None:
    made = driver(tmp_path, settings=NEVER_PRUNED)
    made._stopping.set()
    with pytest.raises(Stopped):
        made.studies[0].optimize(made._objective, catch=(TrialFailed,))
    assert made.ledger.read().trials[0].why == "stopped"
    again = driver(tmp_path, settings=NEVER_PRUNED, join=True)
    again.run()
    assert states(again) == {"COMPLETE": 4, "FAIL": 1}
    assert all(row["reason"] for row in rows(tmp_path) if row["value"] is None)


def test_points_that_ended_are_told_and_attempts_are_not(tmp_path: Path) -> None:
    told: list[int | None] = []

    def dying(task: Facts, report: Report) -> Facts:
        if task["number"] in (0, 1, 4):
            raise Dies
        return rate(task, report)

    driver(tmp_path, dying, settings=NEVER_PRUNED, note=lambda _, ended: told.append(ended)).run()
    assert told == [0, 0, 1, 2, 2, 3, 4]


def test_what_a_trial_left_on_the_disk_is_removed_however_it_ended(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"trials": 12})

    def leaving(task: Facts, report: Report) -> Facts:
        (tmp_path / "trials" / f"{task['number']}").mkdir(parents=True)
        if task["number"] == 1:
            raise ValueError("no")
        return rate(task, report)

    made = driver(tmp_path, leaving, settings=settings)
    made.course = made.course.__class__(
        **{**vars(made.course), "clean": lambda number: (tmp_path / "trials" / f"{number}").rmdir()}
    )
    made.run()
    assert states(made)["PRUNED"] > 1
    assert not list((tmp_path / "trials").iterdir())
