"""A search as one self-contained page and as Markdown: what was found, what may be believed of it, what mattered."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gogooku3.evaluation.report.table import Table
from gogooku3.storage.atomic import write_text
from gogooku3.sweeps.honesty import Honesty
from gogooku3.sweeps.ledger import Ledger
from gogooku3.sweeps.study import REASON

if TYPE_CHECKING:
    import optuna

HTML, MARKDOWN = "report.html", "report.md"


def write_report(folder: Path, study: optuna.Study, ledger: Ledger, honesty: Honesty) -> Path:
    """Write ``report.html`` and ``report.md`` of a search at any moment; return the page.

    Args:
        folder: Folder of the search.
        study: Its study.
        ledger: Its ledger.
        honesty: What may be believed of the best trial.

    Raises:
        StorageError: A file cannot be written, or the ledger is damaged.
    """
    importance = importance_of(study)
    tables = [summary_table(study, honesty), trials_table(study, ledger)]
    if importance:
        tables.append(importance_table(importance))
    title = f"Search {study.study_name}"
    text = "\n".join([f"# {title}", "", honesty.sentence(), "", *(table.to_markdown(2) for table in tables)])
    write_text(folder / MARKDOWN, text)
    write_text(folder / HTML, _page(title, honesty, tables, list(figures(study))))
    return folder / HTML


def importance_of(study: optuna.Study) -> dict[str, float]:
    """Return how much of the differences between trials each setting explains, the most first; empty if unknown."""
    import optuna

    completed = [t for t in study.get_trials(deepcopy=False) if t.state.name == "COMPLETE"]
    if len(completed) < 4 or len({trial.value for trial in completed}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = optuna.importance.get_param_importances(study)
        except (RuntimeError, ValueError):  # trials have no setting in common
            return {}
    return {name: float(value) for name, value in found.items()}


def summary_table(study: optuna.Study, honesty: Honesty) -> Table:
    """Return trials by state, the best, and what is left of it."""
    states = [trial.state.name for trial in study.get_trials(deepcopy=False)]
    rows = [(f"trials {name.lower()}", str(states.count(name))) for name in dict.fromkeys(states)]
    known: list[tuple[str, object, str]] = [
        ("best trial", honesty.best, "d"),
        ("its mean RankIC, lag 1", honesty.value, ".4f"),
        ("effective number of trials", honesty.effective_trials, ".1f"),
        ("p, the best of as many worthless trials", honesty.noise_p_value, ".4f"),
        ("deflated Sharpe ratio, probability", honesty.deflated_sharpe, ".2f"),
        ("probability of backtest overfitting", honesty.overfitting, ".2f"),
    ]
    rows += [(what, format(value, form) if value is not None else "-") for what, value, form in known]
    note = "; ".join(f"{what}: {why}" for what, why in honesty.unknown.items()) or "Nothing is left unknown."
    return Table(
        title="What was found, and what may be believed", note=note, columns=("", "value"), rows=rows
    )


def trials_table(study: optuna.Study, ledger: Ledger) -> Table:
    """Return all trials, the best first, then those without a value."""
    entries = ledger.read().trials
    trials = sorted(
        study.get_trials(deepcopy=False),
        key=lambda t: (t.state.name != "COMPLETE", -(t.value or 0.0) if t.state.name == "COMPLETE" else 0.0),
    )
    names = list(dict.fromkeys(name for trial in trials for name in trial.params))
    rows = []
    for trial in trials:
        entry = entries.get(trial.number)
        complete = trial.state.name == "COMPLETE"
        rows.append(
            [
                str(trial.number),
                trial.state.name.lower(),
                f"{trial.value:.4f}" if complete else "-",
                f"{entry.seconds / 60:.1f}" if entry else "-",
                *(_short(trial.params.get(name)) for name in names),
                "" if complete else str(trial.user_attrs.get(REASON, "")),
            ]
        )
    return Table(
        title="Trials",
        note="The value is the mean RankIC at lag 1 over the folds' test sessions and the horizons; a pruned or failed"
        " trial has none.",
        columns=("trial", "state", "RankIC", "minutes", *names, "reason"),
        rows=rows,
        text_columns=2,
        text_tail=True,
    )


def importance_table(importance: dict[str, float]) -> Table:
    """Return how much each setting mattered."""
    return Table(
        title="What mattered",
        note="Share of the differences between completed trials that each setting explains (PED-ANOVA, Watanabe et al."
        " 2023).",
        columns=("setting", "importance"),
        rows=[(name, f"{value:.2f}") for name, value in importance.items()],
    )


def figures(study: optuna.Study) -> Sequence[tuple[str, Any]]:
    """Return title and plot of everything that can be drawn yet."""
    from optuna import visualization

    drawn: list[tuple[str, Callable[[optuna.Study], Any]]] = [
        ("Values, trial by trial", visualization.plot_optimization_history),
        ("Validation RankIC of the first fold, epoch by epoch", visualization.plot_intermediate_values),
        ("What mattered", visualization.plot_param_importances),
        ("Value by each setting", visualization.plot_slice),
        ("All settings of a trial together", visualization.plot_parallel_coordinate),
    ]
    enough = len([t for t in study.get_trials(deepcopy=False) if t.state.name == "COMPLETE"]) >= 4
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for title, draw in drawn:
            if draw is visualization.plot_param_importances and not (enough and importance_of(study)):
                continue
            figure = draw(study)
            figure.update_layout(title_text="", template="plotly_white", margin={"t": 30})
            found.append((title, figure))
    return found


def _page(title: str, honesty: Honesty, tables: Sequence[Table], plots: Sequence[tuple[str, Any]]) -> str:
    from importlib.resources import files

    from jinja2 import Environment, PackageLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=PackageLoader("gogooku3.sweeps", ""), autoescape=True, undefined=StrictUndefined
    )
    page: str = environment.get_template("report.html.j2").render(
        title=title,
        sentence=honesty.sentence(),
        tables=tables,
        plots=[(name, figure.to_html(full_html=False, include_plotlyjs=False)) for name, figure in plots],
        style=(files("gogooku3.evaluation.report") / "report.css").read_text(encoding="utf-8"),
        plotly=get_plotlyjs(),
    )
    return page


def _short(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
