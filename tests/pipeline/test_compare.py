"""Fair comparisons: what they measure, what they refuse, and what the ledger keeps."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from gogooku3.errors import EvaluationError, SettingsError, StorageError
from gogooku3.evaluation.paired_json import paired_from_json
from gogooku3.pipeline.build import build
from gogooku3.pipeline.compare import compare
from gogooku3.pipeline.comparison_ledger import Entry, find, input_states
from gogooku3.pipeline.comparison_page import to_markdown, verdict_of
from gogooku3.pipeline.run_folder import Run, open_run
from gogooku3.pipeline.run_kind import FOREIGN
from gogooku3.pipeline.train import train
from gogooku3.progress import Silent
from gogooku3.storage.hashing import digest_file
from tests.pipeline.tiny import FLAGS

SEEDS = {"lightgbm.seeds": 3}


def opened(runs: Path, name: str, changes: Mapping[str, object]) -> Run:
    """Return a run on the tiny market; the settings of a model that it does not have would be refused."""
    flags = {**FLAGS, **SEEDS, **changes}
    if flags.get("train.models") == ["ridge"]:
        flags = {key: value for key, value in flags.items() if not key.startswith("lightgbm.")}
    return open_run(flags={"run.name": name, "run.folder": str(runs), **flags}, remembered=False)


def add(runs: Path, name: str, changes: Mapping[str, object], *, rebuilt: bool = False) -> None:
    """Train one more run, on the panel of ``a`` unless it is built anew."""
    if not rebuilt and not (runs / name).exists():
        shutil.copytree(runs / "a", runs / name)
    run = opened(runs, name, changes)
    if rebuilt:
        build(run)
    train(run)


def pretend(runs: Path, name: str, changes: Mapping[str, object], **inputs: object) -> None:
    """Let a copy of ``a`` say that LightGBM was trained with other settings."""
    shutil.rmtree(runs / name, ignore_errors=True)
    shutil.copytree(runs / "a", runs / name)
    run = opened(runs, name, changes)
    run.save_settings()
    edit_record(runs, name, "lightgbm", inputs={"settings": run.settings.lightgbm.model_dump(), **inputs})


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs ``a``, and ``b`` with fewer leaves; not to be written to."""
    runs = tmp_path_factory.mktemp("compared") / "runs"
    add(runs, "a", {}, rebuilt=True)
    add(runs, "b", {"lightgbm.leaves": 5})
    return runs


@pytest.fixture
def own(shared: Path, tmp_path: Path) -> Path:
    """A copy of those runs, to be changed."""
    shutil.copytree(shared, tmp_path / "runs", ignore=shutil.ignore_patterns("comparisons"))
    return tmp_path / "runs"


def made(runs: Path, *arguments: str, open_locked: bool = False, other_code: bool = False) -> Entry:
    return compare(arguments, runs=runs, progress=Silent(), open_locked=open_locked, other_code=other_code)


def edit_record(runs: Path, run: str, model: str, **changes: object) -> None:
    path = runs / run / f"stages/train-{model}-2024.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        record[key] |= value
    path.write_text(json.dumps(record), encoding="utf-8")


def rewrite(runs: Path, run: str, model: str, frame: pl.DataFrame) -> None:
    """Replace a fold's scores as if training had written them."""
    name = f"predictions/{model}-2024.parquet"
    frame.write_parquet(runs / run / name)
    edit_record(runs, run, model, outputs={name: digest_file(runs / run / name)})


def test_two_models_of_a_run(shared: Path) -> None:
    entry = made(shared, "a")
    own = json.loads((shared / "a/settings.json").read_text(encoding="utf-8"))["settings"]
    results = [paired_from_json(value) for value in entry.content["results"]]
    assert {str(pair.target) for pair in results} == {"h1_d0", "h1_d1", "h5_d0", "h5_d1"}
    for pair in results:
        assert (pair.model, pair.against) == ("a:lightgbm", "a:ridge")
        assert list(pair.periods) == ["all", "2024"]
        assert pair.split is not None
        assert pair.split.seeds == 3
        assert pair.low < pair.whole.low < pair.whole.mean < pair.whole.high < pair.high
        assert pair.whole.days == 245 - pair.target.reach  # no label reaches into the locked year
        assert pair.coverage.compared == pair.coverage.model == pair.coverage.against > 5_000
    (design,) = entry.content["designs"]
    keys = {setting["key"]: (setting["against"], setting["model"]) for setting in design["under_test"]}
    assert keys["train.models"] == ("ridge", "lightgbm")
    assert keys["lightgbm.leaves"] == (None, own["lightgbm"]["leaves"])
    assert keys["ridge.penalties"] == (own["ridge"]["penalties"], None)
    assert set(keys) == {"train.models", "ridge.penalties", *(f"lightgbm.{name}" for name in own["lightgbm"])}
    assert not design["without_effect"]


def test_the_figures_are_those_of_the_evaluation(own: Path) -> None:
    """The comparison inside ``evaluate`` is of the same two models on the same days."""
    from gogooku3.pipeline.evaluate import Judged

    run = opened(own, "a", {})
    evaluation = Judged(run).tested
    by_target = {
        str(pair.target): pair.difference
        for pair in evaluation.comparisons
        if pair.period == "all" and (pair.model, pair.against) == ("lightgbm", "ridge")
    }
    seeds = {(row["target"], row["seed"]): row["rank_ic"] for row in Judged(run).seeds}
    for value in made(own, "a:ridge", "a:lightgbm").content["results"]:
        pair = paired_from_json(value)
        assert pair.whole == by_target[str(pair.target)]
        ridge = evaluation.find("ridge", pair.target)
        assert ridge is not None
        assert pair.split is not None
        members = [seeds[str(pair.target), s] - ridge.whole.rank_ic.mean for s in range(3)]
        assert pair.split.seed_means == pytest.approx(members, abs=2e-6)


def test_two_runs_model_by_model(shared: Path) -> None:
    with pytest.raises(EvaluationError, match="no setting is under test") as error:
        made(shared, "a", "b")  # their ridges are the same
    assert "a:ridge and b:ridge" in str(error.value)


def test_a_setting_under_test(shared: Path) -> None:
    entry = made(shared, "a:lightgbm", "b:lightgbm")
    (design,) = entry.content["designs"]
    assert design["under_test"] == [{"key": "lightgbm.leaves", "against": 7, "model": 5}]
    text = to_markdown(entry, {})
    assert "| lightgbm.leaves | 7 | 5 |" in text
    assert "b - a" in text  # one model: the runs tell them apart
    assert len(verdict_of(entry)) == 2


def test_more_than_two_are_adjusted_for(shared: Path) -> None:
    entry = made(shared, "a:ridge", "a:lightgbm", "b:lightgbm")
    results = [paired_from_json(value) for value in entry.content["results"]]
    assert len(results) == 8
    assert all(pair.independent >= pair.p_value for pair in results)
    assert any(pair.independent > pair.p_value for pair in results)
    assert len(verdict_of(entry)) == 4


def test_the_ledger(own: Path) -> None:
    entry = made(own, "a")
    again = made(own, "a")
    assert (entry.path, len(entry.digest)) == (again.path, 64)
    assert entry.path.parent == own / "comparisons"
    assert len(list(entry.path.parent.iterdir())) == 1
    assert find(own, entry.digest[:8]).content == entry.content
    assert set(input_states(own, entry.content).values()) == {"unchanged"}
    assert made(own, "a:lightgbm", "a:ridge").digest != entry.digest

    frame = pl.read_parquet(own / "a/predictions/ridge-2024.parquet")
    rewrite(own, "a", "ridge", frame.with_columns(pl.col("ridge_h1_d0") + 1e-3 * pl.col("ridge_h1_d1")))
    assert input_states(own, entry.content) == {"a:ridge": "changed", "a:lightgbm": "unchanged"}
    assert "a:ridge has other scores now" in to_markdown(entry, input_states(own, entry.content))
    assert made(own, "a").digest != entry.digest
    shutil.rmtree(own / "a")
    assert set(input_states(own, entry.content).values()) == {"gone"}

    for digits, word in (("", "no such"), ("123", "no such"), ("../..", "no such"), ("f" * 64, "no such")):
        with pytest.raises(StorageError, match=word):
            find(own, digits)
    text = entry.path.read_text(encoding="utf-8")
    entry.path.write_text(text.replace('"mean": 0.', '"mean": 1.').replace('"mean": -0.', '"mean": 0.'))
    with pytest.raises(StorageError, match="changed after it was written"):
        find(own, entry.digest)


def test_stock_days_that_one_lacks_do_not_count(own: Path) -> None:
    frame = pl.read_parquet(own / "a/predictions/lightgbm-2024.parquet")
    codes = frame["code"].unique().sort()
    rewrite(own, "a", "lightgbm", frame.filter(pl.col("code") != codes[0]))
    full, cut = made(own, "b:lightgbm", "b:ridge"), made(own, "a")
    pair = paired_from_json(cut.content["results"][0])
    assert pair.coverage.model == pair.coverage.compared < pair.coverage.against
    assert "ridge also scores" in to_markdown(cut, {})
    assert "all models score the same ones" in to_markdown(full, {})

    # the same as if neither had it
    ridge = pl.read_parquet(own / "a/predictions/ridge-2024.parquet")
    rewrite(own, "a", "ridge", ridge.filter(pl.col("code") != codes[0]))
    both = paired_from_json(made(own, "a").content["results"][0])
    assert both.whole == pair.whole


def refused(runs: Path, *arguments: str, words: tuple[str, ...]) -> None:
    with pytest.raises(EvaluationError) as error:
        made(runs, *arguments)
    for word in words:
        assert word in str(error.value), str(error.value)
    assert not (runs / "comparisons").exists()


def test_other_seeds_are_refused(own: Path) -> None:
    pretend(own, "b", {"train.seed": 7}, seed=7)
    seeds = "seeds: a:lightgbm 0 to 2, b:lightgbm 7 to 9"
    refused(own, "a:lightgbm", "b:lightgbm", words=("no comparison", seeds))
    pretend(own, "b", {"lightgbm.seeds": 2})
    refused(own, "b:ridge", "b:lightgbm", words=("random and has 2 seeds, fewer than 3",))
    refused(own, "a:lightgbm", "b:lightgbm", words=("random and has 2 seeds, fewer than 3",))
    refused(own, "a:ridge", "b:ridge", words=("no setting is under test",))  # which has no seeds


def test_of_more_seeds_the_first_count(own: Path) -> None:
    add(own, "four", {"lightgbm.seeds": 4, "lightgbm.leaves": 5})
    add(own, "three", {"lightgbm.leaves": 5})
    more, same = made(own, "a:lightgbm", "four:lightgbm"), made(own, "a:lightgbm", "three:lightgbm")
    assert [design["under_test"] for design in more.content["designs"]] == [
        [{"key": "lightgbm.leaves", "against": 7, "model": 5}]
    ]
    for left, right in zip(more.content["results"], same.content["results"], strict=True):
        one, other = paired_from_json(left), paired_from_json(right)
        assert one.split == other.split
        assert one.whole.mean == pytest.approx(other.whole.mean, abs=1e-6)  # float32 of the mean or not
        assert one.seed_error == pytest.approx(other.seed_error, abs=1e-6)
    assert "With more members, of which the first count: four (4)." in to_markdown(more, {})
    for side in more.content["contestants"]:
        del side["members"]  # as comparisons were written before
    assert "With more members" not in to_markdown(more, {})
    refused_of_itself = ("nothing to compare", "same model with the same settings")
    shutil.rmtree(own / "comparisons")
    refused(own, "three:lightgbm", "four:lightgbm", words=refused_of_itself)


def test_other_folds_are_refused(own: Path) -> None:
    add(own, "c", {"splits.locked_years": 0, "train.models": ["ridge"]})
    refused(own, "a:ridge", "c:ridge", words=("folds: a:ridge tests 2024, c:ridge tests 2025",))


def test_other_data_is_refused(own: Path) -> None:
    add(own, "c", {"simulation.seed": 1, "train.models": ["ridge"]}, rebuilt=True)
    refused(own, "a:ridge", "c:ridge", words=("no comparison", "market field close"))
    refused(own, "c:ridge", "a:lightgbm", words=("universe:", "train.models"))


def test_features_can_be_under_test(own: Path) -> None:
    changes = {"panel.features": "alpha158", "panel.segment_sessions": 100, "train.models": ["ridge"]}
    add(own, "c", changes, rebuilt=True)
    entry = made(own, "a:ridge", "c")
    (design,) = entry.content["designs"]
    assert design["under_test"] == [{"key": "panel.features", "against": "core", "model": "alpha158"}]
    assert [setting["key"] for setting in design["without_effect"]] == ["panel.segment_sessions"]
    pair = paired_from_json(entry.content["results"][0])
    assert pair.whole.mean != 0
    assert pair.split is None
    assert "without effect on them: panel.segment_sessions" in to_markdown(entry, {})
    assert "Deterministic, without seed variance: a and c." in to_markdown(entry, {})


def test_the_layout_of_a_panel_is_nothing_to_test(own: Path) -> None:
    shutil.copytree(own / "a", own / "c")
    opened(own, "c", {"panel.segment_sessions": 100}).save_settings()
    refused(own, "a:ridge", "c:ridge", words=("nothing to compare", "same model with the same settings"))


def test_other_code_is_refused_unless_it_is_under_test(own: Path) -> None:
    edit_record(own, "b", "lightgbm", inputs={"code": "0" * 64})
    refused(own, "a:lightgbm", "b:lightgbm", words=("code of training",))
    entry = made(own, "a:lightgbm", "b:lightgbm", other_code=True)
    (design,) = entry.content["designs"]
    assert [setting["key"] for setting in design["under_test"]] == ["lightgbm.leaves", "code"]


def test_scores_that_are_not_of_their_run_are_refused(own: Path) -> None:
    opened(own, "b", {"lightgbm.leaves": 6}).save_settings()  # and not trained
    refused(
        own, "a:lightgbm", "b:lightgbm", words=("settings.leaves: 5 at training, 6 now", "train --name b")
    )
    path = own / "a/predictions/ridge-2024.parquet"
    pl.read_parquet(path).reverse().write_parquet(path)
    refused(own, "a", words=("changed after training",))
    path.unlink()
    with pytest.raises(StorageError, match="has not been scored"):
        made(own, "a")


def test_the_environment_has_no_say(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = made(own, "a").digest
    monkeypatch.setenv("GOGOOKU3_LIGHTGBM__LEAVES", "3")
    assert made(own, "a").digest == expected


def test_locked_years_are_opened_on_demand_only_and_that_is_recorded(own: Path) -> None:
    ridge = {"train.models": ["ridge"]}
    for name, penalty in (("c", 0.1), ("d", 10.0)):
        add(own, name, {**ridge, "ridge.penalties": [penalty]})
    before = made(own, "c", "d")
    with pytest.raises(StorageError, match="has not been scored"):
        made(own, "c", "d", open_locked=True)
    openings = [own / name / "openings.jsonl" for name in "cd"]
    assert not any(path.exists() for path in openings)
    for name, penalty in (("c", 0.1), ("d", 10.0)):
        add(own, name, {**ridge, "ridge.penalties": [penalty], "run.open_locked": True})
    assert made(own, "c", "d").digest == before.digest  # the locked year changes nothing, and is not read
    assert not any(path.exists() for path in openings)
    entry = made(own, "c", "d", open_locked=True)
    assert entry.content["period"]["locked"] is True
    assert entry.content["period"]["first"] >= "2025" > before.content["period"]["last"]
    assert [len(path.read_text(encoding="utf-8").splitlines()) for path in openings] == [1, 1]
    assert "locked years, opened" in to_markdown(entry, {})


def test_runs_that_are_none(own: Path) -> None:
    shutil.copytree(own / "a", own / "c")
    with pytest.raises(SettingsError, match="no such run"):
        made(own, "a", "absent")
    with pytest.raises(StorageError, match="leaves the folder"):
        made(own, "a", "../a")
    (own / "b" / FOREIGN).write_text("{}")
    with pytest.raises(SettingsError, match="no run of ours"):
        made(own, "a", "b")
    (own / "a/settings.json").write_text("{")
    with pytest.raises(SettingsError, match="cannot be read"):
        made(own, "a")
    with pytest.raises(EvaluationError, match="no such model"):
        made(own, "c:forest", "c:ridge")
