"""The tables of the pages are those of a run, and a page that differs is found out."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = SimpleNamespace(**runpy.run_path(str(ROOT / "scripts" / "docs" / "results.py")))


def result(model: str, horizon: int, lag: int, mean: float | None, period: str = "all") -> dict:
    low, high = (None, None) if mean is None else (mean - 0.01, mean + 0.01)
    return {
        "model": model,
        "target": f"h{horizon}_d{lag}",
        "horizon": horizon,
        "lag": lag,
        "period": period,
        "rank_ic": {"mean": mean, "low": low, "high": high},
        "portfolio": {"sharpe_annual": 10 * (mean or 0) - 1, "break_even_bps": 100 * (mean or 0)},
    }


def evaluation(scale: float = 1.0) -> dict:
    targets = [(1, 0), (1, 1), (5, 1)]
    means = {"ridge": 0.0344, "lightgbm": -0.0126}
    comparisons = [
        {
            "model": "lightgbm",
            "against": "ridge",
            "horizon": horizon,
            "lag": lag,
            "period": period,
            "difference": {"mean": -0.0471 if period == "all" else 9.0, "low": -0.05, "high": 0.001},
        }
        for horizon, lag in targets
        for period in ("2019", "all")
    ]
    return {
        "settings": {"confidence": 0.9},
        "targets": [f"h{horizon}_d{lag}" for horizon, lag in targets],
        "results": [
            result(model, horizon, lag, scale * horizon * mean if period == "all" else 0.5, period)
            for model, mean in means.items()
            for horizon, lag in targets
            for period in ("all", "2019")
        ],
        "comparisons": comparisons,
        "seeds": [
            {"model": "lightgbm", "target": "h1_d1", "seed": seed, "rank_ic": 0.012345 * (seed + 1)}
            for seed in (3, 4)
        ],
    }


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder with everything that the pages can show."""
    folder = tmp_path / "runs" / "made-up"
    files = {
        "evaluation.json": evaluation(),
        "evaluation-locked.json": evaluation(2.0),
        "causality.json": {
            "verdict": "pass",
            "seconds": 12.34,
            "bars": {
                "stocks": 7,
                "share_of_stocks": 0.5,
                "first": "2018-01-04",
                "last": "2019-12-30",
                "digest": "0f" * 32,
            },
            "moments": [{"date": "2019-03-01"}],
            "parts": [{"name": "labels", "verdict": "pass", "facts": {"labels": {"h1_d1": 1234}}}],
            "violations": [],
        },
        "stages/train-ridge-2019.json": {"name": "train-ridge-2019", "seconds": 7.6},
        "stages/train-ridge-2018.json": {"name": "train-ridge-2018", "seconds": 52.3},
        "stages/report.json": {"name": "report", "seconds": 1.2},
        "stages/build.json": {"name": "build", "seconds": 102.17},
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    (folder / "report.md").write_text(
        "# gogooku3: jp\n\n### A table\n\nA # is no heading.\n\n| a |\n|---|\n| 1 |\n"
    )
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout whose pages have every section, still empty."""
    for page, names in SCRIPT.PAGES.items():
        path = tmp_path / page
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            "# Page\n\n" + "".join(f"<!-- begin: {n} -->\n<!-- end: {n} -->\nafter {n}\n" for n in names)
        )
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "panel.md").write_text("# The panel | fast\n")
    (tmp_path / "benchmarks" / "faults.md").write_text("# Faults\n\nAll refused.\n")
    return tmp_path


def section(root: Path, page: str, name: str) -> list[str]:
    text = (root / page).read_text()
    return text.split(f"<!-- begin: {name} -->")[1].split(f"<!-- end: {name} -->")[0].strip().splitlines()


def test_every_section_is_written_from_the_run(run, root, capsys):
    assert SCRIPT.main([str(run)], root) == 0
    assert section(root, "README.md", "results") == [
        "| horizon | ridge | LightGBM | 90 % interval | LightGBM less ridge | net Sharpe, annual | break-even cost |",
        "|---|---:|---:|---|---|---:|---:|",
        "| 1 session | .034 | -.013 | -.023 to -.003 | -0.047 (-0.050 to +0.001) | -1.13 | -1 bps |",
        "| 5 sessions | .172 | -.063 | -.073 to -.053 | -0.047 (-0.050 to +0.001) | -1.63 | -6 bps |",
    ]
    assert section(root, "docs/results.md", "seeds") == [
        "| target | seed 3 | seed 4 |",
        "|---|---:|---:|",
        "| h1_d1 | 0.0494 | 0.0617 |",
    ]
    assert section(root, "docs/results.md", "locked")[2:] == [
        "| 1 | 0 | 0.069, 0.059 to 0.079 | -0.025, -0.035 to -0.015 | -1.25 |",
        "| 1 | 1 | 0.069, 0.059 to 0.079 | -0.025, -0.035 to -0.015 | -1.25 |",
        "| 5 | 1 | 0.344, 0.334 to 0.354 | -0.126, -0.136 to -0.116 | -2.26 |",
    ]
    assert section(root, "docs/results.md", "steps")[2:] == [
        "| build | 102 |",
        "| train-ridge | 2018: 52, 2019: 8 |",
        "| report | 1 |",
    ]
    assert section(root, "docs/results.md", "report") == [
        "##### A table",
        "",
        "A # is no heading.",
        "",
        "| a |",
        "|---|",
        "| 1 |",
    ]
    causality = section(root, "docs/results.md", "causality")
    assert "| verdict | pass |  |" in causality
    assert (
        "| bars | 7 stocks (50% of all), 2018-01-04 to 2019-12-30, digest 0f0f0f0f0f0f0f0f |  |" in causality
    )
    assert "| labels | 1,234 labels computed again from their own closes | pass |" in causality
    assert causality[-1] == "It took 12 s, the reading of bars not counted."
    assert section(root, "docs/results.md", "faults") == ["All refused."]
    assert section(root, "docs/results.md", "benchmarks")[1] == "- [The panel | fast](../benchmarks/panel.md)"
    assert "after seeds" in (root / "docs/results.md").read_text()
    assert "README.md: results" in capsys.readouterr().out


def test_later_models_stand_beside_lightgbm():
    means = {"ridge": 0.03, "lightgbm": 0.04, "gru": 0.02, "atft_gat_fan": 0.045, "blend": 0.05}
    found = {
        "settings": {"confidence": 0.95},
        "targets": ["h5_d1"],
        "results": [
            result(model, 5, 1, mean + (period == "2019") / 1000, period)
            for model, mean in reversed(means.items())
            for period in ("all", "2019")
        ],
        "comparisons": [
            {
                "model": model,
                "against": "lightgbm",
                "horizon": 5,
                "lag": 1,
                "period": "all",
                "difference": {"mean": mean - 0.04, "low": -0.001, "high": 0.02, "t": 1.5},
            }
            for model, mean in means.items()
        ],
    }
    assert SCRIPT.results_table(found).splitlines() == [
        "| horizon | ridge | LightGBM | GRU | ATFT-GAT-FAN | blend | blend, 95 % interval | blend less LightGBM "
        "| blend, net Sharpe, annual | blend, break-even cost |",
        "|---|---:|---:|---:|---:|---:|---|---|---:|---:|",
        "| 5 sessions | .030 | .040 | .020 | .045 | .050 | .040 to .060 | +0.010 (-0.001 to +0.020) | -0.50 | 5 bps |",
    ]
    assert SCRIPT.models_table(found).splitlines()[2].split(" | ")[3:5] == [
        "0.0400 (0.030 to 0.050)",
        "0.0200 (0.010 to 0.030)",
    ]
    assert SCRIPT.years_table(found).splitlines()[-1] == "| 5 | blend | 0.0510 | 0.0500 |"
    assert SCRIPT.against_table(found).splitlines()[2:] == [
        "| 5 | 1 | GRU | -0.0200 | -50 % | -0.001 to 0.020 | 1.5 |",
        "| 5 | 1 | ATFT-GAT-FAN | +0.0050 | +12 % | -0.001 to 0.020 | 1.5 |",
        "| 5 | 1 | blend | +0.0100 | +25 % | -0.001 to 0.020 | 1.5 |",
    ]


def test_check_writes_nothing_and_finds_a_difference(run, root, capsys):
    before = (root / "README.md").read_text()
    assert SCRIPT.main([str(run), "--check"], root) == 1
    assert (root / "README.md").read_text() == before
    assert SCRIPT.main([str(run)], root) == 0
    assert SCRIPT.main([str(run), "--check"], root) == 0
    page = root / "docs/results.md"
    page.write_text(page.read_text().replace("0.0494", "0.0495"))
    capsys.readouterr()
    assert SCRIPT.main([str(run), "--check"], root) == 1
    assert capsys.readouterr().out == "docs/results.md: seeds\n"


def test_what_the_run_does_not_hold_stays(run, root, capsys):
    SCRIPT.main([str(run)], root)
    for name in ("evaluation-locked.json", "report.md", "causality.json"):
        (run / name).unlink()
    (run / "evaluation.json").write_text(json.dumps(evaluation() | {"seeds": []}))
    before = (root / "docs/results.md").read_text()
    capsys.readouterr()
    assert SCRIPT.main([str(run)], root) == 0
    assert (root / "docs/results.md").read_text() == before
    left = capsys.readouterr().err.split()
    assert {"seeds", "locked", "report", "causality"} <= set(left)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda text: text.replace("<!-- end: seeds -->", ""), "do not pair"),
        (lambda text: text.replace("<!-- begin: seeds -->\n", ""), "do not pair"),
        (lambda text: text.replace("<!-- end: seeds -->", "<!-- end: locked -->"), "do not pair"),
        (lambda text: text + "<!-- begin: seeds -->\n<!-- end: seeds -->\n", "do not pair"),
        (lambda text: text.replace(": seeds -->", ": sedes -->"), "is not known"),
        (lambda text: text.replace("<!-- begin: seeds -->\n<!-- end: seeds -->\n", ""), "lacks a section"),
    ],
)
def test_marks_that_are_wrong_are_refused_before_anything_is_written(run, root, change, word, capsys):
    page = root / "docs/results.md"
    page.write_text(change(page.read_text()))
    before = (root / "README.md").read_text()
    assert SCRIPT.main([str(run)], root) == 2
    assert word in capsys.readouterr().err
    assert (root / "README.md").read_text() == before


def test_a_folder_without_an_evaluation_is_refused(tmp_path, root, capsys):
    assert SCRIPT.main([str(tmp_path)], root) == 2
    assert "no evaluated run" in capsys.readouterr().err
    (tmp_path / "evaluation.json").write_text("{")
    assert SCRIPT.main([str(tmp_path)], root) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_a_figure_that_does_not_exist_is_a_dash(run, root):
    changed = evaluation()
    for row in changed["results"]:
        row["rank_ic"] = dict.fromkeys(("mean", "low", "high"))
    changed["comparisons"][1]["difference"] = dict.fromkeys(("mean", "low", "high"))
    changed["comparisons"][3]["difference"] = dict.fromkeys(("mean", "low", "high"))
    (run / "evaluation.json").write_text(json.dumps(changed))
    (run / "evaluation-locked.json").write_text(json.dumps(changed))
    assert SCRIPT.main([str(run)], root) == 0
    assert "| 1 session | – | – | – | – (– to –) |" in (root / "README.md").read_text()  # noqa: RUF001
    assert "| 1 | 0 | – | – | " in (root / "docs/results.md").read_text()  # noqa: RUF001


def test_the_committed_pages_have_every_section():
    everything = dict.fromkeys([name for names in SCRIPT.PAGES.values() for name in names], "x")
    for page, names in SCRIPT.PAGES.items():
        text = (ROOT / page).read_text(encoding="utf-8")
        _, differ = SCRIPT.rewrite(text, {n: everything[n] for n in names}, names, page)
        assert sorted(differ) == sorted(names)
