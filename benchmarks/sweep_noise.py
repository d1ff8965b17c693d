"""How often a sweep of worthless trials is believed, and how often a good one is.

Stand-in trials instead of trained models: daily RankIC at 1, 5, 10 and 20 sessions and net returns of 245 or 490
sessions, from scores that persist, labels that overlap and a volatility that wanders (`noise_study`). Trials correlate
with each other. The best by mean RankIC is judged by the functions that `gogooku3 sweep` calls, at 5 %.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from bench import HERE, machine, options, publish, say, table, verdict

from gogooku3.config.process import prepare_process
from gogooku3.errors import EvaluationError
from gogooku3.evaluation.many_tries.deflated_sharpe import deflated_sharpe
from gogooku3.sweeps.noise_check import noise_check
from gogooku3.sweeps.noise_study import noise_study

STUDIES, QUICK_STUDIES, GOAL = 200, 20, 16
LEVEL, HORIZON, SEED = 0.05, 20, 2026
TRIALS, CORRELATIONS, DAYS = (5, 20, 60), (0.0, 0.5, 0.9), (245, 490)
SKILLS = (0.05, 0.1, 0.15, 0.2, 0.25)
EPOCHS, ALIKE = 10, (1.0, 0.99, 0.95, 0.9)

KINDS_NOTE = """\
False claims of {studies} studies: by the noise check, and in brackets by a deflated Sharpe ratio above 95 %, which
allows for how much trials differ and not for what they have in common. Trials without a series are as if pruned: they
are counted, but none of them could have been the best."""

POWER_NOTE = """\
Per cent of {studies} studies of 20 trials, correlation .5, 490 sessions, whose best is believed. Skill is the mean of
what a score earns on a session in units of its standard deviation, so about a daily Sharpe ratio before costs; the mean
RankIC over the four horizons is beside it. With one good trial the claim counts if that one is the best."""

EPOCHS_NOTE = """\
Why a trial's series has to be of sessions that its epochs were not chosen on. Here each of two years' best of ten
epochs is chosen on the very sessions that are judged; `alike` is the correlation of the RankIC of any two epochs of one
trial. False claims of {studies} studies of 20 trials, correlation .5, 490 sessions. `gogooku3 sweep` chooses epochs on
the validation year and measures trials on the year after it."""


def _study(*seed: int, **changes: object) -> tuple[np.ndarray, np.ndarray]:
    """Return daily RankIC and net return, [D, M]."""
    study = noise_study([SEED, *seed], **changes)
    return tuple(np.stack([getattr(s, name) for s in study], axis=1) for name in ("mean_rank_ic", "mean_net"))


def _best(rank_ic: np.ndarray) -> int:
    return int(rank_ic.mean(axis=0).argmax())


def _believed(rank_ic: np.ndarray, without: int = 0) -> bool:
    return noise_check(rank_ic, _best(rank_ic), horizon=HORIZON, without_series=without).p_value <= LEVEL


def _deflated(net: np.ndarray, best: int, without: int) -> bool:
    try:
        return deflated_sharpe(net, best, without_series=without).serial_probability > 1 - LEVEL
    except EvaluationError:
        return False


def worthless(place: int, studies: int, without: int, **changes: object) -> tuple[int, int]:
    """Return how many worthless studies are believed, by the noise check and by the deflated Sharpe ratio."""
    checked = deflated = 0
    for k in range(studies):
        rank_ic, net = _study(0, place, k, **changes)
        checked += _believed(rank_ic, without)
        deflated += _deflated(net, _best(rank_ic), without)
    return checked, deflated


def kinds() -> Iterator[dict[str, float]]:
    """Yield all kinds of studies: every length, number and correlation, then other persistence, then pruned trials."""
    usual = {"days": 490, "trials": 20, "correlation": 0.5, "persistence": 0.98, "without": 0}
    for days, trials, correlation in itertools.product(DAYS, TRIALS, CORRELATIONS):
        yield usual | {"days": days, "trials": trials, "correlation": correlation}
    yield from (usual | {"persistence": persistence} for persistence in (0.0, 0.9, 1.0))
    yield from (usual | {"trials": trials, "without": 20 - trials} for trials in (15, 5))


def power(studies: int) -> Iterator[list[str]]:
    """Yield a row per skill: its mean RankIC, and per cent believed where all trials or one have it."""
    for place, skill in enumerate(SKILLS):
        believed, reached = [0, 0], []
        for k in range(studies):
            for column, good in enumerate((np.ones(20), np.arange(20) == 13)):
                rank_ic, _ = _study(1, place, k, column, trials=20, correlation=0.5, skill=skill * good)
                reached.append(rank_ic[:, 13].mean())
                believed[column] += _believed(rank_ic) and (column == 0 or _best(rank_ic) == 13)
        yield [f"{skill:.2f}", f"{np.mean(reached):.3f}", *(f"{100 * b / studies:.0f}" for b in believed)]
        say(f"skill {skill}")


def chosen_epochs(studies: int, alike: float) -> int:
    """Return how many worthless studies are believed whose epochs were chosen on the sessions that are judged."""
    claims = 0
    for k in range(studies):
        trial, _ = _study(2, k, 0, trials=20, correlation=0.5)
        epoch, _ = _study(2, k, 1, trials=20 * EPOCHS, correlation=0.0)
        every = np.sqrt(alike) * trial[:, :, None] + np.sqrt(1 - alike) * epoch.reshape(490, 20, EPOCHS)
        years = []
        for year in np.array_split(every, 2):
            best = year.mean(axis=0).argmax(axis=1)
            years.append(year[:, np.arange(20), best])
        claims += _believed(np.concatenate(years))
    say(f"epochs alike {alike}")
    return claims


def main() -> None:
    """Count claims and write the page."""
    arguments = options(__doc__ or "").parse_args()
    prepare_process()
    studies = QUICK_STUDIES if arguments.quick else STUDIES
    goal = GOAL * studies // STUDIES
    found = []
    for place, kind in enumerate(kinds()):
        found.append((kind, worthless(place, studies, **kind)))
        say(f"{kind}: {found[-1][1][0]} of {studies}")
    claims = [checked for _, (checked, _) in found]
    parts = [
        f"# Noise: {studies} worthless sweeps of each kind",
        f"`python benchmarks/sweep_noise.py`, seed {SEED}. {(__doc__ or '').split(chr(10) * 2, 1)[1]}",
        f"Of {studies} worthless sweeps of a kind {min(claims)} to {max(claims)} are believed, of all {len(claims)} "
        f"kinds {sum(claims) / len(claims) / studies:.1%}. Goal, at most {goal} of {studies} of every kind: "
        f"{verdict(max(claims), goal, at_most=True)}.",
        "## False claims",
        KINDS_NOTE.format(studies=studies),
        table(
            ("sessions", "trials with a series", "correlation", "persistence", "without", "false claims"),
            ([*kind.values(), f"{checked} ({deflated})"] for kind, (checked, deflated) in found),
        ),
        "## Good trials",
        POWER_NOTE.format(studies=studies),
        table(("skill", "mean RankIC", "all 20 have it", "one has it"), power(studies)),
        "## Epochs chosen on what is judged",
        EPOCHS_NOTE.format(studies=studies),
        table(("alike", "false claims"), ([alike, chosen_epochs(studies, alike)] for alike in ALIKE)),
        machine(),
    ]
    publish(HERE / "sweep_noise.md", parts, arguments)


if __name__ == "__main__":
    main()
