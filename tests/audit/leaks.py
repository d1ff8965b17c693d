"""Ways to let the future in, each planted in real pipeline code at a place and a size drawn by seed.

Nothing here is known to the audit. A leak is a context manager that patches a function of the pipeline and yields a
sentence on what it did.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from unittest.mock import patch

import numpy as np

from gogooku3.features.compute import FeatureStream
from gogooku3.features.registry import FeatureSet
from gogooku3.labels.target import Target
from gogooku3.models.baselines.lightgbm import fit_binned, fit_lightgbm
from gogooku3.models.baselines.ridge import fit_ridge
from gogooku3.models.baselines.rows import Rows
from gogooku3.pipeline import build, segments, train
from gogooku3.training import fit
from gogooku3.training.ranked_rows import RankedRows

Rng = np.random.Generator
Leak = Callable[[Rng], AbstractContextManager[str]]

FIELDS = ("loglink", "overnight", "intraday", "log_high", "log_low", "turnover")
SHARES = (1.0, 0.5, 0.1)


@contextmanager
def centred_window(rng: Rng) -> Iterator[str]:
    """A feature is smoothed over a window that is centred on the session instead of ending there."""
    ahead = int(rng.integers(1, 11))

    def smooth(x: np.ndarray) -> np.ndarray:
        return around(x, ahead, ahead, np.nanmean)

    with feature_replaced(rng, smooth) as name:
        yield f"{name} smoothed over {ahead} sessions to either side"


@contextmanager
def full_sample_scaler(rng: Rng) -> Iterator[str]:
    """A field is scaled by statistics of all history, what is to come included."""
    field = str(rng.choice(FIELDS))
    kind = str(rng.choice(("mean and deviation", "largest value", "place in all history")))
    own = bool(rng.random() < 0.5)
    real = segments.base_fields

    def scaled(x: np.ndarray) -> np.ndarray:
        axis = 0 if own else None
        if kind == "mean and deviation":
            return (x - np.nanmean(x, axis=axis)) / np.nanstd(x, axis=axis)
        if kind == "largest value":
            return x / np.nanmax(np.abs(x), axis=axis)
        flat = x if own else x.reshape(-1, 1)
        place = np.argsort(np.argsort(flat, axis=0), axis=0) / np.maximum((~np.isnan(flat)).sum(axis=0), 1)
        return np.where(np.isnan(x), np.nan, place.reshape(x.shape) - 0.5)

    def leaking(*args, **kwargs):
        fields = real(*args, **kwargs)
        with quiet():
            fields.grids[field] = scaled(fields.grids[field])
        return fields

    with everywhere(segments.base_fields, leaking):
        yield f"{field} by {kind} of {'each stock' if own else 'all stocks'}"


@contextmanager
def survivor_universe(rng: Rng) -> Iterator[str]:
    """Only stocks that still trade some time later are in the universe."""
    ahead = int(rng.integers(1, 120))
    at_the_end = bool(rng.random() < 0.5)
    real = build.universe

    def leaking(market, *args, **kwargs):
        member, present = real(market, *args, **kwargs), market.present
        if at_the_end:
            return member & present[-ahead:].any(axis=0)
        count = np.concatenate([np.zeros((1, present.shape[1]), dtype=int), np.cumsum(present, axis=0)])
        later = np.minimum(np.arange(len(present)) + 1 + ahead, len(present))
        alive = count[later] - count[1:] > 0
        alive[-1] = True
        return member & alive

    with everywhere(build.universe, leaking):
        yield f"a bar within {'the last' if at_the_end else 'the next'} {ahead} sessions"


@contextmanager
def rows_filtered_by_label(rng: Rng) -> Iterator[str]:
    """Rows are left out by what their label turns out to be."""
    kind = str(rng.choice(("missing", "extreme", "member")))
    column, bound = int(rng.integers(0, 4)), float(rng.uniform(0.3, 0.49))
    horizon, lag = int(rng.choice((1, 5, 20))), int(rng.integers(0, 2))
    real_rows, real_universe = train.ranked_rows, build.universe

    def fewer(*args, **kwargs):
        data = real_rows(*args, **kwargs)
        y = data.rows.y[:, column % data.rows.y.shape[1]]
        return picked(data, ~np.isnan(y) if kind == "missing" else ~(np.abs(y) > bound))

    def smaller(market, *args, **kwargs):
        returns = segments.forward_returns(market, (Target(horizon, lag),))[:, :, 0]
        with quiet():
            return real_universe(market, *args, **kwargs) & ~(np.abs(returns) > bound / 5)

    if kind == "member":
        with everywhere(build.universe, smaller):
            yield f"no member whose return over {horizon} sessions, lag {lag}, exceeds {bound / 5:.2f}"
    else:
        with everywhere(train.ranked_rows, fewer):
            yield f"no row whose label number {column} is {kind} ({bound:.2f})"


@contextmanager
def label_shifted_by_one(rng: Rng) -> Iterator[str]:
    """The label of a session is that of the session before or after."""
    step = int(rng.choice((-1, 1)))
    in_panel = bool(rng.random() < 0.5)
    column = int(rng.integers(0, 4))
    real_returns, real_rows = segments.forward_returns, train.ranked_rows

    def returns(market, targets, start=0, stop=None):
        stop = len(market.sessions) if stop is None else stop
        whole = real_returns(market, targets, 0, len(market.sessions))
        whole[:, :, column % len(targets)] = shifted(whole[:, :, column % len(targets)], step)
        return whole[start:stop]

    def rows(*args, **kwargs):
        data = real_rows(*args, **kwargs)
        y = data.rows.y.copy()
        at = column % y.shape[1]
        session = sessions_of(data)
        grid = np.full((len(data.rows.bounds) - 1, int(data.stock.max(initial=0)) + 1), np.nan, dtype=y.dtype)
        grid[session, data.stock] = y[:, at]
        y[:, at] = shifted(grid, step)[session, data.stock]
        return replace(data, rows=replace(data.rows, y=y))

    with everywhere(*((real_returns, returns) if in_panel else (real_rows, rows))):
        yield f"target number {column} shifted by {step} in {'the panel' if in_panel else 'the training rows'}"


@contextmanager
def window_normalised_with_the_future(rng: Rng) -> Iterator[str]:
    """A feature is normalised by the mean and deviation of a window, or of a chunk, that reaches past the session."""
    ahead, chunk = int(rng.integers(1, 21)), int(rng.integers(10, 61))
    in_chunks = bool(rng.random() < 0.5)

    def normalised(x: np.ndarray) -> np.ndarray:
        if not in_chunks:
            return (x - around(x, 60, ahead, np.nanmean)) / (around(x, 60, ahead, np.nanstd) + 1e-9)
        out = x.copy()
        for start in range(0, len(x), chunk):
            part = x[start : start + chunk]
            out[start : start + chunk] = (part - np.nanmean(part, axis=0)) / (np.nanstd(part, axis=0) + 1e-9)
        return out

    with feature_replaced(rng, normalised) as name:
        yield f"{name} in {f'chunks of {chunk}' if in_chunks else f'windows up to {ahead} ahead'}"


@contextmanager
def per_stock_split(rng: Rng) -> Iterator[str]:
    """Each stock's own first rows train, whenever they were, so that stocks listed late train on tested days."""
    share = float(rng.uniform(0.75, 0.97))
    by_chance = bool(rng.random() < 0.3)
    seed = int(rng.integers(2**31))

    def members(self, model, fold, tick):
        data = picked(self.data, sessions_of(self.data) <= fold.test[-1])
        order = np.lexsort((sessions_of(data), data.stock))
        _, first, size = np.unique(data.stock[order], return_index=True, return_counts=True)
        place = np.empty(len(order))
        place[order] = (np.arange(len(order)) - np.repeat(first, size)) / np.repeat(size, size)
        keep = np.random.default_rng(seed).random(len(order)) < share if by_chance else place < share
        rows, (validation, _) = picked(data, keep).rows, data.sessions(fold.validation)
        return fitted(self, model, rows, validation, tick)

    with patch.object(fit.FoldFitter, "_members", members):
        yield f"{'a random' if by_chance else 'the first'} {share:.2f} of each stock's rows"


@contextmanager
def fold_leaking_fit(rng: Rng) -> Iterator[str]:
    """Something that a fold fits has seen its test sessions: bin edges, a scaler, or the model itself."""
    kind = str(rng.choice(("bin edges", "scaler", "rows")))
    share = float(rng.uniform(0.05, 0.6))
    seed = int(rng.integers(2**31))
    real_init, real_fit, real_members = fit.FoldFitter.__init__, fit.FoldFitter.fit, fit.FoldFitter._members

    def init(self, data, early, **kwargs):
        real_init(self, data, np.flatnonzero(np.diff(data.rows.bounds) > 0), **kwargs)

    def scaled(self, model, fold, *args):
        known = np.concatenate([fold.train, fold.validation, fold.test])
        x = np.nan_to_num(self.data.sessions(known)[0].x)
        rows = replace(
            self.data.rows,
            x=((self.data.rows.x - x.mean(axis=0)) / (x.std(axis=0) + 1e-6)).astype(np.float32),
        )
        other = fit.FoldFitter(
            replace(self.data, rows=rows),
            self.early,
            ridge=self.ridge,
            lightgbm=self.lightgbm,
            settings=self.settings,
        )
        return real_fit(other, model, fold, *args)

    def members(self, model, fold, tick):
        size = max(1, round(share * len(fold.test)))
        extra = np.sort(np.random.default_rng(seed).permutation(fold.test)[:size])
        rows, _ = self.data.sessions(np.concatenate([fold.train, extra]))
        return fitted(self, model, rows, self.data.sessions(fold.validation)[0], tick)

    name, leaking = {
        "bin edges": ("__init__", init),
        "scaler": ("fit", scaled),
        "rows": ("_members", members),
    }[kind]
    assert real_members is not None
    with patch.object(fit.FoldFitter, name, leaking):
        yield f"{kind}" + (f", {share:.2f} of the test sessions" if kind == "rows" else "")


@contextmanager
def split_factor_known_only_later(rng: Rng) -> Iterator[str]:
    """Adjustment by factors that come later: the last one of all, or one announced some sessions early."""
    backwards = bool(rng.random() < 0.5)
    ahead, share = int(rng.integers(1, 21)), float(rng.choice(SHARES))
    seed = int(rng.integers(2**31))
    real = build.assemble

    def leaking(*args, **kwargs):
        market, report = real(*args, **kwargs)
        chosen = some_stocks(market.codes, share, seed)
        if backwards:
            last = market.factor[market.last_bar, np.arange(len(market.codes))]
            turnover = np.where(chosen, market.turnover * market.factor / last, market.turnover)
            return replace(market, turnover=turnover), report
        later = shifted(market.factor, -ahead)
        factor = np.where(chosen & ~np.isnan(later) & market.present, later, market.factor)
        return replace(market, factor=factor), report

    with everywhere(build.assemble, leaking):
        how = "the last factor applied backwards" if backwards else f"factors {ahead} sessions early"
        yield f"{how}, {share:.0%} of the stocks"


@contextmanager
def target_among_the_features(rng: Rng) -> Iterator[str]:
    """A feature is, or is mixed with, the return that is to be predicted."""
    horizon, lag = int(rng.choice((1, 2, 5, 10, 20))), int(rng.integers(0, 2))
    share, weight = float(rng.choice(SHARES)), float(rng.choice((1.0, 0.1, 0.001)))
    seed, column = int(rng.integers(2**31)), int(rng.integers(0, 10_000))
    real = FeatureStream.block

    def leaking(self, start, stop):
        values, fields = real(self, start, stop), self._fields
        at = column % values.shape[2]
        future = np.zeros(values.shape[:2])
        for step in range(1 + lag, 1 + lag + horizon):
            future += shifted(fields.grids["loglink"], -step)[start:stop]
        chosen = some_stocks(codes(), share, seed) & np.isfinite(future)
        mixed = weight * future + (1 - weight) * np.nan_to_num(values[:, :, at])
        values[:, :, at] = np.where(chosen, mixed, values[:, :, at])
        return values

    with codes_known() as codes, patch.object(FeatureStream, "block", leaking):
        yield f"feature number {column}: {weight:g} of the return over {horizon}, lag {lag}, {share:.0%} of the stocks"


@contextmanager
def future_graph_correlation(rng: Rng) -> Iterator[str]:
    """A feature is the mean of neighbours whose correlations are measured over sessions to come as well."""
    ahead, neighbours = int(rng.choice((0, 5, 20, 60, 100_000))), int(rng.integers(1, 6))
    column = int(rng.integers(0, 10_000))
    real = FeatureStream.block

    def leaking(self, start, stop):
        values, fields = real(self, start, stop), self._fields
        returns = fields.grids["loglink"]
        seen = np.nan_to_num(returns[max(0, start - 60) : stop + ahead])
        with quiet():
            alike = np.nan_to_num(np.corrcoef(seen.T), nan=-1.0)
        np.fill_diagonal(alike, -2.0)
        nearest = np.argsort(-alike, axis=1, kind="stable")[:, :neighbours]
        today = np.nan_to_num(returns[start:stop])
        values[:, :, column % values.shape[2]] = today[:, nearest].mean(axis=2)
        return values

    with patch.object(FeatureStream, "block", leaking):
        yield f"{neighbours} neighbours by correlations up to {ahead} sessions past the block"


@contextmanager
def stopping_on_test_days(rng: Rng) -> Iterator[str]:
    """Trees and penalties are chosen on the days that are tested."""
    share = float(rng.uniform(0.1, 1.0))
    beside = bool(rng.random() < 0.5)
    seed = int(rng.integers(2**31))

    def members(self, model, fold, tick):
        size = max(1, round(share * len(fold.test)))
        watched = np.sort(np.random.default_rng(seed).permutation(fold.test)[:size])
        watched = np.concatenate([fold.validation, watched]) if beside else watched
        if model == "lightgbm":
            return fit_binned(
                self.binned,
                fold.train,
                watched,
                self.lightgbm,
                seed=self.settings.seed,
                refit=False,
                tick=tick,
            )
        return (
            fit_ridge(
                self.data.sessions(fold.train)[0], self.data.sessions(watched)[0], self.ridge, refit=False
            ),
        )

    with patch.object(fit.FoldFitter, "_members", members):
        yield f"{share:.2f} of the test sessions {'beside' if beside else 'instead of'} the stopping year"


LEAKS: dict[str, Leak] = {
    "centred window": centred_window,
    "full-sample scaler": full_sample_scaler,
    "survivor universe": survivor_universe,
    "rows filtered by label": rows_filtered_by_label,
    "label shifted by one": label_shifted_by_one,
    "window normalised with the future": window_normalised_with_the_future,
    "per-stock split by row share": per_stock_split,
    "fold-leaking fit": fold_leaking_fit,
    "split factor known only later": split_factor_known_only_later,
    "target among the features": target_among_the_features,
    "future graph correlation": future_graph_correlation,
    "stopping on test days": stopping_on_test_days,
}
TRAINING = ("per-stock split by row share", "fold-leaking fit", "stopping on test days")
"""Those that are planted in training; all others are there before it."""


@contextmanager
def feature_replaced(rng: Rng, change: Callable[[np.ndarray], np.ndarray]) -> Iterator[str]:
    """Let a random feature be ``change`` of what it is, for a random share of the stocks."""
    real = segments.feature_set
    place = int(rng.integers(0, 10_000))
    share, seed = float(rng.choice(SHARES)), int(rng.integers(2**31))

    def leaking(*given, **named) -> FeatureSet:
        features = real(*given, **named)
        item = features.by_name[features.exported[place % len(features.exported)]]

        def function(*inputs):
            made = item.function(*inputs)
            value = made[item.output] if item.shared else made
            with quiet():
                return np.where(some_stocks(codes(), share, seed), change(value), value)

        changed = replace(item, function=function, shared="", output=0)
        items = [changed if f.name == item.name else f for f in features.by_name.values()]
        return FeatureSet(items, features.base)

    with codes_known() as codes, everywhere(segments.feature_set, leaking):
        yield f"feature number {place}, {share:.0%} of the stocks,"


@contextmanager
def everywhere(real: Callable, other: Callable) -> Iterator[None]:
    """Replace a function in every module of the package that has imported it, as an edit of its source would."""
    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.startswith("gogooku3."):
                for key, value in list(vars(module).items()):
                    if value is real:
                        stack.enter_context(patch.object(module, key, other))
        yield


def some_stocks(codes, share: float, seed: int) -> np.ndarray:
    """A random choice of stocks, at least one, that does not hang on which others there are."""
    digests = [hashlib.sha256(f"{seed} {code}".encode()).digest() for code in codes]
    number = np.array([int.from_bytes(digest[:8]) / 2**64 for digest in digests])
    return (number < share) | (number == number.min())


@contextmanager
def codes_known() -> Iterator[Callable[[], tuple[str, ...]]]:
    """Let a leak that sees arrays alone ask for the codes of the market that is being built."""
    real, held = segments.base_fields, []

    def leaking(market, *args, **kwargs):
        held[:] = [market.codes]
        return real(market, *args, **kwargs)

    with everywhere(segments.base_fields, leaking):
        yield lambda: held[0]


def shifted(grid: np.ndarray, step: int) -> np.ndarray:
    """Row d holds what row d - step held; NaN where there was none."""
    out = np.full(grid.shape, np.nan, dtype=grid.dtype)
    if abs(step) < len(grid):
        out[max(step, 0) : len(grid) + min(step, 0)] = grid[max(-step, 0) : len(grid) - max(step, 0)]
    return out


def around(x: np.ndarray, behind: int, ahead: int, statistic) -> np.ndarray:
    """A statistic over the rows from ``behind`` before to ``ahead`` after, as many as there are."""
    return np.stack([statistic(x[max(0, i - behind) : i + ahead + 1], axis=0) for i in range(len(x))])


def sessions_of(data: RankedRows) -> np.ndarray:
    return np.repeat(np.arange(len(data.rows.bounds) - 1), np.diff(data.rows.bounds))


def picked(data: RankedRows, keep: np.ndarray) -> RankedRows:
    """Some of the rows, on the same sessions."""
    count = np.bincount(sessions_of(data)[keep], minlength=len(data.rows.bounds) - 1)
    bounds = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    return replace(
        data, rows=Rows(x=data.rows.x[keep], y=data.rows.y[keep], bounds=bounds), stock=data.stock[keep]
    )


def fitted(self, model, rows: Rows, validation: Rows, tick):
    """Fit as ``FoldFitter._members`` does, on rows that were chosen otherwise."""
    if model == "lightgbm":
        return fit_lightgbm(
            rows, validation, self.lightgbm, seed=self.settings.seed, refit=self.settings.refit, tick=tick
        )
    return (fit_ridge(rows, validation, self.ridge, refit=self.settings.refit),)


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings of empty slices: a leak need not be tidy."""
    import warnings

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
