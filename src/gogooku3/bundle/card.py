"""The model card: what a bundle is, written from its parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from gogooku3.bundle.about import About, Measured, Tested
from gogooku3.bundle.member import Member
from gogooku3.labels.target import Target

_LIMITS = (
    "Scores order the stocks of one session; neither their size nor their sign is a return.",
    "A target at lag 0 holds prices that nobody could trade at any more when the score is known; lag 1 is tradable.",
    "RankIC is measured before costs. It was found on the market and the years named here and says nothing of others.",
    "The features have to be computed by the code and the libraries named here, over the same universe rules.",
    "Nothing here is investment advice.",
)


def model_card(about: About, members: Sequence[Member]) -> str:
    """Return the card as Markdown; the same parts give the same text."""
    return "\n".join(_lines(about, members)) + "\n"


def _lines(about: About, members: Sequence[Member]) -> Iterator[str]:
    training = about.training
    models = tuple(dict.fromkeys(member.model for member in members))
    yield f"# Model card: {training.run}, fold {training.fold}"
    yield ""
    yield (
        f"Scores that rank the stocks of a session by their return over {_horizons(about)}. "
        f"Models: {', '.join(f'{model} ({_count(members, model)})' for model in models)}."
    )
    yield from _section("Data", _data(about))
    yield from _section("Inputs", _inputs(about))
    yield from _section("Validation", _validation(about))
    yield from _section("Test", _test(about))
    yield from _section("Limits", [f"- {limit}" for limit in _LIMITS])
    yield from _section(
        "Licence",
        ["To be named by whoever hands this file on: that of the weights, and that of the data behind them."],
    )


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield from lines


def _data(about: About) -> list[str]:
    training = about.training
    chosen = _span(training.chosen) if training.chosen else "none"
    then = ", then learned from as well" if training.refit and training.chosen else ""
    return [
        f"- Bars: {training.market}; exchange calendar {training.calendar}.",
        f"- Learned from: {_span(training.trained)}.",
        f"- Settings chosen and training stopped on: {chosen}{then}.",
        f"- Out of sample from: {training.scores_from}.",
        f"- Panel: SHA-256 {training.panel} over those sessions; each one's own is in `training.json`.",
    ]


def _span(sessions: tuple[date, date, int]) -> str:
    return f"{sessions[0]} to {sessions[1]}, {sessions[2]} sessions"


def _inputs(about: About) -> list[str]:
    lines = [
        f"- Features: {len(about.features.names)}, named in `features.json`.",
        f"- Code that computed them: {about.features.code or 'not known'}.",
        f"- Targets: {', '.join(about.targets)} (horizon and entry lag in sessions).",
    ]
    for model in about.normaliser:
        scaled, linked = about.normaliser[model], about.graph[model]
        lines.append(f"- {model}: inputs {scaled.get('kind')}, links {linked.get('kind')}.")
    return lines


def _validation(about: About) -> list[str]:
    rows = [_cells(one) for one in about.evaluation.validation]
    return [
        "Mean daily RankIC on the sessions that chose the settings, of models that had not learned from them.",
        "It is optimistic, since the best settings were chosen there.",
        "",
        "| model | horizon | lag | RankIC |",
        "|---|---:|---:|---:|",
        *rows,
    ]


def _test(about: About) -> list[str]:
    tested = about.evaluation.test
    if not tested:
        return ["Not evaluated out of sample."]
    return [
        f"Mean daily RankIC from {tested[0].first} to {tested[0].last}, each fold's sessions scored by models that had",
        f"learned from earlier ones only; the models of this file are those of fold {about.training.fold}.",
        "",
        "| model | horizon | lag | RankIC | 95 % interval | days |",
        "|---|---:|---:|---:|---|---:|",
        *(_row(one) for one in tested),
    ]


def _row(one: Tested) -> str:
    return f"{_cells(one)} {_number(one.low)} to {_number(one.high)} | {one.days} |"


def _horizons(about: About) -> str:
    found = sorted({Target.parse(target).horizon for target in about.targets})
    return f"{', '.join(map(str, found))} session{'s' if found != [1] else ''}"


def _cells(one: Measured) -> str:
    target = Target.parse(one.target)
    return f"| {one.model} | {target.horizon} | {target.lag} | {_number(one.rank_ic)} |"


def _count(members: Sequence[Member], model: str) -> str:
    found = sum(member.model == model for member in members)
    return f"{found} file{'s' if found > 1 else ''}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
