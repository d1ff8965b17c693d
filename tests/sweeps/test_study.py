"""A study that was lost is built anew from the ledger: the same trials, and what had not ended is queued."""

from __future__ import annotations

from pathlib import Path

import pytest
from optuna.trial import TrialState

from gogooku3.errors import SettingsError
from gogooku3.sweeps.database import database_url, open_storage
from gogooku3.sweeps.engines.protocol import Failed
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.ledger_chain import UNKNOWN, chains, last_attempts
from gogooku3.sweeps.outcome import Attempt
from gogooku3.sweeps.space import Choice
from gogooku3.sweeps.study import make_study, queue, rebuild
from tests.sweeps.stand_in import SETTINGS, SPACE, driver, outcome


def write(ledger: Ledger, number: int, attempt: int, rate: float, why: str | None) -> None:
    params = {"optimizer.learning_rate": rate, "atft.heads": 2}
    made = Attempt(ledger, number=number, attempt=attempt, params=params, seed=0)
    if why is None:
        made.complete(outcome(rate))
    else:
        made.failed(Failed(why=why, reason=why))  # type: ignore[arg-type]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Trials 1 and 2 were cut short; 2 was tried again as 5; 4, of which nothing is said, went on with 1."""
    ledger = Ledger(tmp_path)
    write(ledger, 0, 0, 0.1, None)
    write(ledger, 1, 0, 0.2, "died")
    write(ledger, 2, 0, 0.3, "stopped")
    write(ledger, 3, 0, 0.4, "error")
    write(ledger, 5, 1, 0.3, None)
    return ledger


def test_attempts_at_one_trial_are_found(ledger: Ledger) -> None:
    assert chains(ledger.read().trials) == {5: (2,)}
    assert sorted(last_attempts(ledger.read().trials)) == [0, 1, 3, 5]
    write(ledger, 6, 2, 0.3, None)  # of a trial that is complete nothing goes on
    assert chains(ledger.read().trials)[6] == (UNKNOWN, UNKNOWN)


def test_a_trial_whose_further_attempt_was_lost_is_queued_again(ledger: Ledger, tmp_path: Path) -> None:
    storage = open_storage(database_url(tmp_path, None), SETTINGS)
    made = make_study(
        storage,
        "anew",
        {},
        trials=4,
        join=True,
        check=lambda _: None,
        lost=lambda study: rebuild(study, ledger.read().trials, SPACE, retries=2),
    )
    trials = made.get_trials()
    assert [t.state.name for t in trials] == ["COMPLETE", "FAIL", "FAIL", "FAIL", "WAITING", "COMPLETE"]
    assert [t.system_attrs.get("retry_history") for t in trials[4:]] == [[1], [2]]
    assert trials[4].params == trials[1].params
    assert queue(made, 4) == 0


def test_what_was_cut_short_last_is_queued_again_when_the_search_goes_on(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"trials": 3, "pruner": "none"})
    ledger = Ledger(tmp_path)
    write(ledger, 0, 0, 0.1, None)
    write(ledger, 1, 0, 0.2, "died")
    write(ledger, 2, 0, 0.3, "stopped")
    made = driver(tmp_path, settings=settings)
    made.run()
    ended = made.studies[0].get_trials()
    complete = {t.params["optimizer.learning_rate"] for t in ended if t.state == TrialState.COMPLETE}
    assert complete == {0.1, 0.2, 0.3}
    assert len(ended) == 5


@pytest.mark.parametrize(
    "space",
    [
        {**SPACE, "atft.heads": Choice(values=(4, 8))},
        {"optimizer.learning_rate": SPACE["optimizer.learning_rate"]},
        {**SPACE, "atft.hidden": Choice(values=(8, 16))},
    ],
)
def test_a_ledger_of_another_space_is_refused(ledger: Ledger, tmp_path: Path, space: object) -> None:
    study = driver(tmp_path / "fresh").studies[0]
    before = len(study.get_trials())
    with pytest.raises(SettingsError, match="not of this space"):
        rebuild(study, ledger.read().trials, space, retries=2)  # type: ignore[arg-type]
    assert len(study.get_trials()) == before
