"""What a user sets, and what a search then still chooses."""

from __future__ import annotations

from pathlib import Path

import pytest

from gogooku3.errors import SettingsError
from gogooku3.sweeps.open import open_sweep
from gogooku3.sweeps.settings import SweepSettings
from gogooku3.sweeps.space import ETA_RATIO, WEIGHTS, Choice, Range, Space, default_space, read_space
from gogooku3.sweeps.sweep import Sweep

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference"


def opened(
    folder: Path, flags: dict[str, object] | None = None, *, named: Space | None = None, config: str = ""
) -> Sweep:
    file = folder / "common.toml"
    file.write_text(config)
    return open_sweep(
        panel=folder / "panel",
        folder=folder / "search",
        settings=SweepSettings(),
        space=named or {},
        usual=default_space(),
        config=file,
        flags=flags,
    )


def test_nothing_said_leaves_the_usual_space(tmp_path: Path) -> None:
    sweep = opened(tmp_path)
    assert sweep.space == default_space()
    assert str(sweep.base.resolved.origins["deep.epochs"]) == "flag of the search"
    assert sweep.base.settings.deep.threads > 0


def test_what_is_set_is_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOGOOKU3_GRAPH__NEIGHBOURS", "50")
    sweep = opened(
        tmp_path,
        {"atft.hidden": "64", WEIGHTS: "[1.0, 2.0]"},
        config='[optimizer]\ntype = "lion"\n[loss]\nrank_weight = 0.3\n',
    )
    expected = {
        "atft.hidden": Choice(values=(64,)),
        "graph.neighbours": Choice(values=(50,)),
        WEIGHTS: Choice(values=("[1.0, 2.0]",)),
        "optimizer.type": Choice(values=("lion",)),
        "loss.rank_weight": Choice(values=(0.3,)),
    }
    assert sweep.space == default_space() | expected
    assert list(sweep.space) == list(default_space())
    assert sweep.base.settings.graph.neighbours == 50
    assert sweep.base.settings.graph.threshold == 0.1


def test_a_lowest_rate_that_is_set_takes_its_share_out(tmp_path: Path) -> None:
    sweep = opened(tmp_path, {"scheduler.eta_min": "1e-6"})
    assert set(default_space()) - set(sweep.space) == {ETA_RATIO}
    assert sweep.base.settings.scheduler.eta_min == 1e-6


def test_what_nothing_would_read_is_not_searched(tmp_path: Path) -> None:
    sweep = opened(tmp_path, {"atft.gat_layers": "0", "scheduler.type": "constant"})
    gone = {"atft.gat_dropout", "graph.neighbours", "graph.threshold", ETA_RATIO}
    assert set(default_space()) - set(sweep.space) == gone


def test_what_is_named_is_searched(tmp_path: Path) -> None:
    named: Space = {"atft.hidden": Choice(values=(8, 16)), "optimizer.weight_decay": Range(low=0.0, high=0.1)}
    assert opened(tmp_path, named=named).space == default_space() | named


@pytest.mark.parametrize(
    ("name", "flag"), [("atft.hidden", "atft.hidden"), (ETA_RATIO, "scheduler.eta_min"), (WEIGHTS, WEIGHTS)]
)
def test_searched_and_set_is_a_contradiction(tmp_path: Path, name: str, flag: str) -> None:
    values = {"atft.hidden": "16", "scheduler.eta_min": "1e-6", WEIGHTS: "[]"}
    with pytest.raises(SettingsError, match="searched and is set as well") as refused:
        opened(tmp_path, {flag: values[flag]}, named={name: default_space()[name]})
    assert f"{flag} (flag)" in str(refused.value)


@pytest.mark.parametrize(
    ("key", "value", "instead"),
    [
        ("deep.epochs", "50", "--epochs"),
        ("splits.test_years", "5", "sweep.folds"),
        ("deep.seeds", "3", "--seeds"),
        ("train.models", '["ridge"]', "leave it out"),
        ("train.refit", "true", "--best"),
        ("run.name", "other", "--out"),
        ("run.open_locked", "true", "--best"),
        ("panel.file", "other", "--panel"),
    ],
)
def test_what_the_search_sets_itself_is_refused(tmp_path: Path, key: str, value: str, instead: str) -> None:
    with pytest.raises(SettingsError, match="the search itself sets this") as refused:
        opened(tmp_path, {key: value})
    assert key in str(refused.value)
    assert instead in str(refused.value)


def test_so_it_is_in_a_file_unless_it_says_the_same(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"deep\.epochs \(file common\.toml\)"):
        opened(tmp_path, config="[deep]\nepochs = 50\n")
    same = '[deep]\nepochs = 10\nthreads = 3\n[train]\nmodels = ["atft_gat_fan"]\n'
    assert opened(tmp_path, config=same).base.settings.deep.threads == 3


def test_the_documented_search_is_composed(tmp_path: Path) -> None:
    named = read_space(DOCS / "jp_sweep_space.toml")
    sweep = open_sweep(
        panel=tmp_path / "panel",
        folder=tmp_path / "search",
        settings=SweepSettings(),
        space=named,
        usual=default_space(),
        config=DOCS / "jp_sweep.toml",
        flags={"deep.threads": "1"},
    )
    assert sweep.space == default_space() | named
    assert sweep.base.settings.deep.threads == 1
