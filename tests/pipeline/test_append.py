"""Appending sessions gives the panel that a build from all bars gives, bit for bit."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gogooku3.errors import DataError, SettingsError
from gogooku3.labels.target import Target
from gogooku3.panel.open import open_panel
from gogooku3.panel.panel import Panel
from gogooku3.pipeline.append import append
from gogooku3.pipeline.build import build
from gogooku3.pipeline.run_folder import Run, open_run
from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.sources.simulation.simulate import simulate

SETTINGS: dict[str, object] = {
    "universe.min_history": 40,
    "universe.size": 30,
    "labels.horizons": [1, 5],
    "market.ended_after": 8,
    "panel.segment_sessions": 60,
}
PRICES = ("open", "high", "low", "close")
HELD = 480
ADDED = 20


@dataclass(frozen=True)
class Story:
    """Bars of a market, the sessions, and what becomes of it in the last ``ADDED`` of them."""

    frame: pl.DataFrame
    days: list


@pytest.fixture(scope="module")
def story() -> Story:
    """A split, a listing, a delisting, a halt that ends, and a correction, all in the last sessions."""
    settings = SimulationSettings(stocks=40, sessions=HELD + ADDED, listed_later=0.2, seed=4)
    frame = simulate(settings, [(1, 1)]).bars.frame.select(
        "date", "code", "open", "high", "low", "close", "volume", "adj_factor"
    )
    frame = frame.with_columns(sector=(pl.col("code").str.slice(1, 1).cast(pl.Int64) % 3).cast(pl.String))
    days = frame.get_column("date").unique().sort().to_list()
    codes = frame.filter(pl.col("date") == days[-1]).get_column("code").sort().to_list()
    split, new, gone, halted, ended = codes[:5]
    code, date = pl.col("code"), pl.col("date")
    late = (code == split) & (date >= days[HELD + 7])
    frame = frame.with_columns(
        *(pl.when(late).then(pl.col(name) / 2).otherwise(name) for name in PRICES),
        pl.when(late).then(pl.col("volume") * 2).otherwise("volume"),
        pl.when(late).then(pl.col("adj_factor") * 2).otherwise("adj_factor"),
    )
    frame = frame.filter(
        ~((code == new) & (date < days[HELD + 4])),
        ~((code == gone) & (date > days[HELD + 5])),
        ~((code == halted) & date.is_between(days[HELD - 30], days[HELD + 9])),
        ~((code == ended) & (date > days[HELD - 3])),
    )
    return Story(frame, days)


def run_of(folder: Path, frame: pl.DataFrame, **changes: object) -> Run:
    folder.mkdir(exist_ok=True)
    path = folder / "bars.parquet"
    frame.write_parquet(path)
    flags = {"run.name": "r", "run.folder": str(folder), "source.bars": str(path), **SETTINGS, **changes}
    return open_run(flags=flags, remembered=False)


def built(folder: Path, frame: pl.DataFrame, **changes: object) -> Run:
    run = run_of(folder, frame, **changes)
    build(run)
    return run


@pytest.fixture
def held_run(story: Story, base: Path, tmp_path: Path) -> Run:
    """A run built to the session before the story's last ones, to be changed at will."""
    run = again(base, tmp_path.name)
    shutil.copytree(base / "r", run.folder)
    return run


@pytest.fixture(scope="module")
def base(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    built(folder, upto(story.frame, story.days[HELD - 1]))
    return folder


def again(folder: Path, name: str, **changes: object) -> Run:
    """Another run on the same file of bars."""
    flags = {"run.name": name, "run.folder": str(folder), "source.bars": str(folder / "bars.parquet")}
    return open_run(flags=flags | SETTINGS | changes, remembered=False)


def update(run: Run, frame: pl.DataFrame, name: str = "new.parquet", whole: Sequence = ()):
    path = run.folder.parent / f"{run.settings.run.name}-{name}"
    frame.write_parquet(path)
    return append(run, path, whole=whole)


def panel(run: Run) -> Panel:
    return open_panel(run.path("panel"))


def assert_same(left: Panel, right: Panel) -> None:
    """Compare piece by piece, so that a difference is named."""
    assert left.axes == right.axes
    np.testing.assert_array_equal(left.sessions, right.sessions)
    assert left.codes == right.codes
    assert left.stocks.equals(right.stocks)
    for part in ("known", "labels"):
        differing = [
            str(left.sessions[n])
            for n, pair in enumerate(zip(left.days(part), right.days(part), strict=True))
            if len(set(pair)) > 1
        ]
        assert not differing, f"{part} differs on {differing}"
    assert left.content_hash == right.content_hash
    left.verify()


def on(frame: pl.DataFrame, days: Sequence) -> pl.DataFrame:
    return frame.filter(pl.col("date").is_in(list(days)))


def upto(frame: pl.DataFrame, day) -> pl.DataFrame:
    return frame.filter(pl.col("date") <= day)


def test_days_one_by_one(story: Story, held_run: Run, tmp_path: Path) -> None:
    run = held_run
    before = {path.name for path in run.path("panel/segments").iterdir()}
    for day in story.days[HELD : HELD + 12]:
        done = update(run, on(story.frame, [day]))
        assert (done.sessions, done.computed) == (1, 1)
        assert done.relabelled > 0
    assert before <= {path.name for path in run.path("panel/segments").iterdir()}  # nothing is rewritten
    whole = built(tmp_path / "b", upto(story.frame, story.days[HELD + 11]))
    assert_same(panel(run), panel(whole))


def test_days_at_once(story: Story, held_run: Run, tmp_path: Path) -> None:
    run = held_run
    done = update(run, on(story.frame, story.days[HELD:]))
    assert (done.sessions, done.computed) == (ADDED, ADDED)
    whole = built(tmp_path / "b", story.frame)
    assert_same(panel(run), panel(whole))
    assert build(run).skipped  # what the append made is what this build would make
    run.path("stages/build.json").unlink()
    build(run)
    assert_same(panel(run), panel(whole))


def change(frame: pl.DataFrame, day, code: str, **values: float | None) -> pl.DataFrame:
    there = (pl.col("date") == day) & (pl.col("code") == code)
    return frame.with_columns(
        pl.when(there).then(pl.lit(value, dtype=pl.Float64)).otherwise(name).alias(name)
        for name, value in values.items()
    )


def whole_codes(frame: pl.DataFrame, days: Sequence) -> list[str]:
    """Codes with a bar on every day."""
    counts = on(frame, days).group_by("code").len().filter(pl.col("len") == len(days))
    return counts.get_column("code").sort().to_list()


@pytest.mark.parametrize("back", [1, 300])
def test_a_correction_rebuilds_what_it_touches_and_only_that(
    story: Story, held_run: Run, tmp_path: Path, back: int
) -> None:
    held = upto(story.frame, story.days[HELD - 1])
    run = held_run
    before = panel(run)
    day = story.days[HELD - back]
    code = whole_codes(held, story.days[HELD - 310 : HELD])[7]
    bar = held.filter((pl.col("date") == day) & (pl.col("code") == code))
    right = change(held, day, code, close=bar["high"][0], volume=bar["volume"][0] * 3)
    done = update(run, right.filter((pl.col("date") == day) & (pl.col("code") == code)))
    assert (done.changes.corrected, done.changes.new, done.sessions) == (1, 0, 0)
    after = panel(run)
    assert_same(after, panel(built(tmp_path / "b", right)))
    place = HELD - back
    assert after.days("known")[:place] == before.days("known")[:place]
    same = [a == b for a, b in zip(after.days("known"), before.days("known"), strict=True)]
    assert not any(same[place : place + 20])
    assert done.computed <= 330
    if back == 300:
        assert all(same[place + done.computed :])
        assert len(same[place + done.computed :]) > 5


def test_late_bars_and_a_correction_beside_new_days(story: Story, tmp_path: Path) -> None:
    held = upto(story.frame, story.days[HELD - 1])
    codes = whole_codes(held, story.days[HELD - 80 : HELD])
    missing = (pl.col("code") == codes[3]) & pl.col("date").is_between(
        story.days[HELD - 50], story.days[HELD - 45]
    )
    run = built(tmp_path / "a", held.filter(~missing))
    later = change(story.frame, story.days[HELD - 2], codes[5], volume=12345.0)
    sent = pl.concat([held.filter(missing), on(later, story.days[HELD - 4 : HELD + 3])])
    done = update(run, sent)
    assert (done.changes.late, done.changes.corrected, done.sessions) == (6, 1, 3)
    assert done.changes.same > 50
    assert_same(panel(run), panel(built(tmp_path / "b", upto(later, story.days[HELD + 2]))))


def withdrawn(story: Story, place: int, which: int) -> pl.Expr:
    """One bar of a stock that has one on every session around."""
    code = whole_codes(story.frame, story.days[HELD - 40 : HELD])[which]
    return (pl.col("code") == code) & (pl.col("date") == story.days[place])


@pytest.mark.parametrize("new", [0, 2], ids=["alone", "beside new days"])
def test_a_withdrawn_bar_is_removed(story: Story, held_run: Run, tmp_path: Path, new: int) -> None:
    """In the middle, and the last bar that a stock has; the file has every bar of its days."""
    gone = withdrawn(story, HELD - 3, 5) | withdrawn(story, HELD - 1, 8) | withdrawn(story, HELD - 2, 8)
    right = upto(story.frame, story.days[HELD - 1 + new]).filter(~gone)
    days = story.days[HELD - 3 : HELD + new]
    # without a word that the file is whole, a bar that it lacks is no statement
    if not new:
        with pytest.raises(DataError, match="nothing new"):
            update(held_run, on(right, days))
    done = update(held_run, on(right, story.days[HELD - 9 : HELD + new]), "whole.parquet", whole=days)
    assert (done.changes.withdrawn, done.changes.corrected, done.sessions) == (3, 0, new)
    whole = built(tmp_path / "b", right)
    assert_same(panel(held_run), panel(whole))
    held_run.path("stages/build.json").unlink()
    build(held_run)  # the journal says so, too
    assert_same(panel(held_run), panel(whole))


def test_a_withdrawn_bar_in_a_silence_makes_an_end(story: Story, tmp_path: Path) -> None:
    """Of a stock that traded once in its last sessions: without that bar it ended before."""
    code = on(story.frame, [story.days[HELD - 2]])["code"].sort()[-1]
    its, once = pl.col("code") == code, pl.col("date") == story.days[HELD - 6]
    frame = upto(story.frame, story.days[HELD - 1]).filter(
        ~(its & (pl.col("date") >= story.days[HELD - 12]) & ~once)
    )
    run = built(tmp_path / "a", frame)
    assert panel(run).stocks.filter(its)["terminal_return"].to_list() == [None]
    right = frame.filter(~(its & once))
    update(run, on(right, story.days[HELD - 15 : HELD]), whole=[story.days[HELD - 6]])
    assert panel(run).stocks.filter(its)["terminal_return"].to_list() == [0.0]
    assert_same(panel(run), panel(built(tmp_path / "b", right)))


def test_a_stock_or_a_day_without_any_bar_left_is_refused(story: Story, tmp_path: Path) -> None:
    code = on(story.frame, [story.days[HELD - 2]])["code"].sort()[-1]
    new = (pl.col("code") == code) & (pl.col("date") < story.days[HELD - 1])
    frame = upto(story.frame, story.days[HELD - 1]).filter(~new)
    run = built(tmp_path / "a", frame)
    sent = on(frame, story.days[HELD - 9 : HELD]).filter(pl.col("code") != code)
    with pytest.raises(DataError, match="every bar of a stock was withdrawn"):
        update(run, sent, whole=[story.days[HELD - 1]])
    with pytest.raises(DataError, match="every bar of a day was withdrawn"):
        update(run, upto(sent, story.days[HELD - 2]), whole=[story.days[HELD - 1]])


def test_bars_that_the_panel_has_change_nothing(story: Story, held_run: Run, tmp_path: Path) -> None:
    held = upto(story.frame, story.days[HELD - 1])
    run = held_run
    before = panel(run).content_hash
    with pytest.raises(DataError, match="nothing new"):
        update(run, on(held, story.days[HELD - 9 : HELD]))
    assert panel(run).content_hash == before
    assert build(run).skipped


def test_a_vendor_that_rescales_the_past(story: Story, held_run: Run, tmp_path: Path) -> None:
    """Back-adjusted prices after a 2:1 split: the overlap tells the scale, and not a bit of the past changes."""
    held = upto(story.frame, story.days[HELD - 1])
    code = whole_codes(held, story.days[HELD - 80 : HELD])[4]
    run = held_run
    past = panel(run).days("known")
    its = pl.col("code") == code
    sent = on(story.frame, story.days[HELD - 5 : HELD + 2]).with_columns(
        *(pl.when(its).then(pl.col(name) / 2).otherwise(name) for name in PRICES),
        pl.when(its).then(pl.col("volume") * 2).otherwise("volume"),
    )
    done = update(run, sent)
    assert done.changes.rescaled == (code,)
    assert (done.changes.corrected, done.sessions) == (0, 2)
    assert panel(run).days("known")[:HELD] == past
    assert_same(panel(run), panel(built(tmp_path / "b", upto(story.frame, story.days[HELD + 1]))))


def test_per_day_factors_go_on_from_the_panel(story: Story, tmp_path: Path) -> None:
    """J-Quants' AdjustmentFactor: 0.5 on the day of a 2:1 split, whatever file it comes in."""
    ratio = pl.col("adj_factor") / pl.col("adj_factor").shift(1).over("code", order_by="date")
    daily = story.frame.sort("date", "code").with_columns(AdjustmentFactor=(1 / ratio).fill_null(1.0))
    daily = daily.drop("adj_factor")
    assert (on(daily, story.days[HELD:])["AdjustmentFactor"] == 0.5).sum() >= 1
    run = built(tmp_path / "a", upto(daily, story.days[HELD - 1]))
    for step in range(HELD, HELD + 9, 3):
        update(run, on(daily, story.days[step : step + 3]))
    assert_same(panel(run), panel(built(tmp_path / "b", upto(daily, story.days[HELD + 8]))))


def test_a_delisting_that_becomes_known(story: Story, tmp_path: Path) -> None:
    held = upto(story.frame, story.days[HELD - 1])
    gone = story.frame.filter(pl.col("date") > story.days[HELD + 5]).get_column("code").unique()
    code = sorted(set(on(story.frame, [story.days[HELD + 5]])["code"]) - set(gone))[0]
    schema = {"code": pl.String, "last_session": pl.Date, "terminal_return": pl.Float64}
    ended = ("9999X", story.days[HELD - 50], 0.1)
    path = tmp_path / "delistings.csv"
    pl.DataFrame([ended], schema=schema, orient="row").write_csv(path)
    run = built(tmp_path / "a", held, **{"source.delistings": str(path)})
    update(run, on(story.frame, story.days[HELD : HELD + 8]))
    known = [ended, (code, story.days[HELD + 5], -0.4)]
    pl.DataFrame(known, schema=schema, orient="row").write_csv(path)
    update(run, on(story.frame, story.days[HELD + 8 : HELD + 9]))
    after = panel(run)
    assert after.stocks.filter(pl.col("code") == code)["terminal_return"].to_list() == [-0.4]
    whole = built(tmp_path / "b", upto(story.frame, story.days[HELD + 8]), **{"source.delistings": str(path)})
    assert_same(after, panel(whole))


@pytest.mark.parametrize("step", [1, 14])
def test_a_stock_that_ended_and_came_back(story: Story, tmp_path: Path, step: int) -> None:
    """Its end stays what it was known to be, whether its silence was appended session by session or at once."""
    code = on(story.frame, [story.days[HELD - 7]])["code"].sort()[-1]
    silent = (pl.col("code") == code) & pl.col("date").is_between(story.days[HELD - 6], story.days[HELD + 11])
    frame = story.frame.filter(~silent)
    rule = {"market.delisting_return": -0.3}
    run = built(tmp_path / "a", upto(frame, story.days[HELD - 1]), **rule)
    for first in range(HELD, HELD + 14, step):
        update(run, on(frame, story.days[first : first + step]))
    after = panel(run)
    assert_same(after, panel(built(tmp_path / "b", upto(frame, story.days[HELD + 13]), **rule)))
    column = after.codes.index(code)
    label = after.target(Target(1, 1))[HELD - 8, column]
    assert label == pytest.approx(-0.3), "the label of the last session but one ends in the silence"


@pytest.mark.parametrize("late", [HELD - 13, HELD - 6])
def test_a_late_bar_in_a_silence(story: Story, tmp_path: Path, late: int) -> None:
    """It undoes the end that the silence began with, or only ends the silence earlier."""
    code = on(story.frame, [story.days[HELD - 2]])["code"].sort()[-1]
    silent = (pl.col("code") == code) & pl.col("date").is_between(story.days[HELD - 15], story.days[HELD - 3])
    bar = story.frame.filter((pl.col("code") == code) & (pl.col("date") == story.days[late]))
    frame = story.frame.filter(~silent)
    run = built(tmp_path / "a", upto(frame, story.days[HELD - 1]))
    update(run, bar)
    whole = pl.concat([upto(frame, story.days[HELD - 1]), bar.select(frame.columns)]).sort("date", "code")
    assert_same(panel(run), panel(built(tmp_path / "b", whole)))


def test_an_append_that_was_cut_off_is_finished_by_the_next(
    story: Story, held_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = held_run

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("gogooku3.pipeline.mend.Mender.write", cut)
        with pytest.raises(KeyboardInterrupt):
            update(run, on(story.frame, story.days[HELD : HELD + 2]))
    assert len(panel(run).sessions) == HELD
    done = update(run, on(story.frame, story.days[HELD + 2 : HELD + 3]), "next.parquet")
    assert done.sessions == 3
    assert_same(panel(run), panel(built(tmp_path / "b", upto(story.frame, story.days[HELD + 2]))))


def test_an_append_that_was_cut_off_before_its_record(
    story: Story, held_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("gogooku3.pipeline.append.finish_build", cut)
        with pytest.raises(KeyboardInterrupt):
            update(held_run, on(story.frame, story.days[HELD : HELD + 1]))
    assert len(panel(held_run).sessions) == HELD + 1
    with pytest.raises(DataError, match="nothing new"):
        update(held_run, on(story.frame, story.days[HELD : HELD + 1]))
    assert build(held_run).skipped


def test_many_short_segments_are_joined(
    story: Story, held_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gogooku3.pipeline.mend._MOST_SMALL", 3)
    run = held_run
    lengths = []
    for day in story.days[HELD : HELD + 6]:
        update(run, on(story.frame, [day]))
        lengths.append([len(segment.sessions) for segment in panel(run).segments[8:]])
    assert lengths == [[1], [1, 1], [1, 1, 1], [4], [4, 1], [4, 1, 1]]
    assert_same(panel(run), panel(built(tmp_path / "b", upto(story.frame, story.days[HELD + 5]))))


def test_other_settings_are_refused_by_name(story: Story, base: Path, held_run: Run, tmp_path: Path) -> None:
    other = again(base, held_run.settings.run.name, **{"universe.size": 25})
    with pytest.raises(SettingsError, match=r"universe.size: 30 at the build, 25 now"):
        update(other, on(story.frame, story.days[HELD : HELD + 1]))
    unbuilt = again(base, f"{tmp_path.name}-unbuilt")
    with pytest.raises(SettingsError, match="no panel that was built"):
        update(unbuilt, on(story.frame, story.days[HELD : HELD + 1]))


def test_bars_that_do_not_go_on_are_refused(story: Story, tmp_path: Path) -> None:
    run = built(
        tmp_path / "a", story.frame.filter(pl.col("date").is_between(story.days[5], story.days[HELD]))
    )
    with pytest.raises(DataError, match="begin before the panel"):
        update(run, on(story.frame, story.days[2:7]))
    with pytest.raises(DataError, match="no adjustment factors"):
        update(run, on(story.frame, story.days[HELD + 1 : HELD + 2]).drop("adj_factor"))


def test_the_journal_belongs_to_its_bars(story: Story, tmp_path: Path) -> None:
    """Other bars under the same run do not get the first one's appended days."""
    run = built(tmp_path / "a", upto(story.frame, story.days[HELD - 1]))
    update(run, on(story.frame, story.days[HELD : HELD + 2]))
    other = run_of(tmp_path / "a", upto(story.frame, story.days[HELD - 10]))
    build(other)
    assert len(panel(other).sessions) == HELD - 9


@pytest.mark.slow
@pytest.mark.real_data
def test_twenty_days_of_tokyo(shared_data: Path, tmp_path: Path) -> None:
    """Built to T and appended day by day: a split, a correction, a listing and a delisting among the days."""
    frame = pl.read_parquet(shared_data / "jp_tse" / "prices_2013_2023.parquet").filter(
        pl.col("date") < pl.date(2020, 1, 1)
    )
    frame = frame.with_columns(pl.col(name).cast(pl.Float64) for name in (*PRICES, "adj_factor"))
    days = frame.get_column("date").unique().sort().to_list()
    held, last = len(days) - 20, len(days)
    codes = whole_codes(frame, days[held - 300 : last])
    split, gone, wrong = codes[100], codes[200], codes[300]
    code, date = pl.col("code"), pl.col("date")
    early = (code == split) & (date < days[held + 7])
    told = frame.filter(~((code == gone) & (date > days[held + 4]))).with_columns(
        *(pl.when(early).then(pl.col(name) * 2).otherwise(name).alias(name) for name in PRICES),
        pl.when(early).then(pl.col("adj_factor") / 2).otherwise("adj_factor").alias("adj_factor"),
    )
    listed = (
        told.group_by("code")
        .agg(pl.col("date").min())
        .filter(pl.col("date").is_between(days[held], days[last - 1]))
    )
    assert listed.height >= 1
    mistaken = change(told, days[held - 3], wrong, close=1.0e3, high=1.1e3, low=0.9e3, open=1.0e3)
    settings = {"universe.min_history": 250, "universe.size": 2000, "labels.horizons": [1, 5, 10, 20]}
    flags = {**settings, "market.ended_after": 10, "panel.segment_sessions": 250}
    run = built(tmp_path / "a", upto(mistaken, days[held - 1]), **flags)
    for place in range(held, last):
        sent = on(told, [days[place]])
        if place == held + 9:
            sent = pl.concat([sent, told.filter((date == days[held - 3]) & (code == wrong))])
        done = update(run, sent)
        assert done.sessions == 1
        assert done.changes.corrected == (place == held + 9)
        assert done.computed == (1 if place != held + 9 else 13)
    assert_same(panel(run), panel(built(tmp_path / "b", upto(told, days[last - 1]), **flags)))
