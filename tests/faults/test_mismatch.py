"""Other settings, axes or versions are refused, and what differs is named with both values."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from gogooku3.errors import PanelError, StorageError
from gogooku3.labels.target import Target
from gogooku3.panel.mapped import MappedSegment
from gogooku3.panel.open import open_panel
from gogooku3.panel.panel import Panel
from gogooku3.panel.panel_axes import PanelAxes
from gogooku3.panel.segment_file import write_single
from gogooku3.panel.writer import PanelWriter
from gogooku3.pipeline.differing import differing
from gogooku3.pipeline.predict import predict
from gogooku3.storage import digest_json, write_json
from tests.cli.test_faults import call
from tests.panel.panels import AXES, STOCKS, random_segment, random_segments, write_panel
from tests.pipeline.tiny import NAME, tiny_run

OTHERS = {
    "dtype: float32 instead of float16": dataclasses.replace(AXES, dtype="float16"),
    "features: has f2 and lacks g": dataclasses.replace(AXES, feature_names=("f0", "f1", "g")),
    "features: in the order f0, f1, f2 instead of f2, f1, f0": dataclasses.replace(
        AXES, feature_names=("f2", "f1", "f0")
    ),
    "targets: has h5_d1": dataclasses.replace(AXES, targets=(Target(1, 0),)),
    "fields: lacks close": dataclasses.replace(AXES, field_names=("link", "turnover", "close")),
    "calendar: XTKS instead of XNYS": dataclasses.replace(AXES, calendar="XNYS"),
    "calendar: XTKS instead of XNYS; dtype: float32 instead of float16": dataclasses.replace(
        AXES, calendar="XNYS", dtype="float16"
    ),
}


@pytest.mark.parametrize("said", OTHERS)
def test_a_segment_of_other_axes_is_not_taken_over(said: str, tmp_path: Path) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    panel = open_panel(folder)
    with (
        pytest.raises(PanelError, match="cannot be taken over") as caught,
        PanelWriter(folder, OTHERS[said], STOCKS, {}) as writer,
    ):
        writer.keep(panel.segments[0])
    assert caught.value.got == said
    assert open_panel(folder).content_hash == panel.content_hash


@pytest.mark.parametrize("said", OTHERS)
def test_segments_of_other_axes_are_no_panel(said: str, tmp_path: Path) -> None:
    panel = open_panel(write_panel(tmp_path / "panel", random_segments()))
    with pytest.raises(PanelError, match="other axes than its panel") as caught:
        Panel(panel.segments, OTHERS[said], STOCKS, {})
    assert caught.value.got == said


def test_labels_of_other_axes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    axes = dataclasses.replace(AXES, dtype="float16")
    segment = random_segment(rng, "2020-01-06", 3, ("1301", "2222"))
    half = dataclasses.replace(segment, features=segment.features.astype(np.float16))
    write_single(tmp_path / "a.arrow", segment, AXES, stocks=STOCKS, lineage={})
    write_single(tmp_path / "b.arrow", half, axes, stocks=STOCKS, lineage={})
    one, other = (open_panel(tmp_path / f"{name}.arrow").segments[0].known for name in "ab")
    with pytest.raises(PanelError, match="labels do not belong") as caught:
        MappedSegment(known=one, labels=other)
    assert caught.value.where == str(tmp_path / "b.arrow")


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_values_of_another_type_than_the_axes(dtype: str, tmp_path: Path) -> None:
    other: dict[str, PanelAxes] = {
        "float16": AXES,
        "float32": dataclasses.replace(AXES, dtype="float16"),
    }
    segment = random_segments()[0]
    values = dataclasses.replace(segment, features=segment.features.astype(dtype))
    with pytest.raises(PanelError, match="does not fit the axes") as caught:
        write_single(tmp_path / "a.arrow", values, other[dtype], stocks=STOCKS, lineage={})
    assert dtype in str(caught.value.got)
    assert other[dtype].dtype in str(caught.value.expected)


def test_a_manifest_of_the_future(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_panel(tmp_path / "panel", random_segments())
    path = folder / "manifest.json"
    body = json.loads(path.read_text()) | {"version": 3}
    body.pop("seal")
    write_json(path, body | {"seal": digest_json(body)})
    assert call("panel", "info", str(folder)) == 2
    err = capsys.readouterr().err
    assert re.search(r"another version[\s\S]*manifest\.json[\s\S]*got: 3[\s\S]*expected: 1 or 2", err)


def test_a_file_of_the_future(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.arrow"
    write_single(path, random_segments()[0], AXES, stocks=STOCKS, lineage={})
    path.write_bytes(path.read_bytes().replace(b"gogooku3-segment-v2:", b"gogooku3-segment-v3:"))
    assert call("panel", "info", str(path)) == 2
    err = capsys.readouterr().err
    assert re.search(r"another format version[\s\S]*a\.arrow[\s\S]*got: 3[\s\S]*expected: 1 or 2", err)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lightgbm.leaves": 5}, ["lightgbm.leaves: 7 when it was trained, 5 now"]),
        (
            {"lightgbm.leaves": 5, "train.seed": 3, "train.refit": False},
            ["lightgbm.leaves: 7", "train.seed: 0 when it was trained, 3 now", "train.refit: True"],
        ),
    ],
)
def test_models_of_other_settings(made: Path, changes: dict[str, object], said: list[str]) -> None:
    with pytest.raises(StorageError, match="trained on something else") as caught:
        predict(tiny_run(made, changes))
    for text in said:
        assert text in str(caught.value)
    assert len(str(caught.value.got).split("; ")) == len(said)


def test_the_command_line_says_so_with_code_2(
    made: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made.parent)
    assert call("predict", "--name", NAME, "--set", "lightgbm.leaves=5") == 2
    assert "lightgbm.leaves: 7 when it was trained, 5 now" in capsys.readouterr().err


def test_differences_are_named_in_order_and_shortened() -> None:
    before = {"a": {"x": 1, "y": [1, 2]}, "hash": "a" * 64, "days": list(range(20)), "gone": 1}
    now = {"a": {"x": 1, "y": [1, 3], "z": None}, "hash": "b" * 64, "days": list(range(1, 20)), "free": 2}
    assert differing(before, now, then="then", free=["free"]) == [
        "a.y: [1, 2] then, [1, 3] now",
        "days: 20 from 0 to 19 then, 19 from 1 to 19 now",
        f"hash: {'a' * 12} then, {'b' * 12} now",
    ]
    assert differing(now, now, then="then") == []
