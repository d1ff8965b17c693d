"""Points of a space: at random, and so few that still every two values meet."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from gogooku3.sweeps.space import Params, Space


def random_points(space: Space, count: int, seed: int) -> list[Params]:
    """Return points at random."""
    rng = np.random.default_rng(seed)
    return [{name: what.draw(rng) for name, what in space.items()} for _ in range(count)]


def covering_array(space: Space) -> list[Params]:
    """Return points in which every two values of every two entries meet; of a range, its ends and its middle.

    Greedy, as in AETG (Cohen et al. 1997): each point takes one missing pair, and then entry by entry the value that
    meets most of what is still missing.
    """
    levels = {name: what.levels() for name, what in space.items()}
    if len(levels) < 2:
        return [{name: value} for name, values in levels.items() for value in values]
    missing = {
        frozenset(((a, x), (b, y)))
        for a, b in itertools.combinations(levels, 2)
        for x in range(len(levels[a]))
        for y in range(len(levels[b]))
    }
    points = []
    while missing:
        point = dict(min(missing, key=sorted))
        for name, values in levels.items():
            if name not in point:
                met = [
                    sum(frozenset(((name, place), other)) in missing for other in point.items())
                    for place in range(len(values))
                ]
                point[name] = met.index(max(met))
        missing -= {frozenset(pair) for pair in itertools.combinations(point.items(), 2)}
        points.append({name: levels[name][point[name]] for name in levels})
    return points


def pairs(space: Space) -> Iterator[Params]:
    """Yield every value of every entry alone, then every two values of every two entries."""
    levels = {name: what.levels() for name, what in space.items()}
    for name, values in levels.items():
        yield from ({name: value} for value in values)
    for a, b in itertools.combinations(levels, 2):
        yield from ({a: x, b: y} for x in levels[a] for y in levels[b])
