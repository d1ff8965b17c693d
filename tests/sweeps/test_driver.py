"""A search ends all its trials, however they end, and its files are whole at any moment."""

from __future__ import annotations

import json
import signal
import threading
from collections import Counter
from pathlib import Path

import pytest
from optuna.trial import TrialState

from gogooku3.errors import SettingsError
from gogooku3.sweeps.driver import Driver
from gogooku3.sweeps.engines.protocol import Facts, Report
from gogooku3.sweeps.study import OWNER
from tests.sweeps.stand_in import SETTINGS, Dies, driver, outcome, rate

NEVER_PRUNED = SETTINGS.model_copy(update={"pruner": "none"})


def states(made: Driver) -> Counter[str]:
    return Counter(trial.state.name for trial in made.studies[0].get_trials())


def trials(folder: Path) -> list[dict]:
    return json.loads((folder / "all_trials.json").read_text())


@pytest.mark.parametrize("slots", [1, 3])
def test_all_trials_end_and_the_best_is_the_best(tmp_path: Path, slots: int) -> None:
    made = driver(tmp_path, settings=NEVER_PRUNED, slots=slots)
    made.run()
    assert states(made) == {"COMPLETE": 6}
    rows = trials(tmp_path)
    assert [row["number"] for row in rows] == list(range(6))
    completed = [t for t in rows if t["value"] is not None]
    best = max(completed, key=lambda t: t["value"])
    assert best["value"] == best["params"]["optimizer.learning_rate"]
    assert json.loads((tmp_path / "best_params.json").read_text()) == best["params"]
    entries = made.ledger.read().trials
    assert {n: entry.value for n, entry in entries.items()} == {row["number"]: row["value"] for row in rows}
    assert all(
        made.ledger.series(entry.series).horizons == (5,) for entry in entries.values() if entry.series
    )


def test_files_are_whole_after_every_trial(tmp_path: Path) -> None:
    seen: list[int] = []

    def looking(task: Facts, report: Report) -> Facts:
        if task["number"]:
            rows = trials(tmp_path)
            seen.append(sum(row["value"] is not None for row in rows))
            assert json.loads((tmp_path / "best_params.json").read_text())
        return rate(task, report)

    made = driver(tmp_path, looking, settings=NEVER_PRUNED)
    made.run()
    assert states(made) == {"COMPLETE": 6}
    assert seen == [1, 2, 3, 4, 5]


def test_an_error_or_a_value_that_is_none_fails_that_trial_alone(tmp_path: Path) -> None:
    def sometimes(task: Facts, report: Report) -> Facts:
        if task["number"] == 1:
            raise ValueError("the loss is not finite")
        return outcome(float("nan")) if task["number"] == 2 else rate(task, report)

    made = driver(tmp_path, sometimes, settings=NEVER_PRUNED)
    made.run()
    assert states(made) == {"COMPLETE": 4, "FAIL": 2}
    rows = trials(tmp_path)
    assert [row["value"] is None for row in rows] == [False, True, True, False, False, False]
    assert rows[1]["reason"] == "the loss is not finite"
    assert rows[2]["reason"] == "the objective is nan, no finite number"
    entry = made.ledger.read().trials[1]
    assert (entry.state, entry.why, entry.traceback) == ("FAIL", "error", "Traceback ...")


def test_a_pruned_trial_has_no_value(tmp_path: Path) -> None:
    made = driver(tmp_path, settings=SETTINGS.model_copy(update={"trials": 12}))
    made.run()
    found = states(made)
    assert found["PRUNED"] + found["COMPLETE"] == 12
    assert found["PRUNED"] > 1
    for row in trials(tmp_path):
        assert (row["state"] == "PRUNED") == (row["value"] is None)
        if row["state"] == "PRUNED":
            assert row["reason"] == "below the median of the other trials after epoch 1"


def test_a_killed_trial_is_queued_again_at_most_so_often(tmp_path: Path) -> None:
    died: Counter[float] = Counter()

    def dying(task: Facts, report: Report) -> Facts:
        value = task["params"]["optimizer.learning_rate"]
        if task["number"] == 0 or value in died:
            died[value] += 1
            raise Dies
        return rate(task, report)

    made = driver(tmp_path, dying, settings=NEVER_PRUNED)
    made.run()
    assert states(made) == {"COMPLETE": 5, "FAIL": 3}
    assert list(died.values()) == [1 + NEVER_PRUNED.retries]
    again = [row for row in trials(tmp_path) if row["attempt"]]
    assert [row["attempt"] for row in again] == [1, 2]
    assert all(row["params"] == trials(tmp_path)[0]["params"] for row in again)
    attempts = [(entry.number, entry.attempt) for entry in made.ledger.read().entries if entry.why == "died"]
    assert attempts == [(0, 0), (6, 1), (7, 2)]


def test_ctrl_c_ends_it_and_resume_goes_on(tmp_path: Path) -> None:
    begun = threading.Event()

    def slow(task: Facts, report: Report) -> Facts:
        if task["number"] == 2:
            begun.set()
            task["stopped"].wait(30)
        return rate(task, report)

    made = driver(tmp_path, slow, settings=NEVER_PRUNED, slots=1)
    interrupter = threading.Thread(
        target=lambda: (begun.wait(30), signal.pthread_kill(threading.main_thread().ident, signal.SIGINT))
    )
    interrupter.start()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            made.run()
    finally:
        signal.signal(signal.SIGINT, before)
        interrupter.join()
    assert not made._errors
    assert states(made) == {"COMPLETE": 2, "FAIL": 1, "WAITING": 4}
    assert trials(tmp_path)[2]["reason"] == "the search was stopped"
    kept = trials(tmp_path)[:2]
    again = driver(tmp_path, settings=NEVER_PRUNED, join=True)
    again.run()
    assert states(again) == {"COMPLETE": 6, "FAIL": 1}
    assert trials(tmp_path)[:2] == kept
    redone = next(row for row in trials(tmp_path) if row["attempt"] == 1)
    assert redone["params"] == trials(tmp_path)[2]["params"]


def test_a_search_that_is_there_is_not_begun_again(tmp_path: Path) -> None:
    driver(tmp_path, settings=NEVER_PRUNED).run()
    with pytest.raises(SettingsError, match="there is a study of that name already"):
        driver(tmp_path, settings=NEVER_PRUNED)
    more = driver(tmp_path, settings=NEVER_PRUNED.model_copy(update={"trials": 8}), join=True)
    more.run()
    assert states(more) == {"COMPLETE": 8}


def test_two_searches_on_one_study_make_no_trial_too_many(tmp_path: Path) -> None:
    first = driver(tmp_path, settings=NEVER_PRUNED)
    second = driver(tmp_path, settings=NEVER_PRUNED, join=True)
    threads = [threading.Thread(target=one.run) for one in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert states(first) == {"COMPLETE": 6}
    assert len(first.ledger.read().entries) == 6


def test_trials_of_a_process_that_is_gone_are_settled(tmp_path: Path) -> None:
    """One whose result is in the ledger is taken from there; one whose is not is queued again."""
    made = driver(tmp_path, settings=NEVER_PRUNED)
    made.run()
    study, storage = made.studies[0], made.studies[0]._storage
    gone = {"host": __import__("socket").gethostname(), "pid": 2**22 - 1, "began": "1"}
    more = driver(tmp_path, settings=NEVER_PRUNED.model_copy(update={"trials": 8}), join=True)
    for number in (6, 7):
        trial_id = study.get_trials()[number]._trial_id
        storage.set_trial_state_values(trial_id, TrialState.RUNNING)
        storage.set_trial_user_attr(trial_id, OWNER, gone)
    entry = made.ledger.read().entries[0]
    made.ledger.append(entry.model_copy(update={"number": 6, "series": None, "value": 0.77}))
    more.run()
    rows = trials(tmp_path)
    assert (rows[6]["state"], rows[6]["value"]) == ("COMPLETE", 0.77)
    assert (rows[7]["state"], rows[7]["reason"]) == (
        "FAIL",
        "the search ended while the trial was at work",
    )
    assert (rows[8]["state"], rows[8]["attempt"]) == ("COMPLETE", 1)


def test_a_lost_database_is_built_anew_from_the_ledger(tmp_path: Path) -> None:
    driver(tmp_path, settings=NEVER_PRUNED).run()
    before = [(row["number"], row["value"], row["params"]) for row in trials(tmp_path)]
    (tmp_path / "study.db").unlink()
    again = driver(tmp_path, settings=NEVER_PRUNED.model_copy(update={"trials": 7}), join=True)
    again.run()
    after = [(row["number"], row["value"], row["params"]) for row in trials(tmp_path)]
    assert after[:6] == before
    assert states(again) == {"COMPLETE": 7}
