"""The audit tells another story of what is published too, and sees a feature that knows it too early."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from gogooku3.audit.base import Base
from gogooku3.audit.checks.rebuild import check_rebuild
from gogooku3.audit.checks.warm_up import check_warm_up
from gogooku3.audit.material import load_material, write_bars
from gogooku3.audit.plan import Moment
from gogooku3.audit.settings import AuditSettings
from gogooku3.audit.told import retold
from gogooku3.features import margin, short_selling, statements
from gogooku3.sources.files import FileSource
from gogooku3.sources.settings import SourceSettings
from tests.pipeline.test_published import run_of, whole  # noqa: F401 - a fixture

CHANGES = {
    "train.models": ["ridge"],
    "splits.test_years": 1,
    "splits.locked_years": 0,
    "splits.min_train_sessions": 40,
    "labels.horizons": [1],
}


@pytest.fixture(scope="module")
def told_base(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Base:  # noqa: F811
    folder = tmp_path_factory.mktemp("told")
    run = run_of(folder, whole, CHANGES)
    audit = AuditSettings(stocks=20)
    return Base(run, audit, load_material(run, audit), folder / "audit")


def test_the_rebuilt_panel_has_all_features(told_base: Base) -> None:
    assert {"fs_roe", "fs_book_yield", "mg_long_days", "ss_ratio_rise"} <= set(told_base.panel.feature_names)


@pytest.mark.parametrize("variant", ["delete", "perturb"])
def test_nothing_that_is_published_later_is_known(told_base: Base, variant: str) -> None:
    part = check_rebuild(told_base, Moment(session=330, reason="test", last=False), variant)
    assert part.verdict == "pass", part.violations
    assert part.facts["stages"]["features"]["values"] > 100_000


def session_for(base: Base, early: str) -> int:
    """Return a session on which such a rule shows: with a disclosure after the close, or a Tuesday."""
    sessions = base.panel.sessions
    if early != "fs_":
        return next(t for t in range(330, 340) if sessions[t].item().weekday() == 1)
    late = base.material.told["statements"].filter(pl.col("time") == "15:30:00")["date"].to_list()
    return next(t for t in range(330, 420) if sessions[t].item() in late)


@pytest.mark.parametrize(
    ("module", "rule", "early"),
    [
        (statements, "usable_sessions", "fs_"),
        (margin, "weekly_sessions", "mg_"),
        (short_selling, "usable_sessions", "ss_"),
    ],
)
def test_a_rule_that_is_a_session_early_is_found(
    told_base: Base, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module, rule: str, early: str
) -> None:
    """Half of the disclosures come after the close; balances and sales always do."""
    real = getattr(module, rule)

    def rushed(calendar, days, *rest, **named):
        from gogooku3.market.calendar import sessions_between

        found = real(calendar, days, *rest, **named)
        sessions = sessions_between(calendar, dt.date(2020, 1, 1), dt.date(2026, 12, 31))
        return sessions[np.maximum(np.searchsorted(sessions, found) - 1, 0)]

    monkeypatch.setattr(module, rule, rushed)
    hasty = Base(told_base.audited, told_base.audit, told_base.material, tmp_path / "audit")
    part = check_rebuild(
        hasty, Moment(session=session_for(told_base, early), reason="test", last=False), "perturb"
    )
    found = [one.name for one in part.violations if one.stage == "features"]
    assert any(early in name for name in found), found


def test_a_later_start_changes_nothing_beyond_the_lookback(told_base: Base) -> None:
    part = check_warm_up(told_base, 60)
    assert part.verdict == "pass", part.violations


def test_what_is_later_is_decided_by_days_and_times() -> None:
    day = dt.date(2024, 11, 5)
    table = pl.DataFrame(
        {
            "code": list("abcde"),
            "date": [day, day, day, day + dt.timedelta(days=1), day - dt.timedelta(days=1)],
            "time": ["15:29:00", "15:30:00", None, "09:00:00", "18:00:00"],
            "profit": [1.0] * 5,
        }
    )
    rng = np.random.default_rng(0)
    kept = retold({"statements": table}, day, 930.0, delete=True, rng=rng)["statements"]
    assert kept["code"].to_list() == ["a", "e"]
    other = retold({"statements": table}, day, 930.0, delete=False, rng=rng)["statements"]
    assert other.filter(pl.col("code").is_in(["a", "e"])).height >= 2


@pytest.mark.parametrize("known", [dt.date(2024, 11, 5), dt.date(2026, 9, 28), dt.date(2026, 10, 6)])
def test_balances_are_later_until_they_can_be_out(known: dt.date) -> None:
    """Weekly ones come on the fourth day at the soonest, daily ones (from 2026-09-25) on the next."""
    days = [known - dt.timedelta(days=k) for k in range(7)]
    balances = pl.DataFrame({"code": ["a"] * 7, "date": days, "long": [1.0] * 7})
    soonest = {day: 4 if day < dt.date(2026, 9, 25) else 1 for day in days}
    kept = retold({"margin": balances}, known, 930.0, delete=True, rng=np.random.default_rng(0))["margin"]
    assert kept["date"].to_list() == [day for day in days if (known - day).days > soonest[day]]


def test_bars_keep_their_daily_factors(told_base: Base, tmp_path: Path) -> None:
    """Written and read again they are what they were: factors of the day, whose product starts from 1."""
    bars = told_base.material.bars
    assert bars.chained
    assert bars.frame["adj_factor"].n_unique() > 1
    read = FileSource(SourceSettings(**write_bars(bars, tmp_path))).load()
    assert read.chained
    left, right = (frame.sort("code", "date") for frame in (bars.frame, read.frame))
    first = left.with_columns(pl.col("adj_factor").first().over("code", order_by="date").alias("first"))
    expected = left.with_columns(adj_factor=first["adj_factor"] / first["first"])
    assert_frame_equal(expected, right.select(expected.columns), rel_tol=1e-12, abs_tol=0)
