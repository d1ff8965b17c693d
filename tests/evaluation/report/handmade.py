"""Evidence made by hand, so that every sentence of the verdict can be foretold."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from gogooku3.evaluation.anatomy.anatomy import (
    Anatomy,
    DecayPoint,
    Exposure,
    GroupResult,
    Neutral,
    Persistence,
)
from gogooku3.evaluation.backtest.backtest_summary import BacktestSummary
from gogooku3.evaluation.backtest.capacity import CapacityPoint
from gogooku3.evaluation.backtest.construction_settings import ConstructionSettings
from gogooku3.evaluation.backtest.presets import tokyo_account
from gogooku3.evaluation.backtest.relative import RelativeSummary
from gogooku3.evaluation.backtest.settings import BacktestSettings
from gogooku3.evaluation.drift.drift_alarm import DriftAlarm
from gogooku3.evaluation.drift.drift_report import DriftReport, Moved
from gogooku3.evaluation.evaluation import Evaluation
from gogooku3.evaluation.evidence import Evidence
from gogooku3.evaluation.many_tries.many_tries import ManyTries, OneTry, Superiority
from gogooku3.evaluation.summary import SeriesSummary
from gogooku3.evaluation.trading.trading import Book, BookYear, LeftOut, Trading
from gogooku3.labels.target import Target

NAN = float("nan")


def series(mean: float, half: float = 0.01) -> SeriesSummary:
    """A mean with an interval of ``half`` to each side; NaN for none."""
    ends = {
        "low": mean - half,
        "high": mean + half,
        "bootstrap_low": mean - half,
        "bootstrap_high": mean + half,
    }
    figures = {"t_newey_west": 2.0, "t_non_overlapping": 2.0}
    return SeriesSummary(
        mean=mean,
        sd=0.1,
        ratio=mean / 0.1,
        t=mean / half * 2,
        freedom=10.0,
        **ends,
        **figures,
        days=200,
        skipped=0,
    )


def anatomy(model: str, target: Target, neutral: Neutral | None) -> Anatomy:
    groups = [("sector", f"Sector {i}") for i in range(33)] + [("size", f"{i} of 3") for i in (1, 2, 3)]
    return Anatomy(
        model=model,
        target=target,
        groups=tuple(
            GroupResult(
                kind=kind,
                group=name,
                names=55.0,
                rank_ic=series(0.01 * at),
                ic=series(0.02),
                spread=series(0.003),
                decile_means=(0.0,) * 10,
                monotonicity=0.9,
                hit_rate=0.52,
            )
            for at, (kind, name) in enumerate(groups)
        ),
        decay=tuple(DecayPoint(horizon=h, rank_ic=series(0.05 / h)) for h in (1, 2, 5, 10, 20, 40, 60)),
        persistence=tuple(Persistence(sessions=s, correlation=0.9**s, days=200) for s in (1, 5, 20)),
        neutral=neutral,
        exposures=tuple(
            Exposure(feature=f"feature_{i}", correlation=series(0.5 - 0.02 * i)) for i in range(20)
        ),
    )


def neutral(sector: float = 0.05, style: float = 0.04) -> Neutral:
    return Neutral(plain=series(0.06), sector=series(sector), style=series(style), size_is="log turnover")


def summary(net: float, half: float = 0.01, **changes: Any) -> BacktestSummary:
    fields = {field.name: 0.01 for field in dataclasses.fields(BacktestSummary)}
    fields |= dict.fromkeys(
        ("unranked", "orders", "halted", "locked", "unborrowable", "limited", "unaffordable"), 3
    )
    fields |= {"gross": series(net + 0.02, half), "net": series(net, half), "net_annual": net}
    fields |= {"sharpe_by_cost": tuple(1.5 - 0.1 * i for i in range(11)), "sharpe_annual": net * 10}
    return BacktestSummary(**{**fields, **changes})


def relative(active: float, ratio: float) -> RelativeSummary:
    fields = {field.name: 0.1 for field in dataclasses.fields(RelativeSummary)}
    return RelativeSummary(**{**fields, "active_annual": active, "information_ratio": ratio, "days": 200})


def book(name: str, settings: BacktestSettings, net: float, **changes: Any) -> Book:
    return Book(
        name=name,
        text="what is done.",
        settings=settings,
        summary=summary(net),
        years=(BookYear(year="2019", net_annual=net, sharpe_annual=1.0, max_drawdown=0.1),),
        **{"relative": None, "net": np.zeros(3), **changes},
    )


LONG = BacktestSettings(construction=ConstructionSettings(side="long_only"))


def trading(
    model: str,
    target: Target,
    *,
    active: float | None = 0.03,
    account: float | None = 0.05,
    capacity: tuple[float, ...] = (0.05, 0.02, -0.01),
) -> Trading:
    """The default portfolio, one long only, an account of 100 million, and its net returns at rising capital."""
    books = [book("decile long-short", BacktestSettings(), 0.1)]
    if active is not None:
        books.append(book("decile long-only", LONG, 0.08, relative=relative(active, active * 20)))
    if account is not None:
        books.append(book("account of 100 million", tokyo_account(1e8, holding=target.horizon), account))
    points = [
        CapacityPoint(
            capital=10.0 ** (7 + at),
            net_annual=net,
            sharpe_annual=1.0,
            cost_annual=0.1,
            unfilled=0.1,
            invested=2.0,
        )
        for at, net in enumerate(capacity)
    ]
    return Trading(
        model=model,
        target=target,
        books=tuple(books),
        capacity=tuple(points),
        left_out=(LeftOut(name="next open", reason="there are no opening prices"),),
    )


def one_try(model: str, target: Target, dependent: float = 0.001, deflated: float = 0.97) -> OneTry:
    return OneTry(
        model=model,
        target=target,
        p_value=dependent / 3,
        independent=dependent / 2,
        dependent=dependent,
        sharpe_daily=0.05,
        probabilistic=0.99,
        deflated=deflated,
        track_record=float("inf"),
        days=200,
    )


def tries(found: list[OneTry], **changes: Any) -> ManyTries:
    superior = Superiority(target=Target(5, 1), benchmark="ridge", best="lightgbm", p_value=0.01, models=1)
    fields = {"trials": len(found), "effective_trials": 2.4, "overfitting": 0.12, "superiority": (superior,)}
    return ManyTries(**{"tries": tuple(found), **fields, "unseen": ("One thing was not seen.",), **changes})


def alarm(kind: str, text: str) -> DriftAlarm:
    return DriftAlarm(kind=kind, name="x", seen=0.4, threshold=0.25, text=text)


def drift(*alarms: DriftAlarm) -> DriftReport:
    moved = [
        Moved(fold=fold, kind=kind, name=name, index=0.1, floor=0.01, missing=0.02, missing_before=0.01)
        for fold in ("2019", "2020")
        for kind, name in (("score", "ridge h5_d1"), ("feature", "return_1"))
    ]
    return DriftReport(moved=tuple(moved), alarms=alarms, watched="2 folds, 1 feature and 1 score.")


def full_evidence(evaluation: Evaluation) -> Evidence:
    """Everything there can be, of every model and target."""
    pairs = [(result.model, result.target) for result in evaluation.results if result.model != "attainable"]
    return Evidence(
        evaluation=evaluation,
        anatomies=tuple(anatomy(model, target, neutral()) for model, target in pairs),
        tradings=tuple(trading(model, target) for model, target in pairs),
        tries=tries([one_try(model, target) for model, target in pairs]),
        drift=drift(
            alarm("stability", "2019: return_1 has moved: 0.40."), alarm("rank ic", "2020: it fell.")
        ),
    )
