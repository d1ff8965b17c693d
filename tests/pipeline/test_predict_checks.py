"""Each check refuses, or warns, when it should; and a refused ranking leaves the last one alone."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gogooku3.config.predict_settings import PredictSettings
from gogooku3.errors import DataError, StorageError
from gogooku3.evaluation.drift.settings import DriftSettings
from gogooku3.labels.target import Target
from gogooku3.panel.open import open_panel
from gogooku3.panel.panel import Panel
from gogooku3.pipeline import predict as module
from gogooku3.pipeline import predict_drift, rank_day
from gogooku3.pipeline import ranked as ranked_module
from gogooku3.pipeline.build import panel_of
from gogooku3.pipeline.holdings import Holdings
from gogooku3.pipeline.live_rankings import read_rankings
from gogooku3.pipeline.predict import predict
from gogooku3.pipeline.predict_checks import (
    is_historical,
    measure_coverage,
    refuse_missing,
    refuse_stale,
    refuse_thin,
    unseen,
)
from gogooku3.pipeline.predict_drift import Reference, feature_alarms
from gogooku3.pipeline.ranked import Ranking
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.trading import Account
from gogooku3.storage.hashing import digest_file
from tests.pipeline.tiny import NAME, digests, simulation_of, tiny_run

LAST = np.datetime64("2025-02-28")
USUAL = PredictSettings()


@pytest.mark.parametrize("as_of", ["2025-02-28", "2025-03-01", "2025-03-03"])
def test_the_latest_data_are_not_stale(as_of: str) -> None:
    """A Friday's session: on Monday before the close none lacks."""
    assert refuse_stale("XTKS", LAST, LAST, date.fromisoformat(as_of), USUAL) is None
    assert not is_historical("XTKS", LAST, date.fromisoformat(as_of))


def test_stale_data() -> None:
    with pytest.raises(DataError, match=r"stale[\s\S]*1 later ones lack, 2025-03-03"):
        refuse_stale("XTKS", LAST, LAST, date(2025, 3, 4), USUAL)
    assert is_historical("XTKS", LAST, date(2025, 3, 4))
    assert refuse_stale("XTKS", LAST, LAST, date(2025, 3, 4), PredictSettings(max_stale_sessions=1)) is None
    year_end = np.datetime64("2024-12-30")  # Tokyo trades again on 6 January
    assert refuse_stale("XTKS", year_end, year_end, date(2025, 1, 6), USUAL) is None
    with pytest.raises(DataError, match="stale"):
        refuse_stale("XTKS", year_end, year_end, date(2025, 1, 7), USUAL)


def test_a_session_of_the_future() -> None:
    with pytest.raises(DataError, match="future"):
        refuse_stale("XTKS", LAST, LAST, date(2025, 2, 27), USUAL)


def test_an_unknown_calendar_is_said() -> None:
    said = refuse_stale("unknown", LAST, LAST, date(2025, 3, 31), USUAL)
    assert "calendar" in str(said)
    assert is_historical("unknown", LAST, date(2025, 6, 30))


def test_coverage() -> None:
    universe = np.zeros((30, 10), dtype=bool)
    universe[:, :8] = True
    universe[5] = False  # a hole in the source does not count
    universe[0, 8:] = True  # longer ago than 20 sessions
    universe[29, 6:] = False
    bars = np.ones((30, 10), dtype=bool)
    scores = np.zeros((6, 2))
    scores[0, 1] = np.nan
    found = measure_coverage(universe, bars, 29, scores, USUAL)
    assert (found.universe, found.usual, found.share) == (6, 8.0, 0.75)
    assert found.scored == pytest.approx(5 / 6)
    assert measure_coverage(universe, bars, 0, np.zeros((10, 1)), USUAL).share is None
    assert measure_coverage(universe, bars, 29, scores, PredictSettings(usual_sessions=27)).usual == 8.0
    assert measure_coverage(universe, bars, 29, scores, PredictSettings(usual_sessions=28)).usual > 8.0
    with pytest.raises(DataError, match=r"too few stocks can be ranked[\s\S]*75\.0%"):
        refuse_thin(found, "s", USUAL)
    with pytest.raises(DataError, match=r"too few stocks have a score[\s\S]*83\.3%"):
        refuse_thin(measure_coverage(universe, bars, 28, np.vstack([scores] * 2), USUAL), "s", USUAL)
    refuse_thin(found, "s", PredictSettings(min_coverage=0.75))


def test_a_universe_that_others_fill_up() -> None:
    """Half of the bars lack, and the universe of fixed size has stocks in it that never were."""
    universe, bars = np.zeros((30, 16), dtype=bool), np.ones((30, 16), dtype=bool)
    universe[:29, :8] = True
    bars[29, 1:8:2] = False
    universe[29] = bars[29] & (np.arange(16) < 12)
    found = measure_coverage(universe, bars, 29, np.zeros((8, 1)), USUAL)
    assert (found.share, found.barred) == (1.0, 0.5)
    with pytest.raises(DataError, match=r"too many stocks lack a bar[\s\S]*50\.0%"):
        refuse_thin(found, "s", USUAL)


def test_a_feature_that_is_wholly_missing() -> None:
    before = np.array([[1, np.nan, 1], [1, np.nan, np.nan]], dtype=np.float32)
    values = np.array([[1, np.nan, np.nan], [np.nan, np.nan, np.nan]], dtype=np.float32)
    with pytest.raises(DataError, match=r"missing for every stock[\s\S]*no value of c\n"):
        refuse_missing(["a", "b", "c"], values, before, "s")
    refuse_missing(["a", "b", "c"], values, np.full((2, 3), np.nan, dtype=np.float32), "s")
    with pytest.raises(DataError, match="no value of b, c"):  # nothing is known of training
        refuse_missing(["a", "b", "c"], values, np.empty((0, 3), dtype=np.float32), "s")


def test_unseen_codes() -> None:
    universe = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 1, 1, 1]], dtype=bool)
    assert unseen(universe, 2, np.array([0, 1]), "abcd") == ("d",)
    assert unseen(universe, 2, np.array([0]), "abcd") == ("c", "d")


def test_what_has_moved_and_what_only_swings() -> None:
    """A level that every session has for itself is not drift, one that no session had is."""
    rng = np.random.default_rng(0)
    session = np.repeat(np.arange(40), 200)
    noise = rng.normal(size=(8000, 3)).astype(np.float32)
    noise[:, 1] += rng.normal(0, 3, 40).astype(np.float32)[session]
    values = rng.normal(size=(300, 3)).astype(np.float32)
    values[:, 1] += 3
    values[:, 2] += 1.5
    values[:30, 0] = np.nan
    found = feature_alarms(
        ["still", "swings", "moved"], Reference(values=noise, session=session), values, DriftSettings()
    )
    assert [(alarm.name, alarm.kind) for alarm in found] == [("still", "missing"), ("moved", "stability")]
    assert not feature_alarms(
        ["still", "swings", "moved"],
        Reference(values=noise, session=session),
        values,
        DriftSettings(max_psi=50, max_missing_rise=0.2),
    )


@pytest.fixture
def run(runs: Path) -> Run:
    return tiny_run(runs)


def ranked(run: Run, **asked: object) -> Ranking:
    return predict(run, model="ridge", **asked)  # type: ignore[arg-type]


def said(ranking: Ranking) -> dict:
    (path,) = [path for path in ranking.files if path.suffix == ".json"]
    return json.loads(path.read_text(encoding="utf-8"))


def test_what_the_json_says(run: Run) -> None:
    ranking = ranked(run, as_of=date(2025, 3, 3))
    found, panel = said(ranking), panel_of(run)
    assert {key: found[key] for key in ranking.header} == ranking.header
    assert (found["session"], found["model"], found["historical"]) == ("2025-02-28", "ridge", False)
    weights = run.path("models/ridge-2024.safetensors")
    assert found["made_of"] == {"files": {weights.name: digest_file(weights)}}
    assert found["trained_until"] == str(ranking.trained_until)
    assert found["data"] == {
        "last_session": "2025-02-28",
        "content": panel.content_hash,
        "calendar": "XTKS",
    }
    assert found["coverage"]["universe"] == ranking.table.height
    assert found["coverage"]["share_with_score"] == 1.0
    assert found["ranking"] == ranking.table.to_dicts()
    assert found["orders"] is None
    by_kind = {path.suffix: path for path in ranking.files}
    assert found["files"] == {by_kind[kind].name: digest_file(by_kind[kind]) for kind in (".csv", ".parquet")}
    assert pl.read_parquet(by_kind[".parquet"]).equals(ranking.table)
    assert (
        pl.read_csv(by_kind[".csv"], infer_schema=False)["code"].to_list() == ranking.table["code"].to_list()
    )


def test_the_same_again_gives_the_same_bytes_and_a_refusal_leaves_them(run: Run) -> None:
    ranked(run, as_of=date(2025, 3, 3))
    before = digests(run.path("rankings"))
    ranked(run, as_of=date(2025, 3, 3))
    assert digests(run.path("rankings")) == before
    with pytest.raises(DataError, match="stale"):
        ranked(run, as_of=date(2025, 3, 5))
    assert digests(run.path("rankings")) == before
    late = ranked(run, as_of=date(2025, 3, 5), session=date(2025, 2, 28))
    assert late.header["historical"] is True
    assert {path.stem for path in late.files} == {"2025-02-28-ridge-historical"}
    assert digests(run.path("rankings")).items() > before.items()  # beside what was said that morning


@pytest.mark.parametrize("last", ["write_parquet", "write_json"])
def test_a_disk_that_is_full_between_two_files_of_a_session_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    """Files of two rankings stand side by side: the digests tell which are those of the JSON file."""
    first = {path.suffix: path for path in ranked(run, target="h1_d1").files}
    before = digests(run.path("rankings"))

    def full(*given: object, **named: object) -> None:
        raise StorageError("a file cannot be written", got="No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ranked_module, last, full)
        with pytest.raises(StorageError, match="No space left"):
            ranked(run, target="h5_d1")
    after = digests(run.path("rankings"))
    assert {name for name in before if before[name] != after[name]} == {
        first[kind].name for kind in ((".csv",) if last == "write_parquet" else (".csv", ".parquet"))
    }
    said = json.loads(first[".json"].read_text(encoding="utf-8"))
    assert said["target"] == "h1_d1"
    assert said["files"][first[".csv"].name] != digest_file(first[".csv"])
    _, unread = read_rankings([first[".parquet"]])
    assert len(unread) == (last == "write_json"), "a table that is not that of its JSON file is tracked"
    done = ranked(run, target="h5_d1")
    said = json.loads(first[".json"].read_text(encoding="utf-8"))
    assert (said["target"], done.files) == ("h5_d1", (first[".csv"], first[".parquet"], first[".json"]))
    assert said["files"] == {path.name: digest_file(path) for path in done.files[:2]}


def test_half_a_day_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests(run.path("rankings"))
    panel = open_panel(run.path("panel"))
    universe = panel.universe.copy()
    universe[-1, np.flatnonzero(universe[-1])[::2]] = False
    panel.__dict__["universe"] = universe
    monkeypatch.setattr(module, "panel_of", lambda _: panel)
    with pytest.raises(DataError, match=r"too few stocks can be ranked[\s\S]*50\.0%"):
        ranked(run)
    assert digests(run.path("rankings")) == before


def test_unseen_codes_are_listed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    universe = panel_of(run).universe
    first = np.where(universe[-1], universe.argmax(axis=0), -1)
    new = int(first.argmax())  # listed later than all others
    assert not ranked(run).header["unseen_codes"]
    learned = np.arange(np.flatnonzero(universe.any(axis=1))[0], first[new])
    monkeypatch.setattr(module, "_learned", lambda *_: learned)
    found = ranked(run)
    assert found.header["unseen_codes"] == [panel_of(run).codes[new]]
    assert any(f"learned from: {panel_of(run).codes[new]}" in warning for warning in found.warnings)


def doctored(monkeypatch: pytest.MonkeyPatch, change: object) -> None:
    """Change the features of the session as the checks see them."""
    true = rank_day.raw_features

    def raw(panel: Panel, sample: object) -> np.ndarray:
        values = true(panel, sample).copy()
        change(values)  # type: ignore[operator]
        return values

    monkeypatch.setattr(rank_day, "raw_features", raw)


def test_a_missing_feature_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    name = panel_of(run).feature_names[4]
    doctored(monkeypatch, lambda values: values[:, 4].fill(np.nan))
    before = digests(run.path("rankings"))
    with pytest.raises(DataError, match=rf"missing for every stock[\s\S]*no value of {name}\n"):
        ranked(run)
    assert digests(run.path("rankings")) == before


def test_drift_of_features_warns_or_refuses(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = panel_of(run)

    def change(values: np.ndarray) -> None:
        values[:, 0] += 1000
        values[::2, 1] = np.nan

    calm = {alarm["name"] for alarm in ranked(run).header["drift"]}
    doctored(monkeypatch, change)
    found = ranked(run)
    new = [alarm for alarm in found.header["drift"] if alarm["name"] in panel.feature_names[:2]]
    assert not calm & set(panel.feature_names[:2])
    assert {(alarm["name"], alarm["kind"]) for alarm in new} >= {
        (panel.feature_names[0], "stability"),
        (panel.feature_names[1], "missing"),
    }
    assert any("moved since training" in warning for warning in found.warnings)
    assert any("missing more often" in warning for warning in found.warnings)
    with pytest.raises(DataError, match=r"has moved[\s\S]*predict\.refuse_drift"):
        ranked(tiny_run(run.settings.run.folder, {"predict.refuse_drift": True}))


def test_drift_of_scores_warns(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    true = predict_drift.raw_outputs
    monkeypatch.setattr(
        predict_drift,
        "raw_outputs",
        lambda scorer, panel, sample: true(scorer, panel, sample) + np.float32(9 * (len(sample) == 1)),
    )
    found = {alarm["name"] for alarm in ranked(run).header["drift"]}
    assert {f"score ridge {target}" for target in panel_of(run).targets} <= found


def test_unchecked_it_only_ranks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ranked(run)
    doctored(monkeypatch, lambda values: values.fill(np.nan))
    found = ranked(run, checked=False, as_of=date(2026, 1, 1))
    assert found.table.equals(wanted.table)
    assert (found.header["checked"], found.warnings, wanted.header["checked"]) == (False, (), True)


def test_trades(run: Run) -> None:
    plain = ranked(run)
    best = plain.table["code"].head(5).to_list()
    held = pl.DataFrame(
        {"code": [best[0], "ZZZZ"], "shares": [150, 10]}, schema_overrides={"shares": pl.Int64}
    )
    account = Account(holdings=Holdings(shares=held, cash=3e7), capital=2e7)
    ranking = ranked(run, account=account)
    assert ranking.table.equals(plain.table)
    assert ranking.trading is not None
    table = ranking.trading.orders.table
    panel = panel_of(run)
    bars = simulation_of(run.settings).bars.frame.filter(pl.col("date") == panel.sessions[-1].item())
    close = dict(bars.select("code", "close").iter_rows())  # as they came, before any panel
    assert not any("prices" in warning for warning in ranking.warnings)
    assert set(table["code"]) == set(best)  # 46 names: 5 in the best tenth
    assert table["price"].to_list() == [close[code] for code in table["code"]]
    assert 1.9e7 < table.select(pl.col("target").dot("price")).item() <= 2e7
    assert table.filter(pl.col("code") == best[0])["target"].item() % 100 == 50
    orders = said(ranking)["orders"]
    assert orders["held_not_in_panel"] == ["ZZZZ"]
    assert orders["cash_after"] == pytest.approx(
        3e7 - ranking.trading.orders.spent - orders["estimated_cost"], abs=0.01
    )
    assert any("ZZZZ" in warning for warning in ranking.warnings)
    (path,) = [path for path in ranking.files if path.name == "2025-02-28-ridge-trades.csv"]
    assert (
        pl.read_csv(path, infer_schema=False)["shares"].cast(pl.Int64).to_list() == table["shares"].to_list()
    )
    ranked(run)
    assert not path.exists()  # the orders of an earlier ranking do not stand beside a newer one


def test_the_portfolio_is_that_of_the_settings(run: Run) -> None:
    changes = {"predict.portfolio": "top_k", "predict.k": 3, "predict.side": "long_short", "predict.lot": 7}
    other = tiny_run(run.settings.run.folder, changes)
    ranking = ranked(other, account=Account(holdings=Holdings.none(), capital=1e7))
    assert ranking.trading is not None
    table = ranking.trading.orders.table
    codes = ranking.table["code"].to_list()
    assert set(table.filter(pl.col("side") == "buy")["code"]) == set(codes[:3])
    assert set(table.filter(pl.col("side") == "sell")["code"]) == set(codes[-3:])
    assert (table["shares"] % 7).to_list() == [0] * 6
    last = codes[5]
    near = Account(
        holdings=Holdings(shares=pl.DataFrame({"code": [last], "shares": [70]}), cash=None), capital=1e7
    )
    kept = ranked(tiny_run(run.settings.run.folder, {**changes, "predict.buffer": 1.0}), account=near)
    assert kept.trading is not None
    assert last in set(kept.trading.orders.table.filter(pl.col("target") > 0)["code"])


def test_nothing_to_invest(run: Run) -> None:
    before = digests(run.path("rankings"))
    with pytest.raises(DataError, match=r"no capital[\s\S]*--capital"):
        ranked(run, account=Account(holdings=Holdings.none()))
    assert digests(run.path("rankings")) == before


def test_the_score_is_the_backtests(run: Run) -> None:
    day = date(2024, 6, 3)
    table = ranked(run, session=day).table.sort("code")
    frame = pl.read_parquet(run.path("predictions.parquet")).filter(pl.col("date") == day).sort("code")
    assert table["code"].to_list() == frame["code"].to_list()
    name = str(Target(5, 1))
    assert table[f"score_{name}"].to_list() == frame[f"ridge_{name}"].to_list()
    assert run.settings.run.name == NAME
