"""Short forms of settings."""

from __future__ import annotations

from gogooku3.evaluation.backtest.settings import BacktestSettings


def settings_of(**parts) -> BacktestSettings:
    """Settings by part: ``settings_of(costs={"bps": 0.0}, schedule={"holding": 3})``."""
    return BacktestSettings.model_validate(parts)
