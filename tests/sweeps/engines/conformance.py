"""What every engine has to do; a test class of an engine inherits this one and says how the engine is made."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from gogooku3.errors import ModelError
from gogooku3.sweeps.engines.protocol import Engine, Event, Failed, Finished, Job, Reported
from tests.sweeps.engines import work

PATIENCE = 120.0  # seconds that anything may take on a busy machine

MakeEngine = Callable[..., Engine]
"""Makes an engine of so many slots, by option with a limit of seconds to a trial; it is closed after the test."""

NESTED = {
    "text": '日経 \u2028 \ud800 \n\\ "',
    "numbers": [0, -1, 2**70, 0.1, 1e-300, -0.0, 5e-324],
    "truths": [True, False, None],
    "deep": {"": {"a": [[], {}, [{"b": None}]]}},
    "large": "x" * 300_000,
}


def events_of(job: Job) -> list[Event]:
    """All events of a trial, to its last."""
    events: list[Event] = []
    end = time.monotonic() + PATIENCE
    while not events or isinstance(events[-1], Reported):
        assert time.monotonic() < end, f"no end came after {events}"
        event = job.next(timeout=1.0)
        events += [] if event is None else [event]
    return events


def last_of(job: Job) -> Event:
    return events_of(job)[-1]


def first_report(job: Job) -> Reported:
    event = job.next(timeout=PATIENCE)
    assert isinstance(event, Reported), event
    return event


class EngineConformance:
    """Inherited by the tests of an engine, whose class says how the engine is made."""

    @pytest.fixture
    @abstractmethod
    def make(self) -> MakeEngine:
        """The way to make an engine."""

    def test_is_an_engine(self, make: MakeEngine) -> None:
        engine = make(3)
        assert isinstance(engine, Engine)
        assert engine.slots == 3

    def test_reports_come_in_order_and_the_outcome_last_and_again(self, make: MakeEngine) -> None:
        job = make(1).start(work.climb, {"epochs": 50})
        assert isinstance(job, Job)
        reports = [Reported(epoch=n, value=n / 8, facts={"left": 50 - n}) for n in range(1, 51)]
        last = Finished(outcome={"epochs": 50})
        assert events_of(job) == [*reports, last]
        assert [job.next(timeout=0.0), job.next(timeout=PATIENCE)] == [last, last]

    def test_a_report_can_be_used_while_the_trial_goes_on(self, make: MakeEngine) -> None:
        job = make(1).start(work.hang, {})
        assert first_report(job) == Reported(epoch=1, value=0.5)
        began = time.monotonic()
        assert job.next(timeout=0.0) is None
        assert job.next(timeout=0.2) is None
        assert 0.2 <= time.monotonic() - began < PATIENCE

    def test_data_arrives_as_it_was_sent(self, make: MakeEngine) -> None:
        job = make(1).start(work.echo, NESTED)
        assert events_of(job) == [Reported(epoch=1, value=0.0, facts=NESTED), Finished(outcome=NESTED)]

    def test_an_error_is_told_with_its_place(self, make: MakeEngine) -> None:
        *reports, last = events_of(make(1).start(work.fail, {}))
        assert reports == [Reported(epoch=1, value=0.5)]
        assert isinstance(last, Failed)
        assert (last.why, last.reason) == ("error", "PanelError: the panel has a hole")
        assert "in fail\n" in last.traceback
        assert "remedy: fill it" in last.traceback

    def test_a_death_ends_its_trial_alone(self, make: MakeEngine) -> None:
        engine = make(2)
        healthy = engine.start(work.hang, {})
        *reports, last = events_of(engine.start(work.die, {"code": 7}))
        assert reports == [Reported(epoch=1, value=0.5)]
        assert isinstance(last, Failed)
        assert last.why == "died"
        assert first_report(healthy) == Reported(epoch=1, value=0.5)
        assert healthy.next(timeout=0.0) is None
        assert last_of(engine.start(work.climb, {"epochs": 1})) == Finished(outcome={"epochs": 1})

    def test_a_hanging_trial_ends_when_its_time_is_over(self, make: MakeEngine) -> None:
        job = make(1, seconds=2.0).start(work.hang, {})
        last = last_of(job)
        assert isinstance(last, Failed)
        assert last.why == "time"
        assert "2 s" in last.reason

    def test_stopped_before_it_begins(self, make: MakeEngine) -> None:
        job = make(1).start(work.hang, {})
        job.stop()
        assert _is_stopped(last_of(job))

    def test_stopped_at_work(self, make: MakeEngine) -> None:
        engine = make(1)
        job = engine.start(work.hang, {})
        first_report(job)
        job.stop()
        job.stop()
        assert _is_stopped(last_of(job))
        assert _is_stopped(last_of(job))
        assert last_of(engine.start(work.climb, {"epochs": 1})) == Finished(outcome={"epochs": 1})

    def test_stopped_while_another_thread_waits_for_an_event(self, make: MakeEngine) -> None:
        job = make(1).start(work.hang, {})
        first_report(job)
        found: list[Event] = []
        waits = threading.Thread(target=lambda: found.append(last_of(job)))
        waits.start()
        job.stop()
        waits.join(PATIENCE)
        assert _is_stopped(found[0])

    def test_stopped_after_its_end(self, make: MakeEngine) -> None:
        job = make(1).start(work.climb, {"epochs": 1})
        last = last_of(job)
        job.stop()
        assert job.next(timeout=0.0) == last == Finished(outcome={"epochs": 1})

    def test_trials_are_at_work_side_by_side(self, make: MakeEngine, tmp_path: Path) -> None:
        engine = make(2, seconds=PATIENCE)
        names = (("left", "right"), ("right", "left"))
        jobs = [engine.start(work.meet, {"folder": str(tmp_path), "me": a, "other": b}) for a, b in names]
        found: dict[int, Event] = {}
        threads = [
            threading.Thread(target=lambda n=n, job=job: found.update({n: last_of(job)}))
            for n, job in enumerate(jobs)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert found == {0: Finished(outcome={"met": "right"}), 1: Finished(outcome={"met": "left"})}

    @pytest.mark.parametrize(
        "unfit", [work.give_a_set, work.give_a_nan, work.give_a_tuple, work.give_nothing, work.report_a_nan]
    )
    def test_an_outcome_that_is_no_plain_data_is_an_error(
        self, make: MakeEngine, unfit: Callable[..., object]
    ) -> None:
        (last,) = events_of(make(1).start(unfit, {}))
        assert isinstance(last, Failed)
        assert last.why == "error"
        assert last.reason.startswith("ModelError: what a trial re")

    @pytest.mark.parametrize("task", [{"a": {1, 2}}, {"a": (1, 2)}, {"a": float("inf")}, {1: 2}])
    def test_a_task_that_is_no_plain_data_is_refused(self, make: MakeEngine, task: dict[str, object]) -> None:
        with pytest.raises(ModelError, match="the task of a trial is no plain data"):
            make(1).start(work.echo, task)

    def test_work_that_another_process_cannot_find_is_refused(self, make: MakeEngine) -> None:
        def local(task: object, report: object) -> dict[str, object]:
            return {}

        engine = make(1)
        for unfit in (local, {}.get, partial(work.climb)):
            with pytest.raises(ModelError, match="no function of a module"):
                engine.start(unfit, {})

    def test_closed_with_trials_at_work(self, make: MakeEngine) -> None:
        engine = make(2)
        jobs = [engine.start(work.hang, {}) for _ in range(2)]
        first_report(jobs[0])
        engine.close()
        engine.close()
        assert all(_is_stopped(last_of(job)) for job in jobs)
        with pytest.raises(ModelError, match="closed"):
            engine.start(work.climb, {"epochs": 1})


def _is_stopped(event: Event) -> bool:
    return isinstance(event, Failed) and event.why == "stopped" and not event.traceback
