"""Paired differences of models as tables and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gogooku3.evaluation.evaluation import WHOLE
from gogooku3.evaluation.paired import Paired
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.wording import interval, listed, number, percent, sessions

_WORDS = {1: "better", 0: "not distinguishable", -1: "worse"}
_DIGITS = 4

Names = Mapping[str, str]
"""Label of a contestant, ``run:model``, to what a reader calls it here."""


def short_names(labels: Sequence[str]) -> dict[str, str]:
    """Return what tells contestants apart: the model within one run, the run for one model, else both."""
    split = {label: label.rpartition(":") for label in labels}
    runs, models = {parts[0] for parts in split.values()}, {parts[2] for parts in split.values()}
    if len(runs) == 1:
        return {label: parts[2] for label, parts in split.items()}
    if len(models) == 1:
        return {label: parts[0] for label, parts in split.items()}
    return {label: label for label in split}


def pairs_verdict(pairs: Sequence[Paired], names: Names) -> list[str]:
    """Return a sentence for every two models and lag, lags at which one can trade first."""
    lags = sorted({pair.target.lag for pair in pairs}, key=lambda lag: (lag == 0, lag))
    both = dict.fromkeys((pair.model, pair.against) for pair in pairs)
    return [
        _sentence([p for p in pairs if (p.model, p.against) == two and p.target.lag == lag], names, lag)
        for lag in lags
        for two in both
        if any((p.model, p.against) == two and p.target.lag == lag for p in pairs)
    ]


def pairs_table(pairs: Sequence[Paired], names: Names, *, confidence: float) -> Table:
    """Return the difference over the whole period, a row a target and pair."""
    level = f"{percent(confidence, 0)} interval"
    rows = []
    for pair in pairs:
        whole = pair.whole
        rows.append(
            [
                *_stub(pair, names),
                number(whole.mean, _DIGITS),
                number(whole.t, 1),
                interval(whole.low, whole.high, _DIGITS),
                interval(pair.low, pair.high, _DIGITS),
                interval(whole.bootstrap_low, whole.bootstrap_high, _DIGITS),
                _p(pair.p_value),
                _p(pair.independent),
                _p(pair.dependent),
                _WORDS[pair.verdict],
            ]
        )
    return Table(
        title="Difference of RankIC on the same days and stocks",
        note=(
            "t and its interval by equal-weighted cosines know of the days alone; the interval that decides adds the "
            "uncertainty of the seeds (the same where no model has any). The bootstrap's stands beside it. Adjusted "
            "p: for all rows, by Benjamini and Hochberg (BH) and, whatever the dependence, Benjamini and Yekutieli "
            "(BY); where there are several pairs, BH has to agree."
        ),
        columns=[
            "Horizon",
            "Lag",
            "Pair",
            "Difference",
            "t",
            f"{level}, days",
            f"{level}, days and seeds",
            f"{level}, bootstrap",
            "p",
            "Adjusted, BH",
            "Adjusted, BY",
            "Verdict",
        ],
        rows=rows,
        text_columns=3,
        text_tail=True,
        groups=_groups(pairs),
    )


def pairs_by_year(pairs: Sequence[Paired], names: Names) -> Table:
    """Return the difference of every year with its interval."""
    periods = list(pairs[0].periods)
    rows = [
        [*_stub(pair, names), *(_with_interval(pair, name) for name in periods), _years_above(pair)]
        for pair in pairs
    ]
    return Table(
        title="Difference of RankIC by year",
        note="Mean difference and its interval by cosines; a model that is better is so in most years.",
        columns=[
            "Horizon",
            "Lag",
            "Pair",
            *("All" if name == WHOLE else name for name in periods),
            "Years above 0",
        ],
        rows=rows,
        text_columns=3,
        groups=_groups(pairs),
    )


def seeds_table(pairs: Sequence[Paired], names: Names) -> Table | None:
    """Return the variance split into seed and period; None where no model has seeds."""
    split = [pair for pair in pairs if pair.split is not None]
    rows = []
    for pair in split:
        parts = pair.split
        if parts is None:
            continue
        joint = (parts.joint_error / parts.error) ** 2 if parts.error > 0 else float("nan")
        rows.append(
            [
                *_stub(pair, names),
                number(parts.mean, _DIGITS),
                f"{number(min(parts.seed_means), _DIGITS)} to {number(max(parts.seed_means), _DIGITS)}",
                number(parts.seed_sd, _DIGITS),
                number(parts.error, _DIGITS),
                percent(parts.seed_share, 0),
                percent(parts.period_share, 0),
                percent(joint, 0),
                number(pair.seed_error, _DIGITS),
            ]
        )
    if not rows:
        return None
    seeds = sorted({pair.split.seeds for pair in split if pair.split is not None})
    return Table(
        title="How much of the uncertainty is due to seeds, how much to the period",
        note=(
            f"Single members of {listed(seeds)} seeds: the mean of their differences, the least and the greatest, and "
            "the standard deviation between seeds. The variance of that mean is split by a crossed random-effects "
            "model into seeds, period, and what a seed does on some days only. Last, for the averaged score that is "
            "used: the standard error from its seeds, by the jackknife."
        ),
        columns=[
            "Horizon",
            "Lag",
            "Pair",
            "Mean of members",
            "Least to greatest seed",
            "SD of seeds",
            "Standard error",
            "Of it seeds",
            "Of it period",
            "Of it both",
            "Seed error of the average",
        ],
        rows=rows,
        text_columns=3,
        groups=_groups(split),
    )


def coverage_sentence(pairs: Sequence[Paired], names: Names) -> str:
    """Say on how many stock-days models were compared, and whether their coverage differs."""
    compared = {pair.coverage.compared for pair in pairs}
    days = {pair.whole.days for pair in pairs}
    text = f"Compared on {_range(compared)} stock-days with a label, on {_range(days)} sessions"
    more = {
        names[label]: count - pair.coverage.compared
        for pair in pairs
        for label, count in ((pair.model, pair.coverage.model), (pair.against, pair.coverage.against))
        if count > pair.coverage.compared
    }
    if not more:
        return f"{text}; all models score the same ones."
    parts = [f"{name} also scores {count:,} others" for name, count in more.items()]
    return f"{text}. Coverage differs: {listed(parts)}, which do not count."


def _sentence(pairs: Sequence[Paired], names: Names, lag: int) -> str:
    model, against = names[pairs[0].model], names[pairs[0].against]
    outcome = {sign: [pair for pair in pairs if pair.verdict == sign] for sign in (1, -1, 0)}
    clauses = [
        f"ranks {_WORDS[sign]} than {against} at " + listed([_figure(pair) for pair in outcome[sign]])
        for sign in (1, -1)
        if outcome[sign]
    ]
    undecided = [pair.target.horizon for pair in outcome[0]]
    if not clauses:
        return f"{model} and {against} cannot be told apart at {sessions(undecided)} (lag {lag})."
    text = f"{model} {' and '.join(clauses)}"
    text += f"; not distinguishable at {sessions(undecided)}" if undecided else ""
    return f"{text} (lag {lag})."


def _figure(pair: Paired) -> str:
    span = f"[{number(pair.low, _DIGITS)}, {number(pair.high, _DIGITS)}]"
    return (
        f"{sessions([pair.target.horizon])} by {number(abs(pair.whole.mean), _DIGITS)} {_signed(pair, span)}"
    )


def _signed(pair: Paired, span: str) -> str:
    """Give the interval of the size of a difference that is below 0."""
    if pair.whole.mean >= 0:
        return span
    return f"[{number(-pair.high, _DIGITS)}, {number(-pair.low, _DIGITS)}]"


def _stub(pair: Paired, names: Names) -> list[str]:
    return [
        str(pair.target.horizon),
        str(pair.target.lag),
        f"{names[pair.model]} - {names[pair.against]}",
    ]


def _groups(pairs: Sequence[Paired]) -> frozenset[int]:
    return frozenset(
        index
        for index in range(1, len(pairs))
        if (pairs[index].model, pairs[index].against) != (pairs[index - 1].model, pairs[index - 1].against)
    )


def _with_interval(pair: Paired, period: str) -> str:
    each = pair.periods[period]
    return f"{number(each.mean, _DIGITS)} ({interval(each.low, each.high, _DIGITS)})"


def _years_above(pair: Paired) -> str:
    years = [each.mean for name, each in pair.periods.items() if name != WHOLE and each.days]
    return f"{sum(mean > 0 for mean in years)} of {len(years)}"


def _p(value: float) -> str:
    return "under 0.0001" if value < 1e-4 else number(value, _DIGITS)


def _range(values: set[int]) -> str:
    return f"{min(values):,}" if len(values) == 1 else f"{min(values):,} to {max(values):,}"
