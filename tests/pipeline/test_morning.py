"""From an empty folder to every morning's ranking, against a server that speaks the protocol of J-Quants."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import DataError, Gogooku3Error, SettingsError, StorageError
from gogooku3.pipeline.build import build, panel_of
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.morning import Morning, morning
from gogooku3.pipeline.run_folder import Run, open_run
from gogooku3.pipeline.train import train
from gogooku3.storage.hashing import digest_file
from tests.cli.test_faults import as_flags, call
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
BARS = "/equities/bars/daily"
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
    "jquants.plan": "premium",
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
        return open_run(flags=self.flags, remembered=False)

    @property
    def flags(self) -> dict[str, object]:
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
        return {**flags, **SETTINGS}

    def fetch(self, day: dt.date, first: dt.date | None = None) -> Fetched:
        return fetch_jquants(
            settings_of(self.server, self.folder),
            ApiKey(KEY, "the test"),
            first=first,
            last=None,
            clock=evening(day),
            rng=random.Random(0),
        )

    @property
    def options(self) -> list[str]:
        """What the commands are told of the server."""
        plain = settings_of(self.server, self.folder).model_dump(mode="json", exclude_unset=True)
        return as_flags({f"jquants.{key}": value for key, value in plain.items()})

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


@contextmanager
def command_line(world: World, day: dt.date, hour: int = 19) -> Iterator[None]:
    """The world's folder, the key in the environment, and the evening of a day here and at the server."""
    clock = evening(day, hour)
    world.server.now = clock.now
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(world.folder)
        patch.setenv("JQUANTS_API_KEY", KEY)
        patch.setattr("gogooku3.sources.jquants.fetch.SystemClock", lambda: clock)
        yield


def search_for_key(folder: Path) -> int:
    """Look for the key in the name and the bytes of every file, packed ones too; return how many there are."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    for path in found:
        said = [path.read_bytes()]
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as packed:
                said += [packed.read(name) for name in packed.namelist()]
        if path.suffix == ".parquet":
            said.append(pl.read_parquet(path).write_json().encode())
        assert not any(KEY.encode() in one for one in said), path
        assert KEY not in str(path)
    return len(found)


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By commands: an empty folder, a first fetch, a panel with all families, a trained model, its bundle."""
    folder = tmp_path_factory.mktemp("first")
    sync, os.fsync = os.fsync, lambda _: None
    try:
        with stamina.set_testing(True, attempts=50, cap=True), JQuantsServer(exchange()) as server:
            world = World(folder, server)
            with command_line(world, HELD, hour=18):  # the plan's limits make it last ten minutes
                assert call("fetch", "jquants", "--from", str(FIRST), "--quiet", *world.options) == 0
                world.run.save_settings()
                for words in (["build", "--name"], ["train", "--name"], ["bundle"]):
                    assert call(*words, "jq", "--quiet") == 0
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
        made = World(tmp_path / "own", server)
        made.run.save_settings()  # which names its folder, too
        yield made


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
    ("fault", "words"),
    [
        (
            {"status": 403, "message": "The incoming api key is invalid or expired."},
            "does not accept the key",
        ),
        ({"status": 500}, "J-Quants fails"),
        ({"path": BARS, "lie": lambda answer: {"info": answer["data"]}}, "an answer lacks a key: data"),
        ({"path": BARS, "lie": lambda answer: {"data": answer["data"][:9]}}, "a day is not whole"),
    ],
    ids=["expired key", "no server", "no data in the answer", "half a day"],
)
def test_a_bad_morning_leaves_the_last_ranking_as_it_is(
    world: World, fault: dict[str, Any], words: str
) -> None:
    world.morning(HELD)
    before, panel = world.rankings(), panel_of(world.run).content_hash
    world.server.exchange.published = later(1)
    world.server.fail(**fault, times=99)
    with pytest.raises(Gogooku3Error, match=words) as error:
        world.morning(later(1))
    assert KEY not in str(error.value)
    assert world.rankings() == before
    assert panel_of(world.run).content_hash == panel
    world.server.faults.clear()
    assert world.morning(later(1)).ranking.session == later(1)  # and the next try goes on


def test_a_session_that_is_not_there_is_refused(world: World) -> None:
    """Data ended on HELD; three sessions later that is stale."""
    world.morning(HELD)
    before = world.rankings()
    assert before
    with pytest.raises(DataError, match="stale"):
        world.morning(later(3))
    assert world.rankings() == before


def test_a_wrong_clock_is_refused(world: World) -> None:
    world.server.now = dt.datetime(2024, 5, 20, 10, tzinfo=dt.UTC)
    world.server.exchange.published = later(1)
    before = store_of(world)
    with pytest.raises(DataError, match="clock"):
        world.job(later(4))
    assert store_of(world) == before


def store_of(world: World) -> dict[Path, str]:
    return {path: digest_file(path) for path in (world.folder / "store").rglob("*") if path.is_file()}


def test_a_plan_whose_data_are_old_is_refused_before_it_is_asked(world: World) -> None:
    run = open_run(flags=world.flags | {"jquants.plan": "free"}, remembered=False)
    with pytest.raises(SettingsError, match=r"plan free end 84 days ago") as error:
        morning(run, fetch=partial(world.fetch, HELD), as_of=HELD, bundle=world.bundle)
    assert "jquants.plan=standard" in str(error.value.remedy)
    assert world.server.count() == 0
    assert morning(run, fetch=None, as_of=HELD, bundle=world.bundle).ranking.session == HELD


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
    """Killed in the fetch, before the panel is changed, and before the ranking: all is as if it had not been."""
    day = later(4)
    world.server.exchange.published = day
    world.server.now = evening(day).now()
    command = [sys.executable, "-c", _SCRIPT, str(world.folder), world.server.url, day.isoformat()]
    run = world.folder / "runs/jq"
    reached: list[Callable[[], bool]] = [
        (world.folder / f"store/bars_daily/{later(2)}.parquet").exists,
        lambda: any(run.glob("appended/*/*.parquet")),
        (run / "days.json").exists,
    ]
    for number, is_reached in enumerate(reached):
        assert not is_reached(), number
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not is_reached():
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, number
        assert is_reached(), number
        assert not any(run.glob(f"rankings/{day}*.json")), number
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
    job = ["morning", "--name", "jq", "--bundle", str(world.bundle), "--no-fetch"]
    assert call(*job, "--as-of", day.isoformat(), "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["session"], said["appended"]["sessions"]) == (day.isoformat(), 1)
    assert call(*job, "--as-of", day.isoformat()) == 0
    assert "the panel was up to date" in capsys.readouterr().err
    assert call(*job, "--as-of", later(4).isoformat()) == 2  # stale
    assert KEY not in "".join(capsys.readouterr())


def test_from_the_server_to_the_orders_by_one_command(
    world: World, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """And the key is nowhere: not in what is said or logged, the store, or anything of the run."""
    day = later(1)
    world.server.exchange.published = day
    caplog.set_level(logging.DEBUG)
    code = world.server.exchange.codes[2]
    (world.folder / "held.csv").write_text(f"code,shares\n{code},300\ncash,5000000\n")
    job = ["morning", "--name", "jq", "--bundle", str(world.bundle), "--as-of", str(day), *world.options]
    job += ["--holdings", "held.csv", "--capital", "1e7"]
    with command_line(world, day):
        world.server.fail(status=403, message=f"unknown key {KEY}")
        assert call(*job) == 2
        asked = world.server.count()
        assert call(*job, "--json") == 0
    out, err = capfd.readouterr()
    said = json.loads(out)
    assert world.server.count() > asked
    assert (said["session"], said["appended"]["sessions"]) == (str(day), 1)
    assert said["fetched"]["days"]["bars_daily"] == {"fetched": 1, "last": str(day)}
    (orders,) = (world.folder / "runs/jq/rankings").glob(f"{day}*-trades.csv")
    assert code in pl.read_csv(orders, schema_overrides={"code": pl.String})["code"].to_list()
    assert KEY not in out + err + caplog.text
    assert search_for_key(world.folder) > 500
    world.panel_is_as_built()


_SCRIPT = """
import datetime as dt, json, sys
from pathlib import Path
from tests.pipeline.test_morning import World

class Server:
    url = sys.argv[2]

done = World(Path(sys.argv[1]), Server()).job(dt.date.fromisoformat(sys.argv[3]))
print(json.dumps({"session": str(done.ranking.session)}))
"""
