"""`gogooku3 fetch`, against a server on this computer; the key of its tests is looked for in all that comes out."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

stamina = pytest.importorskip("stamina", reason="the extra jquants is not installed")
pytest.importorskip("httpx2", reason="the extra jquants is not installed")

from gogooku3.cli import main  # noqa: E402 - after the check
from tests.sources.jquants.server import KEY, JQuantsServer  # noqa: E402

BARS = "/equities/bars/daily"
SPAN = ("--from", "2024-05-01", "--to", "2024-05-10", "--plan", "premium")


class Shell:
    """Runs the command line, and keeps all that it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        self._capsys, self._monkeypatch, self._url = capsys, monkeypatch, url
        self.said: list[str] = []

    def __call__(self, *arguments: str, url: str | None = None) -> tuple[int, str, str]:
        """Return exit code, standard output and standard error."""
        argv = ["gogooku3", "fetch", "jquants", "--base-url", url or self._url, *arguments]
        self._monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self._capsys.readouterr()
        self.said += [out, err]
        return int(ended.value.code or 0), out, err


@pytest.fixture
def server() -> Iterator[JQuantsServer]:
    with JQuantsServer() as found, stamina.set_testing(True, attempts=50, cap=True):
        yield found


@pytest.fixture
def shell(
    server: JQuantsServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Shell]:  # fmt: skip
    """The command line in an empty folder, with the key in the environment."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JQUANTS_API_KEY", KEY)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("os.fsync", lambda _: None)
    made = Shell(capsys, monkeypatch, server.url)
    yield made
    assert not any(KEY in text for text in made.said)
    assert KEY not in caplog.text
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name != "the.key":
            assert KEY.encode() not in path.read_bytes(), path


def test_from_an_empty_folder_and_again(shell: Shell, server: JQuantsServer) -> None:
    code, out, err = shell(*SPAN, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["folder"] == "data/jquants"
    assert found["days"]["bars_daily"] == {"fetched": 6, "last": "2024-05-10"}
    assert found["requests"] == server.count()
    assert "J-Quants bars_daily: 6/6 days" in err
    code, out, err = shell(*SPAN, "--quiet")
    assert (code, out) == (0, "")
    assert err.splitlines() == ["data/jquants: 2024-05-01 to 2024-05-10, 0 requests"]


def test_endpoints_folder_and_refetch(shell: Shell, server: JQuantsServer) -> None:
    options = [*SPAN, "--endpoint", "bars_daily", "--endpoint", "listed", "--folder", "elsewhere"]
    assert shell(*options, "--quiet")[0] == 0
    assert {one.path for one in server.asked} == {"/markets/calendar", BARS, "/equities/master"}
    index = Path("elsewhere/index/bars_daily-2024.json")
    old = json.loads(index.read_text())
    for entry in old:
        entry["checked_at"] = "2024-05-11T00:00:00+00:00"
    index.write_text(json.dumps(old))
    server.exchange.corrections["bars_daily", dt.date(2024, 5, 9), "13080", "C"] = 77.5
    code, _, err = shell(*options, "--refetch", "2")
    assert code == 0
    assert "bars_daily: corrected on 2024-05-09; see corrections.jsonl" in err
    assert server.days(BARS)[-2:] == ["2024-05-09", "2024-05-10"]
    assert "77.5" in Path("elsewhere/corrections.jsonl").read_text()


def test_waits_are_told(shell: Shell, server: JQuantsServer) -> None:
    server.fail(path=BARS, status=429, times=2)
    code, _, err = shell(*SPAN, "--endpoint", "bars_daily")
    assert code == 0
    assert "too many requests" in err
    assert "again in 120 s" in err
    assert "stamina" not in err


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        (403, "The incoming api key is invalid or expired.", "J-Quants does not accept the key"),
        (403, f"unknown key {KEY}", "unknown key ***"),
        (
            403,
            "This API is not available on your subscription",
            "your contract with J-Quants does not include",
        ),
        (400, "Your subscription covers the following dates: 2024-09-01 ~ .", "within 2024-09-01 ~"),
        (500, f"oops {KEY}", "J-Quants fails"),
    ],
)
def test_failures_end_in_one_sentence(
    shell: Shell, server: JQuantsServer, status: int, message: str, words: str
) -> None:
    server.fail(path=BARS, status=status, message=message, times=99)
    code, _, err = shell(*SPAN, "--quiet")
    assert code == 2
    assert words in err
    assert err.startswith("gogooku3: ")
    assert "Traceback" not in err


def test_a_fault_of_the_program(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(store: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("gogooku3.sources.jquants.fetch.write_derived", broken)
    code, _, err = shell(*SPAN, "--quiet")
    assert code == 1
    assert "a fault of the program" in err
    assert len(list(Path().glob("*.traceback.txt"))) == 1  # which is searched for the key, too


def test_an_interrupt_says_how_to_go_on(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, server: JQuantsServer
) -> None:
    from gogooku3.sources.jquants.store import Store

    write = Store.write

    def interrupted(self: Store, endpoint: object, day: dt.date, *rest: object) -> None:
        if day == dt.date(2024, 5, 8):
            raise KeyboardInterrupt
        write(self, endpoint, day, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Store, "write", interrupted)
        code, _, err = shell(*SPAN, "--quiet", "--endpoint", "bars_daily")
    assert code == 130
    assert "run the same command again to go on" in err
    assert shell(*SPAN, "--quiet", "--endpoint", "bars_daily")[0] == 0
    assert server.days(BARS).count("2024-05-07") == 1


def test_the_key_may_be_in_a_file(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, server: JQuantsServer
) -> None:
    monkeypatch.delenv("JQUANTS_API_KEY")
    path = Path("the.key")
    path.write_text(KEY)
    path.chmod(0o644)
    options = [*SPAN, "--quiet", "--endpoint", "listed", "--key-file", str(path)]
    code, _, err = shell(*options)
    assert code == 2
    assert "remedy: chmod 600 the.key" in err
    assert server.count() == 0
    path.chmod(0o600)
    assert shell(*options)[0] == 0


def test_the_key_in_place_of_its_file_is_not_shown(shell: Shell) -> None:
    code, _, err = shell(*SPAN, "--key-file", KEY)
    assert code == 2
    assert "not the key" in err


def test_a_plan_with_delay_says_so(shell: Shell, server: JQuantsServer) -> None:
    span = ("--from", "2024-05-07", "--to", "2024-05-08", "--endpoint", "bars_daily", "--quiet")
    code, _, err = shell(*span, "--plan", "free")  # five requests a minute: more days would wait
    assert code == 0
    assert "plan free: the newest data are 84 days old; give --plan" in err
    assert "days old" not in shell(*span, "--plan", "light")[2]


@pytest.mark.parametrize("setting", [f"jquants.key={KEY}", f"jquants.api_key={KEY}"])
def test_the_key_is_no_setting(shell: Shell, setting: str) -> None:
    code, _, err = shell(*SPAN, "--set", setting)
    assert code == 2
    assert "jquants." in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--from", "yesterday"], "--from"),
        (["--from", "2024-05-01", "--to", "2024-04-01", "--plan", "light"], "no day to fetch"),
        (["--from", "2024-05-01", "--plan", "gold"], "jquants.plan"),
        (["--from", "2024-05-01", "--endpoint", "weather"], "jquants.endpoints"),
        (["--plan", "light"], "the store is empty"),
    ],
)
def test_wrong_usage(shell: Shell, options: list[str], words: str) -> None:
    code, _, err = shell(*options, "--quiet")
    assert code == 2
    assert words in err


def test_the_key_is_not_sent_to_an_address_in_the_clear(shell: Shell) -> None:
    code, _, err = shell(*SPAN, url="http://example.com/v2")
    assert code == 2
    assert "https" in err


def test_yahoo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from tests.sources.test_yahoo import fake_yfinance

    fake_yfinance(monkeypatch)
    monkeypatch.chdir(tmp_path)
    options = [
        "--ticker",
        "7203.T",
        "--ticker",
        "NONE.T",
        "--from",
        "2024-05-01",
        "--to",
        "2024-05-07",
        "--json",
    ]
    monkeypatch.setattr(sys, "argv", ["gogooku3", "fetch", "yahoo", *options])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (None, 0)
    found = json.loads(capsys.readouterr().out)
    assert found == {"path": "data/yahoo.parquet", "rows": 3, "tickers": ["7203.T"], "missing": ["NONE.T"]}
    assert pl.read_parquet("data/yahoo.parquet").height == 3
