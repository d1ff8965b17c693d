"""The one client of J-Quants: paged, limited, patient where waiting helps and short where it does not."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from gogooku3.errors import DataError, Gogooku3Error, SettingsError
from gogooku3.progress import Progress, Silent
from gogooku3.sources.jquants.clock import Clock, SystemClock
from gogooku3.sources.jquants.endpoints import Endpoint
from gogooku3.sources.jquants.key import ApiKey
from gogooku3.sources.jquants.limiter import Limiter
from gogooku3.sources.jquants.plan import REQUESTS_A_MINUTE
from gogooku3.sources.jquants.refused import message_of, refusal
from gogooku3.sources.jquants.retry import Again, Waits, behind, hinted
from gogooku3.sources.jquants.settings import JQuantsSettings

if TYPE_CHECKING:
    import httpx2

_AGENT = "gogooku3"
_EMPTY = 210
_TOO_MANY = 429
_WHOLE = 4  # times the timeout: the longest that one answer may take
_LARGEST = 1 << 28  # bytes of one answer
_PAGES = 1000

Row = Mapping[str, Any]


class JQuantsClient:
    """Asks J-Quants for rows; use it in a ``with`` statement.

    Args:
        settings: Plan, address and patience.
        key: Sent as ``x-api-key``, and shown nowhere.
        progress: Told about waits.
        clock: Tells the time to the limiter, which also waits by it.
        rng: Makes the jitter of waits after a failure of the server.

    Attributes:
        requests: Made so far, failed ones included.
        clock_off: How far this computer's clock is behind the server's, by its last answer; None if it did not say.

    Raises:
        SettingsError: The extra ``jquants`` is not installed.
    """

    def __init__(
        self,
        settings: JQuantsSettings,
        key: ApiKey,
        *,
        progress: Progress | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.settings = settings
        self.requests = 0
        self.clock_off: dt.timedelta | None = None
        self._key = key
        self._progress = progress or Silent()
        self._clock = clock or SystemClock()
        self._rng = rng or random.Random()
        self._limiter = Limiter(REQUESTS_A_MINUTE[settings.plan], self._clock)
        self._further: dict[str, Limiter] = {}
        self._http = _connect(settings, key)

    def __enter__(self) -> JQuantsClient:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        self._http.close()

    def rows(self, endpoint: Endpoint, query: Mapping[str, str]) -> list[Row]:
        """Return the rows of all pages of an answer.

        Raises:
            SettingsError: The key or the plan does not allow it (401, 403); nothing is tried again.
            DataError: The server refuses the query, keeps failing, or answers what cannot be: no JSON, no
                ``data``, a page twice.
        """
        where = _where(endpoint, query)
        found: list[Row] = []
        pages: set[str] = set()
        keys: set[str] = set()
        following = dict(query)
        while True:
            answer = self._answer(endpoint, following, where)
            rows = _rows_of(answer, where)
            _refuse_repeated(rows, pages, where)
            found += rows
            key = answer.get("pagination_key")
            if key in (None, ""):
                return found
            _refuse_key(key, keys, where)
            following = {**query, "pagination_key": key}

    def _answer(self, endpoint: Endpoint, query: Mapping[str, str], where: str) -> dict[str, Any]:
        """Ask until there is an answer, or no more attempt."""
        import stamina

        waits = Waits(self._rng)

        def after(error: Exception) -> float | bool:
            if not isinstance(error, Again):
                return False
            seconds = waits.after(error)
            self._progress.note(f"{error.error.what} ({error.error.got}): again in {seconds:.0f} s")
            return seconds

        failed: Gogooku3Error
        try:
            for attempt in stamina.retry_context(on=after, attempts=self.settings.attempts, timeout=None):
                with attempt:
                    return self._once(endpoint, query, where)
        except Again as again:
            failed = again.error
        raise failed  # outside of the block, so that it carries no request along

    def _once(self, endpoint: Endpoint, query: Mapping[str, str], where: str) -> dict[str, Any]:
        self._limiter.wait()
        if endpoint.a_minute is not None:
            further = self._further.setdefault(endpoint.name, Limiter(endpoint.a_minute, self._clock))
            further.wait()
        self.requests += 1
        status, hint, body = self._sent(endpoint.path, query, where)
        if status == _EMPTY:
            return {"data": []}
        if status == _TOO_MANY or status >= 500:
            raise self._passing(status, hint, body, where)
        if status != 200:
            message = message_of(body)
            raise refusal(status, message, where, self.settings.plan, self._key.said_by)
        return _parsed(body, where)

    def _passing(self, status: int, hint: float | None, body: bytes, where: str) -> Again:
        blocked = status == _TOO_MANY
        message = message_of(body)
        error = DataError(
            "J-Quants says that there are too many requests" if blocked else "J-Quants fails",
            where=where,
            got=f"{status}: {message}" if message else status,
            expected="an answer",
            remedy="check jquants.plan, and that no other program uses the key; run the command again to go on"
            if blocked
            else "run the command again later: what is stored is not asked again",
        )
        return Again(error, blocked=blocked, hint=hint)

    def _sent(self, path: str, query: Mapping[str, str], where: str) -> tuple[int, float | None, bytes]:
        """Send one request and return status, hint and body.

        What the HTTP library raises holds the request, and thereby the key: it is left behind here.
        """
        import httpx2

        failure = ""
        try:
            with self._http.stream("GET", self.settings.base_url + path, params=dict(query)) as response:
                body = self._body(response, where)
                now = self._clock.now()
                hint = hinted(response.headers.get("retry-after"), now)
                self.clock_off = behind(response.headers.get("date"), now)
                return response.status_code, hint, self._key.scrub(body)
        except httpx2.RequestError as error:
            failure = f"{type(error).__name__}: {error}"
        raise _unreached(failure, where)

    def _body(self, response: httpx2.Response, where: str) -> bytes:
        """Read a body that neither drips for ever nor has no end."""
        until = self._clock.monotonic() + _WHOLE * self.settings.timeout
        parts, size = [], 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if self._clock.monotonic() > until:
                raise _unreached(f"an answer takes longer than {_WHOLE * self.settings.timeout:.0f} s", where)
            if size > _LARGEST:
                raise DataError("an answer is too large", where=where, got=f"more than {_LARGEST} bytes")
        return b"".join(parts)


def _connect(settings: JQuantsSettings, key: ApiKey) -> httpx2.Client:
    try:
        import httpx2
        import stamina  # noqa: F401 - said here rather than in the middle
    except ImportError as error:
        raise SettingsError(
            "the client of J-Quants is not installed", got=error, remedy="pip install 'gogooku3[jquants]'"
        ) from error

    def sign(request: httpx2.Request) -> httpx2.Request:
        request.headers["x-api-key"] = key.reveal()
        return request

    return httpx2.Client(
        auth=sign,  # not a header of the client, which its text would show
        headers={"user-agent": _AGENT},
        timeout=settings.timeout,
        trust_env=not settings.is_local,  # proxies are for addresses outside
        follow_redirects=False,  # the key goes nowhere else
    )


def _parsed(body: bytes, where: str) -> dict[str, Any]:
    try:
        answer = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        error = DataError("J-Quants answers what is no JSON", where=where, got=f"{len(body)} bytes")
    else:
        if isinstance(answer, dict):
            return answer
        error = DataError("J-Quants answers no object", where=where, got=type(answer).__name__)
    raise Again(error)


def _no_number(text: str) -> float:
    raise ValueError(text)


def _rows_of(answer: Mapping[str, Any], where: str) -> list[Row]:
    rows = answer.get("data")
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        return rows
    got = "no such key" if "data" not in answer else "something else"
    raise DataError("an answer lacks a key: data", where=where, got=got, expected="a list of objects")


def _refuse_repeated(rows: list[Row], pages: set[str], where: str) -> None:
    if not rows:
        return
    digest = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
    if digest in pages:
        raise _paging("a page of an answer came twice", where, f"page {len(pages) + 1} equals an earlier one")
    pages.add(digest)


def _refuse_key(key: object, keys: set[str], where: str) -> None:
    if not isinstance(key, str):
        raise _paging("a pagination_key is no text", where, type(key).__name__)
    if key in keys:
        raise _paging("a pagination_key came twice", where, f"after {len(keys)} pages")
    keys.add(key)
    if len(keys) >= _PAGES:
        raise _paging("an answer has no last page", where, f"{_PAGES} pages")


def _paging(what: str, where: str, got: str) -> DataError:
    return DataError(
        what, where=where, got=got, expected="each page once", remedy="run the command again later"
    )


def _unreached(failure: str, where: str) -> Again:
    error = DataError(
        "J-Quants gives no whole answer",
        where=where,
        got=failure,
        remedy="check the network; run the command again to go on from the last stored day",
    )
    return Again(error)


def _where(endpoint: Endpoint, query: Mapping[str, str]) -> str:
    return " ".join([endpoint.path, *(f"{name}={value}" for name, value in query.items())])
