"""A server on this computer that speaks the protocol of J-Quants, and fails and lies on command."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gogooku3.sources.jquants.endpoints import ENDPOINTS
from gogooku3.sources.jquants.plan import PLANS, includes
from tests.sources.jquants.exchange import Exchange, Rows

KEY = "canary-4f1d9a7be2c84d53-never-shown"
BY_PATH = {endpoint.path: endpoint for endpoint in ENDPOINTS.values()}


@dataclass(kw_only=True)
class Fault:
    """What the server does instead of answering.

    Attributes:
        path: The endpoint's path that it happens on; any if None.
        day: The day asked for that it happens on; any if None.
        after: Requests that fit and are still answered first.
        times: How often.
        status: Answer with it.
        message: The body's message.
        headers: Further headers.
        hang: Seconds to say nothing.
        cut: Close the connection in the middle of the body.
        drip: Send a byte each so many seconds, for ever.
        body: Send this instead.
        lie: Changes the answer.
    """

    path: str | None = None
    day: dt.date | None = None
    after: int = 0
    times: int = 1
    status: int = 200
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    hang: float = 0.0
    cut: bool = False
    drip: float = 0.0
    body: bytes | None = None
    lie: Callable[[dict[str, Any]], object] | None = None

    def fits(self, path: str, query: dict[str, str]) -> bool:
        """Whether it happens now; counts."""
        if self.path not in (None, path) or (
            self.day is not None and query.get("date") != self.day.isoformat()
        ):
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return self.times >= 0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request that came.

    Attributes:
        path: Below /v2.
        query: Its parameters.
        status: What it was answered with; 0 for a fault without a status.
    """

    path: str
    query: dict[str, str]
    status: int


class JQuantsServer:
    """Serves an exchange on 127.0.0.1; use it in a ``with`` statement.

    Args:
        exchange: What it answers from.
        plan: Of the contract; other endpoints answer 403.
        page: Rows of a page.
        covers: The first and last day of the contract, None for all.
        a_minute: Requests that are allowed; beyond it 429.
        key: The key it accepts.
        now: The moment that it says it is, or what tells it; the real one if None.

    Attributes:
        follows: Whether ``now`` is set anew by every fetch of a test.
    """

    def __init__(
        self,
        exchange: Exchange | None = None,
        *,
        plan: str = "premium",
        page: int = 1000,
        covers: tuple[dt.date, dt.date | None] | None = None,
        a_minute: int | None = None,
        key: str = KEY,
        now: dt.datetime | Callable[[], dt.datetime] | None = None,
    ) -> None:
        assert plan in PLANS
        self.exchange = exchange or Exchange()
        self.plan, self.page, self.covers, self.a_minute, self.key = plan, page, covers, a_minute, key
        self.now, self.follows = now, False
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.answered = threading.Event()
        self._recent: deque[float] = deque()
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def __enter__(self) -> JQuantsServer:
        """Start it."""
        outer = self

        class Handler(_Handler):
            server_of = outer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, hanging answers too."""
        self._stop.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The base of every path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v2"

    def fail(self, **how: Any) -> None:
        """Let a fault happen; see `Fault`."""
        self.faults.append(Fault(**how))

    def count(self, path: str | None = None) -> int:
        """Return how many requests came, for a path or in all."""
        return sum(path in (None, one.path) for one in self.asked)

    def days(self, path: str) -> list[str]:
        """Return the days that a path was asked for, in order, further pages left out."""
        return [
            one.query["date"] for one in self.asked if one.path == path and "pagination_key" not in one.query
        ]

    def fault_of(self, path: str, query: dict[str, str]) -> Fault | None:
        """Return the fault that happens on a request, if any."""
        with self._lock:
            return next((fault for fault in self.faults if fault.fits(path, query)), None)

    def note(self, path: str, query: dict[str, str], status: int) -> None:
        """Remember a request."""
        with self._lock:
            self.asked.append(Asked(path=path, query=query, status=status))
        self.answered.set()

    def wait(self, seconds: float) -> None:
        """Do nothing until the time is over or the server ends."""
        self._stop.wait(seconds)

    def stopped(self) -> bool:
        """Whether it ends."""
        return self._stop.is_set()

    def reply(self, path: str, query: dict[str, str], key: str | None) -> tuple[int, dict[str, Any]]:
        """Return status and body of a request, as the real one does."""
        refused = self._refused(path, query, key)
        if refused is not None:
            status, message = refused
            return status, {"message": message}
        rows = self._rows(path, query)
        said = query.get("pagination_key", "").partition(":")[2]
        start = int(said) if said.isdigit() else 0
        answer: dict[str, Any] = {"data": rows[start : start + self.page]}
        if start + self.page < len(rows):
            answer["pagination_key"] = f"next:{start + self.page}"
        return 200, answer

    def _refused(self, path: str, query: dict[str, str], key: str | None) -> tuple[int, str] | None:
        now = time.monotonic()
        with self._lock:
            self._recent.append(now)
            while now - self._recent[0] > 60:
                self._recent.popleft()
            busy = self.a_minute is not None and len(self._recent) > self.a_minute
        if busy:
            return 429, "Too many requests"
        if key is None:
            return 403, "The api key is required."
        if key != self.key:
            return 403, "The incoming api key is invalid or expired."
        endpoint = BY_PATH.get(path)
        if endpoint is None:
            return 403, "The requested endpoint does not exist or the method is not supported."
        if not includes(self.plan, endpoint.least):  # type: ignore[arg-type]
            return 403, "This API is not available on your subscription. See https://jpx-jquants.com"
        if endpoint.days != "range" and "date" not in query:
            return 400, "This API requires at least 1 parameter as follows; date, code"
        return self._outside(query)

    def _outside(self, query: dict[str, str]) -> tuple[int, str] | None:
        if self.covers is None or "date" not in query:
            return None
        first, last = self.covers
        day = dt.date.fromisoformat(query["date"])
        if day >= first and (last is None or day <= last):
            return None
        more = ". If you want more data, please check other plans:https://jpx-jquants.com/#dataset"
        return 400, f"Your subscription covers the following dates: {first} ~ {last or ''}{more}"

    def _rows(self, path: str, query: dict[str, str]) -> Rows:
        exchange = self.exchange
        if BY_PATH[path].days == "range":
            first, last = (dt.date.fromisoformat(query[name]) for name in ("from", "to"))
            return (
                exchange.calendar(first, last) if path.endswith("calendar") else exchange.topix(first, last)
            )
        day = dt.date.fromisoformat(query["date"])
        return {
            "listed": exchange.master,
            "bars_daily": exchange.bars,
            "indices": exchange.indices,
            "statements": exchange.statements,
            "margin_interest": exchange.margin,
            "short_ratio": exchange.short,
        }[BY_PATH[path].name](day)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_of: JQuantsServer

    def do_GET(self) -> None:
        """Answer, or fail as told."""
        parts = urlsplit(self.path)
        path = parts.path.removeprefix("/v2")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        server = self.server_of
        fault = server.fault_of(path, query)
        if fault is None:
            status, answer = server.reply(path, query, self.headers.get("x-api-key"))
            server.note(path, query, status)
            self._send(status, json.dumps(answer).encode(), {})
            return
        server.note(path, query, fault.status if fault.status != 200 else 0)
        self._fail(fault, path, query)

    def _fail(self, fault: Fault, path: str, query: dict[str, str]) -> None:
        server = self.server_of
        if fault.hang:
            server.wait(fault.hang)
            self.close_connection = True
            return
        if fault.status != 200:
            body = fault.body if fault.body is not None else json.dumps({"message": fault.message}).encode()
            self._send(fault.status, body, fault.headers)
            return
        status, answer = server.reply(path, query, self.headers.get("x-api-key"))
        body = json.dumps(fault.lie(answer) if fault.lie else answer).encode()
        if fault.drip:
            self._drip(body, fault.drip)
        else:
            self._send(status, body if fault.body is None else fault.body, fault.headers, cut=fault.cut)

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, cut: bool = False) -> None:
        if "gzip" in self.headers.get("accept-encoding", ""):
            body = gzip.compress(body)
            headers = {**headers, "Content-Encoding": "gzip"}
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True

    def _drip(self, body: bytes, seconds: float) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            for letter in body:
                self.wfile.write(bytes([letter]))
                self.server_of.wait(seconds)
                if self.server_of.stopped():
                    return
        except OSError:
            self.close_connection = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The moment of the Date header."""
        said = self.server_of.now
        now = said() if callable(said) else said
        return super().date_time_string(timestamp if now is None else now.timestamp())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
