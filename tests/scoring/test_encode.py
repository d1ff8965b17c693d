from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gogooku3.errors import SettingsError
from gogooku3.models.frequency_settings import FrequencySettings
from gogooku3.panel.open import open_panel
from gogooku3.panel.panel import Panel
from gogooku3.panel.stocks import bare_stocks
from gogooku3.panel.writer import PanelWriter
from gogooku3.scoring.encode import Encoding, encode
from tests.models.drawn_rows import placed
from tests.models.layers.test_frequency import by_definition
from tests.panel.panels import AXES, random_segment


@pytest.fixture
def panel(tmp_path: Path) -> Panel:
    rng = np.random.default_rng(4)
    codes = [f"{1300 + n}" for n in range(40)]
    segments = [
        random_segment(rng, "2020-01-06", 12, codes[:30]),
        random_segment(rng, "2020-02-03", 6, codes[5:]),
    ]
    with PanelWriter(tmp_path / "panel", AXES, bare_stocks(codes), {"source": "test"}) as writer:
        for segment in segments:
            writer.add(segment)
    return open_panel(tmp_path / "panel")


def encoding_of(panel: Panel, *, window: int = 3, channels: int = 1) -> Encoding:
    frequency = FrequencySettings(channels=panel.feature_names[:channels], window=window, components=1)
    return Encoding(features=panel.feature_names, frequency=frequency)


def raw(panel: Panel) -> np.ndarray:
    """Features on the panel's axes, NaN where there is no bar."""
    grid = np.full((len(panel.sessions), len(panel.codes), len(panel.feature_names)), np.nan)
    for block in panel.blocks():
        values = np.where(block.present[..., None], block.features, np.nan)
        grid[block.first : block.first + len(block.sessions), block.stock] = values
    return grid


def test_members_get_the_ranks_that_rows_get(panel: Panel) -> None:
    encoding = encoding_of(panel, channels=0)
    found = encode(panel, encoding, 0, len(panel.sessions))
    features = raw(panel)
    for day in range(len(panel.sessions)):
        member = panel.universe[day]
        for f in range(features.shape[2]):
            expected = placed(features[day, member, f]).astype(np.float32).astype(np.float16)
            np.testing.assert_array_equal(found[day, member, f], expected)
        assert np.isnan(found[day, ~panel.present[day]]).all()


def test_components_are_those_of_each_stocks_own_window(panel: Panel) -> None:
    window = 3
    found = encode(panel, encoding_of(panel, window=window), 0, len(panel.sessions))
    channel = raw(panel)[:, :, 0].astype(np.float32).astype(np.float64)
    width = len(panel.feature_names)
    compared = 0
    for day in range(len(panel.sessions)):
        member = np.flatnonzero(panel.universe[day])
        main = np.full(len(member), np.nan)
        for i, n in enumerate(member):
            values = channel[max(0, day - window + 1) : day + 1, n]
            if len(values) == window and not np.isnan(values).any():
                main[i] = by_definition(values, 1)
        ranks = placed(main)
        compared += int((~np.isnan(main)).sum())
        np.testing.assert_allclose(found[day, member, width].astype(float), ranks, atol=1e-3)
    assert compared > 50


def test_a_stretch_is_encoded_as_the_whole_is(panel: Panel) -> None:
    encoding = encoding_of(panel, channels=2)
    whole = encode(panel, encoding, 0, len(panel.sessions))
    for start in range(len(panel.sessions)):
        part = encode(panel, encoding, start, start + 1)
        assert part.tobytes() == whole[start : start + 1].tobytes()


def test_a_channel_that_is_no_feature_is_refused(panel: Panel) -> None:
    with pytest.raises(SettingsError, match="nonsense"):
        Encoding(features=panel.feature_names, frequency=FrequencySettings(channels=("nonsense",)))
