"""All settings of a run, composed of what each room owns."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from gogooku3.config.predict_settings import PredictSettings
from gogooku3.evaluation.settings import EvaluationSettings
from gogooku3.graphs.settings import GraphSettings
from gogooku3.labels.settings import LabelSettings
from gogooku3.market.settings import MarketSettings
from gogooku3.market.universe import UniverseSettings
from gogooku3.models.atft_gat_fan_settings import AtftGatFanSettings
from gogooku3.models.baselines.gru_settings import GruSettings
from gogooku3.models.baselines.lightgbm import LightGBMSettings
from gogooku3.models.baselines.ridge import RidgeSettings
from gogooku3.models.frequency_settings import FrequencySettings
from gogooku3.panel.settings import PanelSettings
from gogooku3.sources.jquants.settings import JQuantsSettings
from gogooku3.sources.settings import SourceSettings
from gogooku3.sources.simulation.settings import SimulationSettings
from gogooku3.splits.cadence_settings import RetrainSettings
from gogooku3.splits.settings import SplitSettings
from gogooku3.training.blend_settings import BlendSettings
from gogooku3.training.deep_settings import DeepSettings
from gogooku3.training.losses.settings import LossSettings
from gogooku3.training.optimizer_settings import OptimizerSettings
from gogooku3.training.scheduler_settings import SchedulerSettings
from gogooku3.training.settings import TrainSettings


class RunSettings(BaseModel):
    """Where a run lives and what it may open."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("run", description="name of the run's folder")
    folder: Path = Field(Path("runs"), description="folder that holds all runs")
    simulated: bool = Field(False, description="take the bars from the simulated market instead of files")
    open_locked: bool = Field(False, description="also test the locked years, once, at the very end")


class ReportSettings(BaseModel):
    """What the report shows beside the run's own figures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    references: Path | None = Field(
        None, description="TOML table of published figures to set beside the results"
    )
    title: str = Field("", description="title of the report; the run's name if empty")


class Settings(BaseModel):
    """Every setting of a run. File < environment < flag."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: RunSettings = Field(default_factory=RunSettings)
    source: SourceSettings = Field(default_factory=SourceSettings)
    jquants: JQuantsSettings = Field(default_factory=JQuantsSettings)
    simulation: SimulationSettings = Field(default_factory=SimulationSettings)
    market: MarketSettings = Field(default_factory=MarketSettings)
    universe: UniverseSettings = Field(default_factory=UniverseSettings)
    labels: LabelSettings = Field(default_factory=LabelSettings)
    panel: PanelSettings = Field(default_factory=PanelSettings)
    splits: SplitSettings = Field(default_factory=SplitSettings)
    retrain: RetrainSettings = Field(default_factory=RetrainSettings)
    train: TrainSettings = Field(default_factory=TrainSettings)
    ridge: RidgeSettings = Field(default_factory=RidgeSettings)
    lightgbm: LightGBMSettings = Field(default_factory=LightGBMSettings)
    gru: GruSettings = Field(default_factory=GruSettings)
    atft: AtftGatFanSettings = Field(default_factory=AtftGatFanSettings)
    frequency: FrequencySettings = Field(default_factory=FrequencySettings)
    graph: GraphSettings = Field(default_factory=GraphSettings)
    loss: LossSettings = Field(default_factory=LossSettings)
    optimizer: OptimizerSettings = Field(default_factory=OptimizerSettings)
    scheduler: SchedulerSettings = Field(default_factory=SchedulerSettings)
    deep: DeepSettings = Field(default_factory=DeepSettings)
    blend: BlendSettings = Field(default_factory=BlendSettings)
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings)
    predict: PredictSettings = Field(default_factory=PredictSettings)
    report: ReportSettings = Field(default_factory=ReportSettings)
