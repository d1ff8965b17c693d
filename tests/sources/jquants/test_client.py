"""Pages, limits, failures and lies of the server, one by one."""

from __future__ import annotations

import datetime as dt
import random
import socket
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from gogooku3.errors import DataError, Gogooku3Error, SettingsError
from gogooku3.sources.jquants.client import JQuantsClient
from gogooku3.sources.jquants.endpoints import ENDPOINTS
from gogooku3.sources.jquants.key import ApiKey
from gogooku3.sources.jquants.settings import JQuantsSettings
from tests.sources.jquants.clocks import evening
from tests.sources.jquants.exchange import Exchange
from tests.sources.jquants.server import KEY, JQuantsServer

BARS = ENDPOINTS["bars_daily"]
DAY = dt.date(2024, 5, 1)
QUERY = {"date": DAY.isoformat()}


class Notes:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def start(self, task: str, total: int, unit: str) -> None: ...

    def advance(self, units: int = 1) -> None: ...

    def note(self, text: str) -> None:
        self.said.append(text)


class Asked:
    """A client of a server, and what came of it."""

    def __init__(self, server: JQuantsServer, key: str = KEY, **settings: Any) -> None:
        chosen = {"plan": "premium", "timeout": 5.0, "attempts": 4, "base_url": server.url} | settings
        self.notes = Notes()
        self.clock = evening(DAY)
        self.client = JQuantsClient(
            JQuantsSettings.model_validate(chosen),
            ApiKey(key, "the test"),
            progress=self.notes,
            clock=self.clock,
            rng=random.Random(0),
        )

    def rows(self) -> list[Any]:
        with self.client:
            return self.client.rows(BARS, QUERY)

    def refused(self, kind: type[Gogooku3Error] = DataError) -> Gogooku3Error:
        """The error, which holds neither key nor request."""
        with pytest.raises(kind) as caught:
            self.rows()
        error = caught.value
        text = "".join(traceback.format_exception(error)) + repr(error) + " ".join(self.notes.said)
        assert KEY not in text
        assert error.__cause__ is None
        assert error.__context__ is None
        return error


def test_all_pages_in_order(server: JQuantsServer) -> None:
    server.page = 5
    asked = Asked(server)
    assert asked.rows() == server.exchange.bars(DAY)
    assert server.count() == asked.client.requests == 3
    assert all(one.query["date"] == DAY.isoformat() for one in server.asked)


def test_no_rows_and_status_210(server: JQuantsServer) -> None:
    server.exchange.published = DAY - dt.timedelta(days=1)
    assert Asked(server).rows() == []
    server.fail(status=210, body=b"")
    assert Asked(server).rows() == []


def test_the_key_goes_only_into_its_header(server: JQuantsServer, caplog: pytest.LogCaptureFixture) -> None:
    asked = Asked(server)
    assert asked.rows()
    assert not any(KEY in str(one) for one in server.asked)
    assert KEY not in caplog.text
    assert "request" in caplog.text  # the libraries did log
    assert KEY not in repr(vars(asked.client)) + repr(asked.client._http.headers)


@pytest.mark.parametrize(
    ("wrong", "sentence", "words"),
    [
        ({"key": "another"}, "does not accept the key", "the test"),
        ({"message": "The api key is required."}, "does not accept the key", "403"),
        ({"message": "Forbidden"}, "does not accept the key", "Forbidden"),
        ({"message": "No active subscription found."}, "no contract", "403"),
        ({"message": "The requested endpoint does not exist"}, "no such endpoint", "/v2"),
        ({"message": "This API is not available on your subscription"}, "does not include", "plan premium"),
        ({"status": 401, "message": ""}, "does not accept the key", "401"),
        ({"message": f"bad key {KEY}"}, "does not accept the key", "***"),
    ],
)
def test_401_and_403_end_at_once(
    server: JQuantsServer, wrong: dict[str, Any], sentence: str, words: str
) -> None:
    if "key" not in wrong:
        server.fail(times=9, **{"status": 403} | wrong)
    error = Asked(server, key=wrong.get("key", KEY)).refused(SettingsError)
    assert sentence in error.what
    assert words in str(error)
    assert BARS.path in str(error)
    assert server.count() == 1


def test_a_plan_that_is_too_small(server: JQuantsServer) -> None:
    server.plan = "light"
    asked = Asked(server)
    with asked.client, pytest.raises(SettingsError, match="does not include this endpoint") as caught:
        asked.client.rows(ENDPOINTS["short_ratio"], QUERY)
    assert "/markets/short-ratio" in str(caught.value)


def test_400_tells_the_range_of_the_contract(server: JQuantsServer) -> None:
    server.covers = (dt.date(2024, 6, 1), None)
    error = Asked(server).refused()
    assert error.what == "the contract does not cover that date"
    assert error.expected == "a date within 2024-06-01 ~"
    server.covers = (dt.date(2023, 6, 1), dt.date(2024, 1, 31))
    assert Asked(server).refused().expected == "a date within 2023-06-01 ~ 2024-01-31"
    server.covers = None
    server.fail(status=400, message="date is wrong")
    assert "400: date is wrong" in str(Asked(server).refused())
    assert server.count() == 3


def test_a_storm_of_429_is_sat_out_in_growing_waits(server: JQuantsServer) -> None:
    server.fail(status=429, times=5, message="Too many")
    asked = Asked(server, attempts=8)
    assert asked.rows()
    assert [note.rpartition("in ")[2] for note in asked.notes.said] == [
        "60 s",
        "120 s",
        "240 s",
        "300 s",
        "300 s",
    ]
    assert asked.client.requests == 6


def test_a_storm_that_does_not_end(server: JQuantsServer) -> None:
    server.fail(status=429, times=99)
    error = Asked(server).refused()
    assert "too many requests" in error.what
    assert server.count() == 4


def test_the_servers_own_hint_is_honoured(server: JQuantsServer) -> None:
    server.fail(status=429, headers={"Retry-After": "7"})
    server.fail(status=503, headers={"Retry-After": "Wed, 01 May 2024 10:00:30 GMT"})
    server.fail(status=503, headers={"Retry-After": "soon"})
    asked = Asked(server)
    assert asked.rows()
    jitter = 1 + random.Random(0).random()
    waits = [note.rpartition("in ")[2] for note in asked.notes.said]
    assert waits == ["7 s", "30 s", f"{2 * jitter:.0f} s"]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_failures_of_the_server_pass_or_end(server: JQuantsServer, status: int) -> None:
    server.fail(status=status, times=3, body=b"<html>oops</html>")
    assert Asked(server).rows()
    server.fail(status=status, times=4, message="oops")
    assert f"{status}: oops" in str(Asked(server).refused())
    assert server.count() == 8


@pytest.mark.parametrize(
    ("how", "got"),
    [
        ({"hang": 30.0}, "ReadTimeout"),
        ({"cut": True}, "RemoteProtocolError"),
        ({"drip": 0.05}, "longer than"),
        ({"body": b"{not JSON"}, "bytes"),
        ({"body": b"\xff\xfe\x00"}, "bytes"),
        ({"body": b'{"data": [{"O": NaN}]}'}, "bytes"),
        ({"body": b"[1]"}, "list"),
    ],
)
def test_no_whole_answer_is_asked_for_again(server: JQuantsServer, how: dict[str, Any], got: str) -> None:
    server.fail(**how)
    asked = Asked(server, timeout=0.2)
    asked.clock.monotonic = time.monotonic  # type: ignore[method-assign]
    assert asked.rows() == server.exchange.bars(DAY)
    server.fail(times=9, **how)
    asked = Asked(server, timeout=0.2, attempts=2)
    asked.clock.monotonic = time.monotonic  # type: ignore[method-assign]
    assert got in str(asked.refused())


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with JQuantsServer() as server:
        asked = Asked(server, base_url=f"http://127.0.0.1:{port}/v2", attempts=2)
    assert "ConnectError" in str(asked.refused())


def test_another_address_is_not_followed(server: JQuantsServer) -> None:
    server.fail(status=302, headers={"Location": "http://127.0.0.1:9/"})
    assert "302" in str(Asked(server).refused())
    assert server.count() == 1


def _same_key(answer: dict[str, Any]) -> object:
    return answer | {"pagination_key": "always"}


def _same_page(answer: dict[str, Any]) -> object:
    _same_page.number += 1  # type: ignore[attr-defined]
    return {"data": [{"a": 1}], "pagination_key": str(_same_page.number)}  # type: ignore[attr-defined]


_same_page.number = 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        (_same_page, "a page of an answer came twice"),
        (lambda _: {"data": [], "pagination_key": "always"}, "a pagination_key came twice"),
        (lambda answer: answer | {"pagination_key": 7}, "a pagination_key is no text"),
        (lambda answer: {"info": answer["data"]}, "lacks a key: data"),
        (lambda _: {"data": {"a": 1}}, "lacks a key: data"),
        (lambda _: {"data": [1, 2]}, "lacks a key: data"),
    ],
)
def test_lies_are_found_out(
    server: JQuantsServer, lie: Callable[[dict[str, Any]], object], words: str
) -> None:
    server.fail(lie=lie, times=99)
    error = Asked(server).refused()
    assert words in error.what
    assert f"{BARS.path} date=2024-05-01" in str(error)


def test_a_lie_on_the_second_page(server: JQuantsServer) -> None:
    server.page = 5
    server.fail(after=1, lie=_same_key, times=9)
    assert "came twice" in Asked(server).refused().what


def test_no_more_requests_than_the_plan_allows() -> None:
    with JQuantsServer(Exchange(stocks=4), a_minute=10**6) as server:
        asked = Asked(server, plan="free")
        with asked.client:
            for _ in range(12):
                asked.client.rows(BARS, QUERY)
        assert asked.clock.passed == pytest.approx(
            122
        )  # the 6th and the 11th wait until the window has passed
        asked = Asked(server, plan="premium")
        with asked.client:
            for _ in range(61):
                asked.client.rows(ENDPOINTS["statements"], QUERY)
        assert asked.clock.passed == pytest.approx(61)


def test_rejected_requests_count_for_the_limit(server: JQuantsServer) -> None:
    server.fail(status=429, times=4)
    asked = Asked(server, plan="free", attempts=8)
    with asked.client:
        asked.client.rows(BARS, QUERY)
        assert asked.clock.passed == 0
        asked.client.rows(BARS, QUERY)
        assert asked.clock.passed == pytest.approx(61)


def test_an_interrupt_ends_it(server: JQuantsServer) -> None:
    asked = Asked(server)

    def interrupt(text: str) -> None:
        raise KeyboardInterrupt

    server.fail(status=500)
    asked.notes.note = interrupt  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        asked.rows()


@pytest.mark.parametrize(
    "url",
    [
        "http://api.jquants.com/v2",
        "ftp://127.0.0.1",
        "https://user@api.jquants.com/v2",
        "https://",
        "https://api.jquants.com.evil.example/v2",
        "https://evil.example/v2",
        "https://a/?x=1",
        "http://127.0.0.1.evil.example/v2",
    ],
)
def test_the_key_is_not_sent_in_the_clear(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        JQuantsSettings(base_url=url)
