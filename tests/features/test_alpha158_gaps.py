"""Windows of alpha158 that lack sessions, against the plainest evaluation of what is there."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from gogooku3.features.alpha158 import alpha158
from gogooku3.features.compute import compute
from gogooku3.features.fields import Fields, base_fields
from gogooku3.features.helpers import enough
from tests.conftest import random_market


@pytest.fixture(scope="module")
def setting():
    rng = np.random.default_rng(31)
    market = random_market(rng, sessions=240, stocks=9)
    sparse = rng.random(240) < 0.4  # enough in some windows only
    for grid in (market.open, market.high, market.low, market.close, market.volume, market.factor):
        grid[60:75, 0] = np.nan  # a halt
        grid[sparse, 6] = np.nan
    features = alpha158()
    values = compute(features, base_fields(market, market.present), 0, 240)
    return market, {name: values[..., i] for i, name in enumerate(features.exported)}


def expected(market, t: int, n: int, d: int) -> dict[str, float]:
    """What the docstring of alpha158 promises for one stock, session and window."""
    unknown = np.flatnonzero(market.broken[: t + 1, n])
    reach = unknown[-1] if len(unknown) else 0  # prices before an unknown return are out of reach
    grids = {
        name: getattr(market, name)[: t + 1, n] * market.factor[: t + 1, n]
        for name in ("close", "high", "low")
    }
    close, high, low = (np.where(np.arange(t + 1) < reach, np.nan, grid) for grid in grids.values())
    volume = market.volume[: t + 1, n] / market.factor[: t + 1, n]
    rows = slice(t - d + 1, t + 1)
    return (
        _closes(close[rows], d)
        | _ranges(close[t], high[rows], low[rows], d)
        | _moves(close, t, d)
        | _volumes(volume[t - d : t + 1], d)
        | _with_volume(close, volume, market, (t, n, d))
    )


def _closes(price: np.ndarray, d: int) -> dict[str, float]:
    seen = price[~np.isnan(price)]
    if len(seen) < enough(d):
        return dict.fromkeys(("MA", "STD", "BETA", "RSQR", "RESI", "QTLU", "QTLD", "RANK"), np.nan)
    line = scipy.stats.linregress(np.flatnonzero(~np.isnan(price)), seen)
    last = price[-1]
    return {
        "MA": seen.mean() / last,
        "STD": seen.std(ddof=1) / last,
        "BETA": line.slope / last,
        "RSQR": line.rvalue**2,
        "RESI": (last - line.intercept - line.slope * (d - 1)) / last,
        "QTLU": np.quantile(seen, 0.8) / last,
        "QTLD": np.quantile(seen, 0.2) / last,
        "RANK": scipy.stats.rankdata(seen)[-1] / len(seen),
    }


def _ranges(last: float, high: np.ndarray, low: np.ndarray, d: int) -> dict[str, float]:
    if np.isfinite(high).sum() < enough(d):
        return dict.fromkeys(("MAX", "MIN", "RSV", "IMAX", "IMIN", "IMXD"), np.nan)
    top, bottom = np.nanmax(high), np.nanmin(low)
    since = np.nanargmax(high) + 1, np.nanargmin(low) + 1
    return {
        "MAX": top / last,
        "MIN": bottom / last,
        "RSV": (last - bottom) / (top - bottom),
        "IMAX": since[0] / d,
        "IMIN": since[1] / d,
        "IMXD": (since[0] - since[1]) / d,
    }


def _moves(close: np.ndarray, t: int, d: int) -> dict[str, float]:
    bars = np.flatnonzero(~np.isnan(close))
    before, inside = bars[bars <= t - d], bars[bars > t - d]
    path = close[np.concatenate([before[-1:], inside])]
    change = np.diff(path)
    names = ("ROC", "CNTP", "CNTN", "CNTD", "SUMP", "SUMN", "SUMD")
    if len(change) < enough(d):
        return dict.fromkeys(names, np.nan)
    up, down = (change > 0).mean(), (change < 0).mean()
    gain, loss = np.maximum(change, 0).sum(), np.maximum(-change, 0).sum()
    moved = gain + loss
    first = path[0] / path[-1] if len(before) else np.nan
    made = (first, up, down, up - down, gain / moved, loss / moved, (gain - loss) / moved)
    return dict(zip(names, made, strict=True))


def _volumes(volume: np.ndarray, d: int) -> dict[str, float]:
    seen, change = volume[1:][~np.isnan(volume[1:])], np.diff(volume[~np.isnan(volume)])
    made = dict.fromkeys(("VMA", "VSTD", "VSUMP", "VSUMN", "VSUMD"), np.nan)
    if len(seen) >= enough(d) and volume[-1] > 0:
        made |= {"VMA": seen.mean() / volume[-1], "VSTD": seen.std(ddof=1) / volume[-1]}
    if len(change) >= enough(d):
        rise, fall = np.maximum(change, 0).sum(), np.maximum(-change, 0).sum()
        made |= {"VSUMP": rise, "VSUMN": fall, "VSUMD": rise - fall}
        made |= {name: made[name] / (rise + fall) for name in ("VSUMP", "VSUMN", "VSUMD")}
    return made


def _with_volume(close, volume, market, where: tuple[int, int, int]) -> dict[str, float]:
    t, n, d = where
    rows = slice(t - d + 1, t + 1)
    link = market.link[: t + 1, n]
    before = np.concatenate([[np.nan], volume[:-1]])
    growth = np.log(volume / np.where(before > 0, before, np.nan) + 1)
    logs = np.log(np.where(volume > 0, volume, np.nan))
    moved = (np.abs(link - 1) * volume)[rows]
    moved = moved[~np.isnan(moved)]
    wvma = moved.std(ddof=1) / moved.mean() if len(moved) >= enough(d) else np.nan
    return {
        "CORR": _pearson(close[rows], logs[rows], d),
        "CORD": _pearson(link[rows], growth[rows], d),
        "WVMA": wvma,
    }


def _pearson(x: np.ndarray, y: np.ndarray, d: int) -> float:
    both = ~np.isnan(x + y)
    return scipy.stats.pearsonr(x[both], y[both]).statistic if both.sum() >= enough(d) else np.nan


@pytest.mark.parametrize("d", [5, 10, 20, 30, 60])
def test_windows_with_gaps_take_what_is_there(setting, d):
    market, values = setting
    checked = missing = 0
    for t in range(d, 240, 5):
        for n in range(9):
            if not market.present[t, n]:
                continue
            wanted = expected(market, t, n, d)
            got = {name: values[f"{name}{d}"][t, n] for name in wanted}
            for name, value in wanted.items():
                np.testing.assert_allclose(
                    got[name], value, rtol=2e-6, atol=2e-6, equal_nan=True, err_msg=f"{name}{d} at {t}, {n}"
                )
                missing += np.isnan(value)
            checked += len(wanted)
    assert checked > 5_000
    assert 0.01 * checked < missing < 0.6 * checked


def test_a_session_without_a_bar_has_no_value(setting):
    market, values = setting
    assert all(
        np.isnan(grid[~market.present]).all()
        for name, grid in values.items()
        if not name.startswith(("CO", "WV"))
    )


def test_other_stocks_do_not_matter():
    market = random_market(np.random.default_rng(32), sessions=120, stocks=70)
    fields = base_fields(market, market.present)
    some = np.array([3, 69, 5, 64, 1])
    fewer = Fields({k: np.ascontiguousarray(g[..., some]) for k, g in fields.grids.items()})
    np.testing.assert_array_equal(
        compute(alpha158(), fields, 60, 120)[:, some], compute(alpha158(), fewer, 60, 120)
    )
