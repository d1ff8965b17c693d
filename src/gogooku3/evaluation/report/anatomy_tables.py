"""What the scores are made of, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from gogooku3.evaluation.anatomy.anatomy import Anatomy, GroupResult
from gogooku3.evaluation.report.rows import STUB
from gogooku3.evaluation.report.table import Table
from gogooku3.evaluation.report.wording import NONE, interval, listed, number, percent
from gogooku3.evaluation.summary import SeriesSummary
from gogooku3.labels.target import Target

_STRONGEST = 10
_CORRELATIONS = ("Names", "RankIC", "Interval", "t", "ICIR", "IC", "t of IC")
_GROUP_COLUMNS = (*_CORRELATIONS, "Spread", "t of spread", "Monotonicity", "Hit rate")
_WITHOUT = ("Without sectors", "t, without sectors", "Without styles", "t, without styles")
_NEUTRAL_COLUMNS = ("RankIC", "t", *_WITHOUT)


def anatomy_tables(anatomies: Sequence[Anatomy]) -> list[Table]:
    """Return decay, sectors, size buckets, persistence, neutral RankIC and exposures of the headline target.

    That is 5 sessions at lag 1, or the nearest to it. Persistence and the neutral RankIC are short enough to show
    every target; the headline target comes first there. A part that nothing is known of has no table.

    Args:
        anatomies: In any order; models are shown in theirs. None gives no table.
    """
    if not anatomies:
        return []
    target = min({a.target for a in anatomies}, key=_from_headline)
    shown = [anatomy for anatomy in anatomies if anatomy.target == target]
    ordered = sorted(anatomies, key=lambda anatomy: _from_headline(anatomy.target))
    tables = [_decay(shown, target)] if any(a.decay for a in shown) else []
    tables += [_sectors(shown, target)] if any(_of_kind(a, "sector") for a in shown) else []
    tables += [_sizes(shown, target)] if any(_of_kind(a, "size") for a in shown) else []
    tables += [_persistence(ordered)] if any(a.persistence for a in ordered) else []
    tables += [_neutral(ordered)] if any(a.neutral for a in ordered) else []
    tables += [_exposures(shown, target)] if any(a.exposures for a in shown) else []
    return tables


def _from_headline(target: Target) -> tuple[int, int, Target]:
    return abs(target.lag - 1), abs(target.horizon - 5), target


def _in_words(target: Target) -> str:
    return f"{target.horizon} session{'' if target.horizon == 1 else 's'}, lag {target.lag}"


def _figures(series: SeriesSummary) -> list[str]:
    return [number(series.mean), interval(series.low, series.high), number(series.t, 1)]


def _decay(shown: Sequence[Anatomy], target: Target) -> Table:
    points = [{point.horizon: point.rank_ic for point in anatomy.decay} for anatomy in shown]
    rows = []
    for horizon in sorted(set().union(*points)):
        cells: list[str] = []
        for found in (by_horizon.get(horizon) for by_horizon in points):
            cells += _figures(found) if found else [NONE] * 3
        rows.append([str(horizon), *cells])
    return Table(
        title=f"How long the ranking lasts (scores for {_in_words(target)})",
        note=(
            "RankIC of the same scores with the returns of shorter and longer horizons: one that goes on rising "
            "can be held longer, at less turnover; one that falls is spent, so a trade that is late pays for "
            "nothing."
        ),
        columns=["Horizon, sessions", *_by_model(shown, ("RankIC", "interval", "t"))],
        rows=rows,
    )


def _of_kind(anatomy: Anatomy, kind: str) -> list[GroupResult]:
    return [group for group in anatomy.groups if group.kind == kind]


def _sectors(shown: Sequence[Anatomy], target: Target) -> Table:
    """Return one row a sector, those in which the models rank best first."""
    found = [{group.group: group for group in _of_kind(anatomy, "sector")} for anatomy in shown]
    names = sorted(set().union(*found), key=lambda name: -_mean_rank_ic(name, found))
    rows = []
    for name in names:
        known = [groups.get(name) for groups in found]
        cells = [next(number(group.names, 0) for group in known if group)]
        for group in known:
            cells += [number(group.rank_ic.mean), number(group.rank_ic.t, 1)] if group else [NONE] * 2
        rows.append([name, *cells])
    return Table(
        title=f"RankIC within each sector ({_in_words(target)})",
        note=(
            "A ranking to bet on is positive in most sectors; one carried by a few is a bet on those. Each row ranks "
            "the stocks of one sector against each other only; of many rows some lie beyond t = 2 by luck."
            f"{_left_out(shown)}"
        ),
        columns=["Sector", "Names", *_by_model(shown, ("RankIC", "t"))],
        rows=rows,
    )


def _mean_rank_ic(name: str, found: Sequence[dict[str, GroupResult]]) -> float:
    means = [groups[name].rank_ic.mean for groups in found if name in groups]
    return sum(means) / len(means)


def _by_model(shown: Sequence[Anatomy], columns: Sequence[str]) -> list[str]:
    if len(shown) == 1:
        return list(columns)
    return [f"{anatomy.model}: {column}" for anatomy in shown for column in columns]


def _sizes(shown: Sequence[Anatomy], target: Target) -> Table:
    rows: list[list[str]] = []
    starts: set[int] = set()
    for anatomy in shown:
        starts.add(len(rows))
        rows += [[anatomy.model, *_group_cells(group)] for group in _of_kind(anatomy, "size")]
    return Table(
        title=f"Within each size bucket ({_in_words(target)})",
        note=(
            "Stocks are sorted into buckets by their size on the session and ranked against each other within one: "
            "a ranking that works among the smallest only is hard to trade in any amount."
        ),
        columns=["Model", "Size bucket", *_GROUP_COLUMNS],
        rows=rows,
        text_columns=2,
        groups=frozenset(starts - {0}),
    )


def _group_cells(group: GroupResult) -> list[str]:
    return [
        group.group,
        number(group.names, 0),
        *_figures(group.rank_ic),
        number(group.rank_ic.ratio, 2),
        number(group.ic.mean),
        number(group.ic.t, 1),
        percent(group.spread.mean, 2),
        number(group.spread.t, 1),
        number(group.monotonicity, 2),
        percent(group.hit_rate),
    ]


def _left_out(shown: Sequence[Anatomy]) -> str:
    small = sorted({group for anatomy in shown for group in anatomy.groups_too_small})
    constant = sorted({group for anatomy in shown for group in anatomy.groups_constant})
    text = (
        f" {len(small)} group{'' if len(small) == 1 else 's'} with too few names left out." if small else ""
    )
    return text + (f" Constant scores within {listed(constant)}: nothing to rank." if constant else "")


def _persistence(ordered: Sequence[Anatomy]) -> Table:
    distances = sorted({point.sessions for anatomy in ordered for point in anatomy.persistence})
    rows = []
    for anatomy in ordered:
        found = {point.sessions: point.correlation for point in anatomy.persistence}
        cells = [number(found.get(distance), 2) for distance in distances]
        rows.append([*_stub(anatomy), *cells])
    return Table(
        title="How long the scores stay the same",
        note=(
            "Mean rank correlation of a session's scores with those of earlier sessions: near 1 the book hardly "
            "changes and costs little, near 0 it is replaced; compare 1 session back with the turnover and the "
            "break-even cost."
        ),
        columns=[*STUB, *(f"{distance} back" for distance in distances)],
        rows=rows,
        text_columns=3,
        groups=_starts(ordered),
    )


def _neutral(ordered: Sequence[Anatomy]) -> Table:
    known = [anatomy for anatomy in ordered if anatomy.neutral is not None]
    rows = []
    for anatomy in known:
        neutral = anatomy.neutral
        if neutral is not None:
            parts = (neutral.plain, neutral.sector, neutral.style)
            cells = [cell for part in parts for cell in (number(part.mean), number(part.t, 1))]
            rows.append([*_stub(anatomy), *cells])
    size = known[0].neutral.size_is if known[0].neutral else ""
    return Table(
        title="What is left of the RankIC without sectors and styles",
        note=(
            "What disappears when sector means, or the linear effect of size, beta and volatility, are taken out "
            "of the scores was a bet on those, which can be had without a model. All columns are of the same "
            f"stock-days; size is {size}."
        ),
        columns=[*STUB, *_NEUTRAL_COLUMNS],
        rows=rows,
        text_columns=3,
        groups=_starts(known),
    )


def _exposures(shown: Sequence[Anatomy], target: Target) -> Table:
    rows: list[list[str]] = []
    starts: set[int] = set()
    for anatomy in shown:
        starts.add(len(rows))
        for exposure in anatomy.exposures[:_STRONGEST]:
            series = exposure.correlation
            rows.append([anatomy.model, exposure.feature, number(series.mean, 2), number(series.sd, 2)])
    total = max(len(anatomy.exposures) for anatomy in shown)
    return Table(
        title=f"What the scores resemble ({_in_words(target)})",
        note=(
            f"Mean daily rank correlation with a feature, the {min(_STRONGEST, total)} strongest of {total}: close "
            "to 1 or -1 the score is little more than that feature, and a large standard deviation over days means "
            "that it leans on it at times only. A feature that resembles a score need not be what earns."
        ),
        columns=["Model", "Feature", "Correlation", "SD over days"],
        rows=rows,
        text_columns=2,
        groups=frozenset(starts - {0}),
    )


def _stub(anatomy: Anatomy) -> list[str]:
    return [str(anatomy.target.horizon), str(anatomy.target.lag), anatomy.model]


def _starts(ordered: Sequence[Anatomy]) -> frozenset[int]:
    return frozenset(row for row in range(1, len(ordered)) if ordered[row].target != ordered[row - 1].target)
