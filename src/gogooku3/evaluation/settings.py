"""How scores are judged."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gogooku3.evaluation.anatomy.settings import AnatomySettings
from gogooku3.evaluation.drift.settings import DriftSettings
from gogooku3.evaluation.leak_alarm_settings import LeakAlarmSettings
from gogooku3.evaluation.portfolio_settings import PortfolioSettings
from gogooku3.evaluation.trading.settings import TradingSettings


class EvaluationSettings(BaseModel):
    """What a day needs to count, how uncertainty is measured, which portfolio is formed, what raises an alarm."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_names: int = Field(
        default=20, ge=3, description="names with score and label that a day needs to have a value"
    )
    quantiles: int = Field(default=10, ge=2, description="buckets of the decile table")
    confidence: float = Field(default=0.95, gt=0.5, lt=1.0, description="level of every interval")
    bootstrap_samples: int = Field(
        default=1000, ge=100, description="resamples of the stationary block bootstrap"
    )
    seed: int = Field(default=0, ge=0, description="seed of the bootstrap")
    attainable: str = Field(
        default="attainable",
        description="name of the scores that are an upper bound: a benchmark, never a contestant",
    )
    portfolio: PortfolioSettings = Field(default=PortfolioSettings(), description="the default portfolio")
    anatomy: AnatomySettings = Field(default=AnatomySettings(), description="how a score is taken apart")
    trading: TradingSettings = Field(
        default=TradingSettings(), description="which books are formed beside the default portfolio"
    )
    drift: DriftSettings = Field(default=DriftSettings(), description="when a drift is an alarm")
    leak_alarm: LeakAlarmSettings = Field(
        default=LeakAlarmSettings(), description="when figures are too good to be honest"
    )
