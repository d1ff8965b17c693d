"""Rewrite the marked tables of README.md and docs/results.md from a run: `python scripts/docs/results.py runs/jp`.

A section stands between `<!-- begin: NAME -->` and `<!-- end: NAME -->`; what is outside is not touched. A section
whose source the run does not hold stays as it is. With `--check` nothing is written, and the exit status is 1
where a page differs from the run. Nothing is computed anew and no locked year is opened.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gogooku3.errors import DataError, Gogooku3Error
from gogooku3.evaluation.report.causality_table import causality_table
from gogooku3.evaluation.report.table import escaped
from gogooku3.evaluation.report.wording import NONE, interval, number
from gogooku3.pipeline.comparison_ledger import find, input_states
from gogooku3.pipeline.comparison_page import to_markdown
from gogooku3.storage.atomic import write_text

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "README.md": ("results",),
    "docs/results.md": (
        "steps",
        "models",
        "years",
        "against",
        "seeds",
        "locked",
        "comparison",
        "comparison-deep",
        "comparison-pair",
        "sweep",
        "comparison-optimizer",
        "comparison-rank-weight",
        "report",
        "causality",
        "faults",
        "benchmarks",
    ),
}
NAMES = {
    "ridge": "ridge",
    "lightgbm": "LightGBM",
    "gru": "GRU",
    "atft_gat_fan": "ATFT-GAT-FAN",
    "blend": "blend",
}
COMPARED = {
    "comparison": (":ridge", ":lightgbm"),
    "comparison-deep": (":lightgbm", ":gru", ":atft_gat_fan", ":blend"),
    "comparison-pair": (":lightgbm", ":atft_gat_fan"),
    "comparison-optimizer": ("500-adamw:atft_gat_fan", "500-adabelief:atft_gat_fan"),
    "comparison-rank-weight": tuple(
        f"500-{name}:atft_gat_fan" for name in ("rank0", "rank05", "adamw", "rank2")
    ),
}
"""Sides of a comparison: what follows the run's name."""
SWEPT = "500"
_SECTION = re.compile(r"<!-- begin: (\S+) -->\n(.*?)<!-- end: (\S+) -->", re.DOTALL)
_MARK = re.compile(r"<!-- (?:begin|end): ")

Row = Mapping[str, Any]


def made(run: Path, root: Path = ROOT) -> dict[str, str]:
    """Return the content of every section whose source is there."""
    found = _evaluated(_read(run / "evaluation.json"))
    locked = _read(run / "evaluation-locked.json")
    if locked is not None:
        found["locked"] = locked_table(locked)
    steps = [stage for path in sorted((run / "stages").glob("*.json")) if (stage := _read(path)) is not None]
    if steps:
        found["steps"] = steps_table(steps)
    if (run / "report.md").is_file():
        found["report"] = report_tables((run / "report.md").read_text(encoding="utf-8"), deeper=2)
    searched = run.parent / "sweeps" / f"{run.name}{SWEPT}" / "report.md"
    if searched.is_file():
        found["sweep"] = report_tables(searched.read_text(encoding="utf-8"), deeper=2)
    for name, sides in COMPARED.items():
        compared = comparison_section(run, [f"{run.name}{side}" for side in sides])
        if compared is not None:
            found[name] = compared
    certificate = _read(run / "causality.json")
    if certificate is not None:
        found["causality"] = causality_section(certificate)
    faults = root / "benchmarks" / "faults.md"
    if faults.is_file():
        found["faults"] = report_tables(faults.read_text(encoding="utf-8"))
    found["benchmarks"] = benchmark_list(root / "benchmarks")
    return found


def _evaluated(evaluation: Row | None) -> dict[str, str]:
    if evaluation is None:
        return {}
    found = {
        "results": results_table(evaluation),
        "models": models_table(evaluation),
        "years": years_table(evaluation),
    }
    if len(_models(evaluation)) > 2:
        found["against"] = against_table(evaluation)
    if evaluation["seeds"]:
        found["seeds"] = seeds_table(evaluation["seeds"])
    return found


def results_table(evaluation: Row) -> str:
    """Return what the README shows: every model at lag 1, and the last one's interval, lead and portfolio."""
    models = _models(evaluation)
    last, base = models[-1], "lightgbm" if len(models) > 2 else models[0]
    rows = []
    for horizon in _horizons(evaluation, lag=1):
        results = [_result(evaluation, model, horizon, 1) for model in models]
        ranked, portfolio = results[-1]["rank_ic"], results[-1]["portfolio"]
        gap = _difference(evaluation, last, base, horizon, 1)
        rows.append(
            [
                f"{horizon} session{'' if horizon == 1 else 's'}",
                *(_short(number(result["rank_ic"]["mean"])) for result in results),
                _short(interval(_value(ranked["low"]), _value(ranked["high"]))),
                "{} ({} to {})".format(*(_signed(gap[part]) for part in ("mean", "low", "high"))),
                number(portfolio["sharpe_annual"], 2),
                f"{number(portfolio['break_even_bps'], 0)} bps",
            ]
        )
    whose = "" if len(models) == 2 else f"{NAMES[last]}, "
    heads = [
        "horizon",
        *(NAMES[model] for model in models),
        f"{whose}{_level(evaluation)}",
        f"{NAMES[last]} less {NAMES[base]}",
        f"{whose}net Sharpe, annual",
        f"{whose}break-even cost",
    ]
    return _table(heads, "-" + ":" * len(models) + "--::", rows)


def models_table(evaluation: Row) -> str:
    """Return RankIC and interval of every model at every target, all test years together."""
    models = _models(evaluation)
    rows = []
    for lag in (1, 0):
        for horizon in _horizons(evaluation, lag=lag):
            found = [_result(evaluation, model, horizon, lag)["rank_ic"] for model in models]
            cells = [
                f"{number(one['mean'], 4)} ({interval(_value(one['low']), _value(one['high']))})"
                for one in found
            ]
            rows.append([str(horizon), str(lag), *cells])
    return _table(["horizon", "lag", *(NAMES[model] for model in models)], "---", rows)


def years_table(evaluation: Row) -> str:
    """Return RankIC of every model at lag 1, year by year."""
    years = sorted({row["period"] for row in evaluation["results"]} - {"all"})
    rows = []
    for horizon in _horizons(evaluation, lag=1):
        for model in _models(evaluation):
            means = [
                _result(evaluation, model, horizon, 1, year)["rank_ic"]["mean"] for year in (*years, "all")
            ]
            rows.append([str(horizon), NAMES[model], *(number(mean, 4) for mean in means)])
    return _table(["horizon", "model", *years, "all"], "--:", rows)


def against_table(evaluation: Row) -> str:
    """Return by how much the later models rank better than LightGBM on the same days, as a share of its RankIC too."""
    rows = []
    for lag in (1, 0):
        for horizon in _horizons(evaluation, lag=lag):
            base = _result(evaluation, "lightgbm", horizon, lag)["rank_ic"]["mean"]
            for model in _models(evaluation)[2:]:
                gap = _difference(evaluation, model, "lightgbm", horizon, lag)
                rows.append(
                    [
                        str(horizon),
                        str(lag),
                        NAMES[model],
                        f"{gap['mean']:+.4f}",
                        f"{100 * gap['mean'] / base:+.0f} %",
                        interval(_value(gap["low"]), _value(gap["high"])),
                        number(gap["t"], 1),
                    ]
                )
    heads = ["horizon", "lag", "model", "RankIC less LightGBM's", "share of it", _level(evaluation), "t"]
    return _table(heads, "---::-:", rows)


def seeds_table(seeds: Sequence[Row]) -> str:
    """Return RankIC of every single seed, a row per model and target."""
    several = len({row["model"] for row in seeds}) > 1
    numbers = sorted({row["seed"] for row in seeds})
    lines: dict[tuple[str, str], dict[int, float]] = {}
    for row in seeds:
        lines.setdefault((row["model"], row["target"]), {})[row["seed"]] = row["rank_ic"]
    rows = [
        [*([model] if several else []), target, *(number(line.get(seed), 4) for seed in numbers)]
        for (model, target), line in lines.items()
    ]
    heads = [*(["model"] if several else []), "target", *(f"seed {seed}" for seed in numbers)]
    return _table(heads, "-" * (1 + several) + ":" * len(numbers), rows)


def locked_table(evaluation: Row) -> str:
    """Return every model at every target of the locked years, and the last one's portfolio."""
    models = _models(evaluation)
    found = {(r["model"], r["target"]): r for r in evaluation["results"] if r["period"] == "all"}
    rows = []
    for target in evaluation["targets"]:
        results = [found[model, target] for model in models]
        cells = [str(results[0]["horizon"]), str(results[0]["lag"])]
        for result in results:
            ranked = result["rank_ic"]
            between = interval(_value(ranked["low"]), _value(ranked["high"]))
            cells.append(NONE if ranked["mean"] is None else f"{number(ranked['mean'])}, {between}")
        rows.append([*cells, number(results[-1]["portfolio"]["sharpe_annual"], 2)])
    heads = [
        "horizon",
        "lag",
        *(f"{NAMES[model]}, interval" for model in models),
        f"{NAMES[models[-1]]} net Sharpe, annual",
    ]
    return _table(heads, "--" + "-" * len(models) + ":", rows)


def steps_table(stages: Sequence[Row]) -> str:
    """Return the seconds that each step took, the folds of a model in one row."""
    order = ("build", "train", "predictions", "evaluation", "report")
    lines: dict[str, list[str]] = {}
    for stage in sorted(
        stages, key=lambda s: (*(s["name"].partition("-")[0] != name for name in order), s["name"])
    ):
        step, _, fold = (
            stage["name"].rpartition("-") if stage["name"].startswith("train-") else (stage["name"], "", "")
        )
        lines.setdefault(step, []).append(
            f"{fold}: {stage['seconds']:.0f}" if fold else f"{stage['seconds']:.0f}"
        )
    return _table(["step", "seconds"], "--", [[step, ", ".join(found)] for step, found in lines.items()])


def comparison_section(run: Path, wanted: Sequence[str]) -> str | None:
    """Return the latest comparison of these sides, ``run:model``, None if the ledger has none."""
    entries = sorted((run.parent / "comparisons").glob("*.json"), key=lambda path: path.stat().st_mtime)
    for path in reversed(entries):
        entry = find(run.parent, path.stem)
        sides = [side["label"] for side in entry.content["contestants"]]
        if sides == list(wanted) and not entry.content["period"]["locked"]:
            return report_tables(to_markdown(entry, input_states(run.parent, entry.content)), deeper=2)
    return None


def report_tables(text: str, deeper: int = 1) -> str:
    """Return the tables of a page some levels deeper, without its title."""
    body = re.sub(r"\A# .*\n+", "", text)
    return re.sub(r"^(#+ )", "#" * deeper + r"\1", body, flags=re.MULTILINE).strip() + "\n"


def causality_section(certificate: Row) -> str:
    """Return the certificate as the report shows it, with the time it took."""
    table = causality_table({**certificate, "stale": False}).to_markdown()
    seconds = f"It took {certificate['seconds']:.0f} s, the reading of bars not counted.\n"
    return f"{report_tables(table)}\n{seconds}"


def benchmark_list(folder: Path) -> str:
    """Return a link to every benchmark's page, with its title."""
    lines = []
    for path in sorted(folder.glob("*.md")):
        heading = re.search(r"^# (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        lines.append(f"- [{heading[1] if heading else path.stem}](../benchmarks/{path.name})\n")
    return "".join(lines) or "No page yet.\n"


def rewrite(
    text: str, sections: Mapping[str, str], allowed: Sequence[str], where: str
) -> tuple[str, list[str]]:
    """Return the page with its sections replaced, and the names of those that differed.

    Raises:
        DataError: A mark has no counterpart, stands twice, names what is not known here, or is missing.
    """
    names = [match[1] for match in _SECTION.finditer(text)]
    paired = all(match[1] == match[3] and not _MARK.search(match[2]) for match in _SECTION.finditer(text))
    if not paired or len(_MARK.findall(text)) != 2 * len(names) or len(set(names)) < len(names):
        raise DataError("the marks of a page do not pair", where=where, got=", ".join(names))
    if not set(names) <= set(allowed):
        raise DataError(
            "a section is not known", where=where, got=", ".join(names), expected=", ".join(allowed)
        )
    missing = [name for name in allowed if name in sections and name not in names]
    if missing:
        raise DataError(
            "a page lacks a section",
            where=where,
            got=", ".join(missing),
            remedy=f"add `<!-- begin: {missing[0]} -->` and `<!-- end: {missing[0]} -->` where it belongs",
        )
    differ = []

    def replaced(match: re.Match[str]) -> str:
        name = match[1]
        body = f"\n{sections[name]}\n" if name in sections else match[2]
        if body != match[2]:
            differ.append(name)
        return f"<!-- begin: {name} -->\n{body}<!-- end: {name} -->"

    return _SECTION.sub(replaced, text), differ


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Rewrite or check the pages; return the exit status: 1 where a page differs, 2 where it cannot be read."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of an evaluated run")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a page differs")
    given = parser.parse_args(arguments)
    try:
        if not (given.run / "evaluation.json").is_file():
            raise DataError(
                "the folder is no evaluated run", where=given.run, remedy="run `gogooku3 evaluate` first"
            )
        sections = made(given.run, root)
        pages = {name: (root / name).read_text(encoding="utf-8") for name in PAGES}
        rewritten = {name: rewrite(text, sections, PAGES[name], name) for name, text in pages.items()}
    except Gogooku3Error as error:
        print(error, file=sys.stderr)
        return 2
    for name in (name for allowed in PAGES.values() for name in allowed if name not in sections):
        print(f"left as it is, the run does not hold it: {name}", file=sys.stderr)
    changed = [f"{page}: {', '.join(differ)}" for page, (_, differ) in rewritten.items() if differ]
    print("\n".join(changed) or "the pages say what the run says")
    if given.check:
        return 1 if changed else 0
    for page, (text, differ) in rewritten.items():
        if differ:
            write_text(root / page, text)
    return 0


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError("a file of the run cannot be read", where=path, got=error) from error
    return found


def _horizons(evaluation: Row, *, lag: int) -> list[int]:
    return sorted({row["horizon"] for row in evaluation["results"] if row["lag"] == lag})


def _models(evaluation: Row) -> list[str]:
    """Return the models of a run, in the order of ``NAMES``."""
    held = {row["model"] for row in evaluation["results"]}
    return [model for model in NAMES if model in held]


def _difference(evaluation: Row, model: str, against: str, horizon: int, lag: int) -> Row:
    wanted = (model, against, horizon, lag, "all")
    keys = ("model", "against", "horizon", "lag", "period")
    for pair in evaluation["comparisons"]:
        if tuple(pair[key] for key in keys) == wanted:
            found: Row = pair["difference"]
            return found
    raise DataError("the run lacks a comparison", got=f"{model} with {against}, horizon {horizon}, lag {lag}")


def _result(evaluation: Row, model: str, horizon: int, lag: int, period: str = "all") -> Row:
    wanted = (model, horizon, lag, period)
    keys = ("model", "horizon", "lag", "period")
    for row in evaluation["results"]:
        if tuple(row[key] for key in keys) == wanted:
            found: Row = row
            return found
    raise DataError("the run lacks a result", got=f"{model}, horizon {horizon}, lag {lag}")


def _level(evaluation: Row) -> str:
    return f"{100 * evaluation['settings']['confidence']:g} % interval"


def _short(text: str) -> str:
    return re.sub(r"(?<!\d)0\.", ".", text)


def _signed(value: float | None) -> str:
    return number(value) if value is None else f"{value:+.3f}"


def _value(value: float | None) -> float:
    return float("nan") if value is None else value


def _table(heads: Sequence[str], sides: str, rows: Sequence[Sequence[str]]) -> str:
    """Return a pipe table; ``sides`` holds ``-`` for text and ``:`` for numbers, the last one repeated."""
    rule = ["---:" if side == ":" else "---" for side in sides.ljust(len(heads), sides[-1])]
    lines = [f"| {' | '.join(map(escaped, cells))} |" for cells in (heads, *rows)]
    return "\n".join([lines[0], f"|{'|'.join(rule)}|", *lines[1:]]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
