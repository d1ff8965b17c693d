"""From an empty folder to every morning's ranking, against a server that speaks the protocol of J-Quants."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import DataError, Gogooku3Error, StorageError
from gogooku3.pipeline.build import build, panel_of
from gogooku3.pipeline.bundle import bundle
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.morning import Morning, morning
from gogooku3.pipeline.run_folder import Run, open_run
from gogooku3.pipeline.train import train
from gogooku3.storage.hashing import digest_file
from tests.cli.test_faults import call
from tests.pipeline.reporting import Reporting
from tests.pipeline.test_append import assert_same

pytest.importorskip("httpx2", reason="the extra jquants is not installed")
stamina = pytest.importorskip("stamina", reason="the extra jquants is not installed")

from gogooku3.sources.jquants.fetch import fetch_jquants  # noqa: E402
from gogooku3.sources.jquants.fetched import Fetched  # noqa: E402
from gogooku3.sources.jquants.key import ApiKey  # noqa: E402
from gogooku3.sources.jquants.settings import JQuantsSettings  # noqa: E402
from tests.sources.jquants.clocks import evening  # noqa: E402
from tests.sources.jquants.server import KEY, JQuantsServer  # noqa: E402

FIRST, HELD = dt.date(2022, 10, 3), dt.date(2024, 5, 17)
LAST = dt.date(2024, 6, 28)
NEW = "14410"
"""A code that is listed on the third session after those that are fetched first."""
ENDPOINTS = ("listed", "bars_daily", "statements", "margin_interest", "short_ratio")
SETTINGS: dict[str, object] = {
    "train.models": ["ridge"],
    "universe.min_history": 30,
    "labels.horizons": [1],
    "market.ended_after": 5,
    "splits.test_years": 1,
    "splits.locked_years": 0,
    "splits.min_train_sessions": 20,
    "panel.segment_sessions": 100,
    "predict.refuse_drift": False,
}
ROOT = Path(__file__).resolve().parents[2]


def exchange(**changes: Any) -> Reporting:
    idle = {("13080", dt.date(2023, month, 15)) for month in (2, 3, 6)}
    listed = {NEW: dt.date(2024, 5, 22)}
    return Reporting(first=FIRST, last=LAST, stocks=24, published=HELD, idle=idle, listed=listed, **changes)


def settings_of(server: JQuantsServer, folder: Path) -> JQuantsSettings:
    return JQuantsSettings.model_validate(
        {
            "plan": "premium",
            "timeout": 5.0,
            "attempts": 4,
            "base_url": server.url,
            "folder": folder / "store",
            "endpoints": ENDPOINTS,
        }
    )


@dataclass(frozen=True)
class World:
    """A folder with a store and a run, and the server that it is fetched from."""

    folder: Path
    server: JQuantsServer

    @property
    def run(self) -> Run:
        store = self.folder / "store"
        flags = {
            "run.name": "jq",
            "run.folder": str(self.folder / "runs"),
            "source.bars": str(store / "bars_daily"),
            "source.listing": str(store / "listing.parquet"),
            "source.statements": str(store / "statements"),
            "source.margin": str(store / "margin_interest"),
            "source.short_selling": str(store / "short_ratio"),
        }
        ended = store / "delistings.parquet"
        flags |= {"source.delistings": str(ended)} if ended.exists() else {}
        return open_run(flags=flags | SETTINGS, remembered=False)

    def fetch(self, day: dt.date, first: dt.date | None = None) -> Fetched:
        return fetch_jquants(
            settings_of(self.server, self.folder),
            ApiKey(KEY, "the test"),
            first=first,
            last=None,
            clock=evening(day),
            rng=random.Random(0),
        )

    def morning(self, day: dt.date, fetch: bool = True) -> Morning:
        """Run the job on the evening of a day; the server's clock agrees."""
        self.server.now = evening(day).now()
        return self.job(day, fetch=fetch)

    def job(self, day: dt.date, *, fetch: bool = True) -> Morning:
        """Run it, whatever the server's clock says."""
        return morning(
            self.run,
            fetch=partial(self.fetch, day) if fetch else None,
            as_of=day,
            bundle=self.bundle,
        )

    @property
    def bundle(self) -> Path:
        (path,) = (self.folder / "runs/jq/bundles").glob("*.zip")
        return path

    def rankings(self) -> dict[str, str]:
        return {path.name: digest_file(path) for path in (self.folder / "runs/jq/rankings").glob("*")}

    def panel_is_as_built(self) -> None:
        """Build a run of its own from the store, and compare."""
        fresh = self.folder / "fresh"
        flags = {"run.folder": str(fresh), "run.name": "jq"}
        settings = self.run.resolved.settings
        source = {
            f"source.{k}": str(v) for k, v in settings.source.model_dump().items() if isinstance(v, Path)
        }
        other = open_run(flags=flags | source | SETTINGS, remembered=False)
        build(other)
        assert_same(panel_of(self.run), panel_of(other))


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder, a first fetch, a panel with all families, a trained model, its bundle."""
    folder = tmp_path_factory.mktemp("first")
    sync, os.fsync = os.fsync, lambda _: None
    try:
        with stamina.set_testing(True, attempts=50, cap=True), JQuantsServer(exchange()) as server:
            world = World(folder, server)
            world.fetch(HELD, first=FIRST)
            build(world.run)
            train(world.run)
            bundle(world.run)
    finally:
        os.fsync = sync
    return folder


@pytest.fixture
def world(first_day: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A copy of that, to go on from."""
    monkeypatch.setattr("os.fsync", lambda _: None)
    shutil.copytree(first_day, tmp_path / "own")
    # the copy's files lie elsewhere: the build is of other files by name
    record = tmp_path / "own/runs/jq/stages/build.json"
    record.write_text(record.read_text().replace(str(first_day), str(tmp_path / "own")))
    with stamina.set_testing(True, attempts=50, cap=True), JQuantsServer(exchange()) as server:
        yield World(tmp_path / "own", server)


def later(sessions: int) -> dt.date:
    """Return a session after those that were fetched first."""
    days = exchange().sessions
    return days[days.index(HELD) + sessions]


def test_the_features_of_all_families_are_there(world: World) -> None:
    names = panel_of(world.run).feature_names
    assert {"fs_roe", "fs_book_yield", "fs_revision", "mg_balance", "mg_long_days", "ss_ratio"} <= set(names)


def test_a_first_morning_ranks_what_is_there_and_a_second_one_changes_nothing(world: World) -> None:
    done = world.morning(HELD)
    assert done.appended is None
    assert done.ranking.session == HELD
    assert done.ranking.table.height == 23
    before, asked = world.rankings(), world.server.count()
    again = world.morning(HELD)
    assert again.fetched is not None
    # of days on which nobody of these few companies reports it is asked again: a report may be late
    assert {one.path for one in world.server.asked[asked:]} <= {"/fins/summary"}
    assert again.appended is None
    assert world.rankings() == before


def test_a_day_is_fetched_appended_and_ranked_as_a_build_would(world: World) -> None:
    day = later(3)
    world.server.exchange.published = day
    done = world.morning(day)
    assert done.appended is not None
    assert (done.appended.sessions, done.ranking.session) == (3, day)
    world.panel_is_as_built()
    assert world.morning(day).appended is None


def test_the_ranking_is_the_backtests_bit_for_bit(world: World) -> None:
    day = later(2)
    world.server.exchange.published = day
    table = world.morning(day).ranking.table.sort("code")
    run = world.run
    train(run)  # scores the new sessions with the same model
    backtest = pl.read_parquet(run.path("predictions.parquet")).filter(pl.col("date") == day).sort("code")
    assert table["code"].to_list() == backtest["code"].to_list()
    np.testing.assert_array_equal(table["score_h1_d1"].to_numpy(), backtest["ridge_h1_d1"].to_numpy())
    assert Judged(run).folds


def test_a_statement_of_last_night_is_known_and_none_of_the_future(world: World) -> None:
    """In May companies report; those that do after the close of the last session count from the next one on."""
    day = later(1)
    world.server.exchange.published = day
    world.morning(day)
    panel = panel_of(world.run)
    place = panel.feature_names.index("fs_age")
    (block,) = panel.blocks(len(panel.sessions) - 1, len(panel.sessions))
    age = dict(zip([panel.codes[n] for n in block.stock], block.features[0, :, place].tolist(), strict=True))
    told = world.server.exchange.statements(later(0)) + world.server.exchange.statements(day)
    for row in told:
        late = row["DiscDate"] == day.isoformat() and str(row["DiscTime"]) >= "15:00:00"
        assert (age[str(row["Code"])] > 30) == late


def test_a_split_that_is_announced_late_is_mended(world: World) -> None:
    made = world.server.exchange
    code, when = made.codes[3], later(2)
    made.splits = {(code, when): 0.5}
    made.announced, made.published = set(), later(3)
    world.morning(later(3))
    panel = panel_of(world.run)
    t = panel.codes.index(code)
    halved = panel.grid("link")[len(panel.sessions) - 2, t]
    assert halved < 0.6  # nobody said so: a fall by half
    made.announced, made.published = {(code, when)}, later(4)
    done = world.morning(later(4))
    assert done.fetched is not None
    assert [(one.key, one.field) for one in done.fetched.corrections] == [(code, "AdjFactor")]
    mended = panel_of(world.run)
    assert mended.grid("link")[len(panel.sessions) - 2, t] == pytest.approx(2 * halved)
    world.panel_is_as_built()


def test_a_corrected_bar_and_a_late_statement_are_mended(world: World) -> None:
    made = world.server.exchange
    made.published = later(3)
    world.morning(later(3))
    code = made.codes[5]
    made.corrections = {("bars_daily", later(1), code, "C"): 777.5, ("bars_daily", later(1), code, "H"): 3000.0,
                        ("bars_daily", later(1), code, "L"): 500.0}  # fmt: skip
    made.published = later(4)
    done = world.morning(later(4))
    assert done.appended is not None
    assert (done.appended.changes.corrected, done.appended.sessions) == (1, 1)
    world.panel_is_as_built()


def test_a_withdrawn_bar_leaves_the_panel(world: World) -> None:
    """One whose row is gone, one that says no more than that nothing traded, and one of a split."""
    made = world.server.exchange
    made.splits = {(made.codes[9], later(2)): 0.5}
    made.published = later(3)
    world.morning(later(3))
    made.withdrawn = {(made.codes[5], later(1)), (made.codes[9], later(2))}
    made.idle |= {(made.codes[6], later(3))}
    made.published = later(4)
    done = world.morning(later(4))
    assert done.appended is not None
    assert done.appended.changes.withdrawn == 3
    world.panel_is_as_built()


def test_a_new_listing_and_a_delisting(world: World) -> None:
    made = world.server.exchange
    gone = made.codes[7]
    made.ended = {gone: later(1)}
    made.published = later(9)
    assert NEW not in panel_of(world.run).codes
    done = world.morning(later(9))
    panel = panel_of(world.run)
    assert gone not in done.ranking.table["code"].to_list()
    assert NEW in panel.codes
    assert NEW not in done.ranking.table["code"].to_list()  # it has fewer bars than a universe asks for
    assert dict(panel.stocks.select("code", "name").iter_rows())[NEW] == f"Company {NEW}"
    assert pl.read_parquet(world.folder / "store/delistings.parquet")["code"].to_list() == [gone]
    made.published = later(10)  # from the next morning on the run reads who has ended
    world.morning(later(10))
    stocks = panel_of(world.run).stocks
    assert stocks.filter(pl.col("code") == gone)["terminal_return"].to_list() == [
        0.0
    ]  # by the rule, as none is known
    world.panel_is_as_built()


def test_storms_cut_pages_and_silence_are_waited_out(world: World) -> None:
    world.server.exchange.published = later(2)
    world.server.fail(path="/equities/bars/daily", status=429, times=2, headers={"Retry-After": "0"})
    world.server.fail(path="/fins/summary", status=503)
    world.server.fail(path="/markets/short-ratio", cut=True)
    done = world.morning(later(2))
    assert done.ranking.session == later(2)
    world.panel_is_as_built()


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 403, "message": "The incoming api key is invalid or expired.", "times": 9},
        {"status": 500, "times": 99},
        {"path": "/equities/bars/daily", "lie": lambda answer: answer.pop("data"), "times": 9},
        {
            "path": "/equities/bars/daily",
            "lie": lambda answer: answer.update(data=answer["data"][:9]),
            "times": 9,
        },
    ],
    ids=["expired key", "no server", "no data in the answer", "half a day"],
)
def test_a_bad_morning_leaves_the_last_ranking_as_it_is(world: World, fault: dict[str, Any]) -> None:
    world.morning(HELD)
    before, panel = world.rankings(), panel_of(world.run).content_hash
    world.server.exchange.published = later(1)
    world.server.fail(**fault)
    with pytest.raises(Gogooku3Error) as error:
        world.morning(later(1))
    assert KEY not in str(error.value)
    assert world.rankings() == before
    assert panel_of(world.run).content_hash == panel
    world.server.faults.clear()
    assert world.morning(later(1)).ranking.session == later(1)  # and the next try goes on


def test_a_session_that_is_not_there_is_refused(world: World) -> None:
    """Data ended on HELD; three sessions later that is stale."""
    before = world.rankings()
    with pytest.raises(DataError):
        world.morning(later(3))
    assert world.rankings() == before


def test_a_wrong_clock_is_refused(world: World) -> None:
    world.server.now = dt.datetime(2024, 5, 20, 10, tzinfo=dt.UTC)
    world.server.exchange.published = later(1)
    with pytest.raises(DataError, match="clock"):
        world.job(later(4))


def test_a_full_disk_leaves_panel_and_ranking(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.morning(HELD)
    before, panel = world.rankings(), panel_of(world.run).content_hash
    world.server.exchange.published = later(1)
    from gogooku3.pipeline import ranked

    def full(*given: object, **named: object) -> None:
        raise StorageError("a file cannot be written", got="No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ranked, "write_parquet", full)
        with pytest.raises(StorageError, match="No space left"):
            world.morning(later(1))
    assert world.rankings().items() >= before.items()
    assert not list(
        (world.folder / "runs/jq/rankings").glob(f"{later(1)}*.json")
    )  # which says that all are there
    assert panel_of(world.run).content_hash != panel  # the day itself is there
    assert world.morning(later(1)).ranking.session == later(1)


def test_a_bar_of_the_store_that_is_gone_is_refused(world: World) -> None:
    (world.folder / f"store/bars_daily/{HELD}.parquet").unlink()
    with pytest.raises(DataError, match="a day of the bars is gone"):
        world.morning(HELD, fetch=False)


def test_killed_anywhere_the_next_morning_goes_on(world: World) -> None:
    """The whole command, killed after several spans of time; what is there at the end is as if it had not been."""
    day = later(4)
    world.server.exchange.published = day
    world.server.now = evening(day).now()
    command = [sys.executable, "-c", _SCRIPT, str(world.folder), world.server.url, day.isoformat()]
    for seconds in (1.5, 2.5, 3.5):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["session"] == day.isoformat()
    assert KEY not in done.stdout + done.stderr
    world.panel_is_as_built()


def test_the_commands(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    day = later(1)
    world.server.exchange.published = day
    monkeypatch.setenv("JQUANTS_API_KEY", KEY)
    monkeypatch.chdir(world.folder)
    given = [
        "--plan",
        "premium",
        "--folder",
        "store",
        "--base-url",
        world.server.url,
        "--to",
        day.isoformat(),
    ]
    endpoints = [part for name in ENDPOINTS for part in ("--endpoint", name)]
    assert call("fetch", "jquants", *given, *endpoints, "--json") == 0
    fetched = json.loads(capsys.readouterr().out)
    assert fetched["days"]["bars_daily"] == {"fetched": 1, "last": day.isoformat()}
    world.run.save_settings()
    job = ["morning", "--name", "jq", "--bundle", str(world.bundle), "--no-fetch"]
    assert call(*job, "--as-of", day.isoformat(), "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["session"], said["appended"]["sessions"]) == (day.isoformat(), 1)
    assert call(*job, "--as-of", day.isoformat()) == 0
    assert "the panel was up to date" in capsys.readouterr().err
    assert call(*job, "--as-of", later(4).isoformat()) == 2  # stale
    assert KEY not in "".join(capsys.readouterr())


_SCRIPT = """
import datetime as dt, json, sys
from pathlib import Path
from tests.pipeline.test_morning import World

class Server:
    url = sys.argv[2]

done = World(Path(sys.argv[1]), Server()).job(dt.date.fromisoformat(sys.argv[3]))
print(json.dumps({"session": str(done.ranking.session)}))
"""
