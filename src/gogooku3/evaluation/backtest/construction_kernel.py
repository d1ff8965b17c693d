"""Compiled: target weights of each session's scores."""

from __future__ import annotations

import numba
import numpy as np

from gogooku3.evaluation.backtest.kernel_types import Rule

DECILE, TOP_K, RANK = 0, 1, 2


@numba.njit(parallel=True, cache=True, error_model="numpy")
def weigh(
    score: np.ndarray, group: np.ndarray, borrowable: np.ndarray, rule: Rule
) -> tuple[np.ndarray, np.ndarray]:
    """Return target weights [D, N] and which sessions have a ranking [D].

    Args:
        score: Scores [D, N], NaN where none.
        group: Group of each stock from 0, within which is ranked, int64 [N].
        borrowable: True where a stock can be sold short; no rows for everywhere, [D, N].
        rule: The construction.
    """
    days, stocks = score.shape
    weights = np.zeros((days, stocks))
    ranked = np.zeros(days, dtype=np.bool_)
    everywhere = np.ones(stocks, dtype=np.bool_)
    for d in numba.prange(days):
        lent = borrowable[d] if borrowable.shape[0] else everywhere
        ranked[d] = _session(score[d], group, lent, rule, weights[d])
    return weights, ranked


@numba.njit(cache=True, error_model="numpy")
def _session(score: np.ndarray, group: np.ndarray, lent: np.ndarray, rule: Rule, weights: np.ndarray) -> bool:
    """Write the weights of one session; return whether it has a ranking."""
    names = np.flatnonzero(np.isfinite(score))
    if names.size < rule.min_names:
        return False
    member, start = _grouped(names[np.argsort(score[names])], group)
    quota = _quotas(start, rule.size if rule.kind == TOP_K else 0)
    legs = np.zeros((2, names.size))
    active = 0
    for g in range(quota.size):
        part = slice(start[g], start[g + 1])
        size = quota[g] if rule.kind == TOP_K else rule.size
        _legs(score, member[part], rule.kind, size, legs[:, part])
        for i in range(start[g], start[g + 1]):
            legs[1, i] = legs[1, i] if lent[member[i]] else 0.0
        if _is_ranked(legs[:, part], rule.long_only):
            active += start[g + 1] - start[g]
        else:
            legs[:, part] = 0.0
    for g in range(quota.size):
        part = slice(start[g], start[g + 1])
        _write(legs[:, part], member[part], (start[g + 1] - start[g]) / max(active, 1), rule, weights)
    return active > 0


@numba.njit(cache=True, error_model="numpy")
def _grouped(names: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the names by group, in the given order within each, and where each group starts."""
    start = np.zeros(group.max() + 2, dtype=np.int64)
    for n in names:
        start[group[n] + 1] += 1
    start = np.cumsum(start)
    place = start[:-1].copy()
    member = np.empty(names.size, dtype=np.int64)
    for n in names:
        member[place[group[n]]] = n
        place[group[n]] += 1
    return member, start


@numba.njit(cache=True, error_model="numpy")
def _quotas(start: np.ndarray, k: int) -> np.ndarray:
    """Share ``k`` places among groups by size: largest remainders, the earlier group first among equals."""
    groups = start.size - 1
    total = start[-1]
    quota = np.empty(groups, dtype=np.int64)
    rest = np.empty(groups, dtype=np.int64)
    for g in range(groups):
        exact = k * (start[g + 1] - start[g])
        quota[g] = exact // total
        rest[g] = exact % total
    for _ in range(k - quota.sum()):
        g = int(np.argmax(rest))
        quota[g] += 1
        rest[g] = -1
    return quota


@numba.njit(cache=True, error_model="numpy")
def _legs(score: np.ndarray, member: np.ndarray, kind: int, size: int, legs: np.ndarray) -> None:
    """Write the raw weights of one group's legs; ``member`` is sorted by score, tied names get the same."""
    n = member.size
    begin = 0
    if n > 1 and score[member[0]] == score[member[n - 1]]:
        return
    while begin < n:
        end = begin + 1
        while end < n and score[member[end]] == score[member[begin]]:
            end += 1
        long, short = 0.0, 0.0
        if kind == DECILE:
            bucket = (begin + end) * size // (2 * n)
            long, short = 1.0 if bucket == size - 1 else 0.0, 1.0 if bucket == 0 else 0.0
        elif kind == TOP_K:
            long = min(max(end - (n - size), 0), end - begin) / (end - begin)
            short = min(max(size - begin, 0), end - begin) / (end - begin)
        else:
            middle = 0.5 * (begin + end - n)
            long, short = max(middle, 0.0), max(-middle, 0.0)
        for i in range(begin, end):
            legs[0, i], legs[1, i] = long, short
        begin = end


@numba.njit(cache=True, error_model="numpy")
def _is_ranked(legs: np.ndarray, long_only: bool) -> bool:
    """Whether every leg has names, and the legs share none."""
    long, short = 0.0, 0.0
    for i in range(legs.shape[1]):
        if not long_only and legs[0, i] > 0 and legs[1, i] > 0:
            return False
        long += legs[0, i]
        short += legs[1, i]
    return long > 0 and (long_only or short > 0)


@numba.njit(cache=True, error_model="numpy")
def _write(legs: np.ndarray, member: np.ndarray, share: float, rule: Rule, weights: np.ndarray) -> None:
    """Scale one group's legs to ``share``, or to what the cap leaves possible in both."""
    sides = 1 if rule.long_only else 2
    for side in range(sides):
        count = 0
        for i in range(member.size):
            count += 1 if legs[side, i] > 0 else 0
        if count == 0:
            return
        share = min(share, count * rule.max_weight)
    for side in range(sides):
        _scale(legs[side], share, rule.max_weight)
        sign = 1.0 if side == 0 else -1.0
        for i in range(member.size):
            if legs[side, i] > 0:
                weights[member[i]] = sign * legs[side, i]


@numba.njit(cache=True, error_model="numpy")
def _scale(leg: np.ndarray, share: float, max_weight: float) -> None:
    """Scale raw weights to the sum ``share``; names above the cap get the cap, the others carry the rest."""
    capped = np.zeros(leg.size, dtype=np.bool_)
    while True:
        free, rest = 0.0, share
        for i in range(leg.size):
            if capped[i]:
                rest -= max_weight
            else:
                free += leg[i]
        more = False
        for i in range(leg.size):
            if not capped[i] and leg[i] > 0 and leg[i] * rest > max_weight * free * (1 + 1e-12):
                capped[i] = True
                more = True
        if not more:
            break
    for i in range(leg.size):
        if capped[i]:
            leg[i] = max_weight
        elif leg[i] > 0:
            leg[i] = min(leg[i] * max(rest, 0.0) / free, max_weight)
