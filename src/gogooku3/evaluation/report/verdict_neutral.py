"""Whether sectors or styles carry a ranking, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gogooku3.evaluation.anatomy.anatomy import Neutral
from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.report.signs import signs
from gogooku3.evaluation.report.wording import listed, number, sessions
from gogooku3.evaluation.summary import SeriesSummary


def neutral_sentence(evidence: Evidence, model: str, lag: int) -> Iterator[str]:
    """Yield what is left of a model's RankIC without sectors and without styles; nothing without an anatomy."""
    found = sorted(
        (one for one in evidence.anatomies if one.model == model and one.target.lag == lag),
        key=lambda one: one.target,
    )
    known = [(one.target.horizon, one.neutral) for one in found if one.neutral is not None]
    if known:
        horizons = sessions([horizon for horizon, _ in known])
        sector = _left(known, lambda neutral: neutral.sector)
        style = _left(known, lambda neutral: neutral.style)
        styles = f"the linear effects of size ({known[0][1].size_is}), beta and volatility"
        yield f"Without sector means {model}'s RankIC {sector}; without {styles} it {style} ({horizons})."
    elif found:
        yield f"Whether sectors, size, beta or volatility carry {model}'s ranking was not measured."


def _left(known: list[tuple[int, Neutral]], pick: Callable[[Neutral], SeriesSummary]) -> str:
    summaries = [(horizon, pick(neutral)) for horizon, neutral in known]
    found = signs(summaries)
    if found.unmeasured == found.everywhere:
        return "was not measured"
    return f"is {listed([number(summary.mean) for _, summary in summaries])}, {found.against_chance}"
