"""What is written is what is read, bit for bit and without a copy."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogooku3.errors import PanelError
from gogooku3.labels.target import Target
from gogooku3.panel.gather import gather
from gogooku3.panel.open import open_panel
from gogooku3.panel.segment import Segment
from gogooku3.panel.segment_file import SegmentFile, write_segment, write_single
from gogooku3.panel.upgrade import upgrade_panel
from gogooku3.panel.writer import PanelWriter
from tests.panel.panels import AXES, STOCKS, random_segment, random_segments, same_bits, write_panel

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "panel-v1"
ARRAYS = ("features", "present", "universe", "targets", "target_ranks")


def test_blocks_are_bit_exact(tmp_path: Path) -> None:
    segments = random_segments()
    # quiet and negative NaN with payloads, negative zero, denormal
    bits = np.array([0x7FC00001, 0xFFC12345, 0x80000000, 0x00000001], dtype=np.uint32)
    segments[0].features.reshape(-1)[: len(bits)] = bits.view(np.float32)
    panel = open_panel(write_panel(tmp_path / "panel", segments))
    panel.verify()
    blocks = list(panel.blocks())
    assert [block.first for block in blocks] == [0, 3]
    for block, segment in zip(blocks, segments, strict=True):
        assert same_bits(block.sessions, segment.sessions)
        assert tuple(panel.codes[n] for n in block.stock) == segment.codes
        for name in ARRAYS:
            assert same_bits(getattr(block, name), getattr(segment, name)), name
        for name in AXES.field_names:
            assert same_bits(block.field(name), segment.fields[name]), name
    assert same_bits(blocks[0].features.reshape(-1)[: len(bits)].view(np.uint32), bits)


def test_axes_and_stocks(tmp_path: Path) -> None:
    panel = open_panel(write_panel(tmp_path / "panel", random_segments()))
    assert panel.codes == ("1301", "130A", "2222", "7203")
    assert (panel.feature_names, panel.targets, panel.field_names) == (
        AXES.feature_names,
        AXES.targets,
        ("link", "turnover"),
    )
    assert panel.calendar == "XTKS"
    assert panel.lineage == {"source": "test"}
    assert panel.stocks.equals(STOCKS.with_columns(pl.col("terminal_return").fill_nan(None)))
    assert str(panel.sessions[3]) == "2020-01-14"


def test_stocks_follow_the_codes_of_the_segments(tmp_path: Path) -> None:
    panel = open_panel(write_panel(tmp_path / "panel", random_segments()[:1]))
    assert panel.codes == ("1301", "2222")
    assert panel.stocks["code"].to_list() == ["1301", "2222"]
    assert panel.stocks["name"].to_list() == ["極洋", "b"]


def test_ragged_segments_are_stitched(tmp_path: Path) -> None:
    segments = random_segments()
    panel = open_panel(write_panel(tmp_path / "panel", segments))
    expected = {
        (str(session), code): (segment, row, column)
        for segment in segments
        for row, session in enumerate(segment.sessions)
        for column, code in enumerate(segment.codes)
    }
    link, rank, raw = panel.grid("link"), panel.target_rank(Target(1, 0)), panel.target(Target(5, 1))
    assert link.dtype == np.float64
    assert rank.dtype == raw.dtype == np.float32
    for d, session in enumerate(panel.sessions):
        for n, code in enumerate(panel.codes):
            if (str(session), code) not in expected:
                assert not panel.present[d, n]
                assert not panel.universe[d, n]
                assert np.isnan([link[d, n], rank[d, n], raw[d, n]]).all()
                continue
            segment, row, column = expected[str(session), code]
            assert panel.present[d, n] == segment.present[row, column]
            assert panel.universe[d, n] == segment.universe[row, column]
            np.testing.assert_equal(link[d, n], segment.fields["link"][row, column])
            np.testing.assert_equal(rank[d, n], segment.target_ranks[row, column, 0])
            np.testing.assert_equal(raw[d, n], segment.targets[row, column, 1])


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (0, None, [(0, 3), (3, 2)]),
        (1, 4, [(1, 2), (3, 1)]),
        (3, 5, [(3, 2)]),
        (2, 2, []),
        (4, None, [(4, 1)]),
    ],
)
def test_ranges_touch_only_their_segments(
    tmp_path: Path, start: int, stop: int | None, expected: list[tuple[int, int]]
) -> None:
    segments = random_segments()
    panel = open_panel(write_panel(tmp_path / "panel", segments))
    blocks = list(panel.blocks(start, stop))
    assert [(block.first, len(block.sessions)) for block in blocks] == expected
    for block in blocks:
        segment, offset = (segments[0], 0) if block.first < 3 else (segments[1], 3)
        rows = slice(block.first - offset, block.first - offset + len(block.sessions))
        assert same_bits(block.features, segment.features[rows])
        assert same_bits(block.field("turnover"), segment.fields["turnover"][rows])


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (0, 6), (3, 2)])
def test_ranges_outside_are_refused(tmp_path: Path, start: int, stop: int) -> None:
    panel = open_panel(write_panel(tmp_path / "panel", random_segments()))
    with pytest.raises(PanelError, match="leaves the panel"):
        list(panel.blocks(start, stop))


def test_unknown_field_and_target(tmp_path: Path) -> None:
    panel = open_panel(write_panel(tmp_path / "panel", random_segments()))
    with pytest.raises(PanelError, match="no such field"):
        panel.grid("features")
    with pytest.raises(PanelError, match=r"no such target[\s\S]*h1_d0, h5_d1"):
        panel.target(Target(20, 1))


def test_nothing_is_copied(tmp_path: Path) -> None:
    panel = open_panel(write_panel(tmp_path / "panel", random_segments()))
    for block, segment in zip(panel.blocks(1), panel.segments, strict=True):
        known, labels = (np.frombuffer(file.data, dtype=np.uint8) for file in segment.files)
        arrays = [block.features, block.targets, block.target_ranks, block.field("link"), block.present]
        for array in arrays:
            assert np.shares_memory(array, known) or np.shares_memory(array, labels)
            assert array.flags.c_contiguous
            assert not array.flags.owndata
            assert not array.flags.writeable
    assert same_bits(next(panel.blocks()).features, next(panel.blocks()).features)
    with pytest.raises(ValueError, match="read-only"):
        next(panel.blocks()).features[0, 0, 0] = 1.0


def resident_anonymous() -> int:
    """Bytes of memory that are not backed by a file."""
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("needs /proc")
    return next(
        int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("RssAnon")
    )


def test_reading_takes_no_memory(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    codes = tuple(f"{n:04}" for n in range(800))
    axes = type(AXES)(tuple(f"f{n}" for n in range(200)), AXES.targets, (), "XTKS")
    segment = random_segment(rng, "2020-01-06", 60, codes, axes)
    size = segment.features.nbytes
    path = tmp_path / "a.arrow"
    write_single(path, segment, axes, stocks=open_stocks(codes), lineage={})
    total = np.nansum(segment.features, dtype=np.float64)
    del segment
    panel = open_panel(path)
    before = resident_anonymous()
    block = next(panel.blocks())
    for day in block.features:
        total -= np.nansum(day, dtype=np.float64)
    assert abs(total) < 1e-3
    assert resident_anonymous() - before < size / 3


def open_stocks(codes: tuple[str, ...]) -> pl.DataFrame:
    """Stocks of which only the codes are known."""
    from gogooku3.panel.stocks import bare_stocks

    return bare_stocks(codes)


def test_same_input_same_bytes(tmp_path: Path) -> None:
    left, right = (write_panel(tmp_path / name, random_segments()) for name in ("left", "right"))
    names = [sorted(path.name for path in folder.glob("*/*.arrow")) for folder in (left, right)]
    assert names[0] == names[1]
    assert len(names[0]) == 4
    assert open_panel(left).content_hash == open_panel(right).content_hash
    for path in left.glob("*/*.arrow"):
        assert path.name == SegmentFile.open(path).seal.header[:16] + ".arrow"
        assert path.read_bytes() == (right / path.relative_to(left)).read_bytes()
    other = write_panel(tmp_path / "other", random_segments(seed=1))
    assert open_panel(other).content_hash != open_panel(left).content_hash


def test_memory_layout_does_not_matter(tmp_path: Path) -> None:
    segment = random_segments()[0]
    values = {name: getattr(segment, name) for name in ("sessions", "codes", "present", "universe", "fields")}
    fortran = Segment(
        features=np.asfortranarray(segment.features),
        targets=np.asfortranarray(segment.targets),
        target_ranks=np.asfortranarray(segment.target_ranks),
        **values,
    )
    write_segment(tmp_path / "a", segment, AXES)
    write_segment(tmp_path / "b", fortran, AXES)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_single_segment_is_a_panel(tmp_path: Path) -> None:
    segment = random_segments()[0]
    path = tmp_path / "Y.arrow"
    write_single(path, segment, AXES, stocks=STOCKS, lineage={"table": "x"})
    panel = open_panel(str(path))
    panel.verify()
    assert panel.codes == segment.codes
    assert panel.lineage == {"table": "x"}
    assert panel.stocks["name"].to_list() == ["極洋", "b"]
    assert same_bits(next(panel.blocks()).features, segment.features)


def test_half_a_segment_is_no_panel(tmp_path: Path) -> None:
    folder = write_panel(tmp_path / "panel", random_segments()[:1])
    for path in folder.glob("*/*.arrow"):
        with pytest.raises(PanelError, match="lacks its features or labels"):
            open_panel(path)


def test_version_1_is_read_and_upgraded(tmp_path: Path) -> None:
    single = open_panel(GOLDEN / "single.arrow")
    single.verify()
    folder = Path(shutil.copytree(GOLDEN / "folder", tmp_path / "folder"))
    old = open_panel(folder)
    expected = open_panel(write_panel(tmp_path / "now", random_segments()))
    assert [segment.known.seal.version for segment in old.segments] == [1, 1]
    assert old.content_hash == expected.content_hash
    assert old.days("known")[:3] == single.days("known")
    new = upgrade_panel(folder)
    assert [segment.known.seal.version for segment in new.segments] == [2, 2]
    assert new.content_hash == expected.content_hash
    assert new.lineage == {"source": "test"}
    new.verify()
    assert {path.name for path in folder.glob("*/*.arrow")} == {
        path.name for path in (tmp_path / "now").glob("*/*.arrow")
    }
    for block, other in zip(new.blocks(), random_segments(), strict=True):
        for name in ARRAYS:
            assert same_bits(getattr(block, name), getattr(other, name)), name


def test_the_layout_in_files_does_not_count(tmp_path: Path) -> None:
    segment = random_segments()[0]
    one = open_panel(write_panel(tmp_path / "one", [segment]))
    rows = [slice(0, 1), slice(1, 3)]
    many = open_panel(write_panel(tmp_path / "many", [cut(segment, part) for part in rows]))
    assert many.content_hash == one.content_hash
    assert many.days("labels") == one.days("labels")
    assert len(set(one.days("known"))) == 3


def cut(segment: Segment, rows: slice) -> Segment:
    """Some sessions of a segment, and the stocks that have a bar in them."""
    held = np.flatnonzero(segment.present[rows].any(axis=0))
    return Segment(
        sessions=segment.sessions[rows],
        codes=tuple(segment.codes[n] for n in held),
        fields={name: values[rows][:, held] for name, values in segment.fields.items()},
        **{name: getattr(segment, name)[rows][:, held] for name in ARRAYS},
    )


def test_features_as_float16(tmp_path: Path) -> None:
    axes = replace(AXES, dtype="float16")
    segment = random_segments()[0]
    small = replace(segment, features=segment.features.astype(np.float16))
    with pytest.raises(PanelError, match=r"float16[\s\S]*float32|float32[\s\S]*float16"):
        write_segment(tmp_path / "x", segment, axes)
    with PanelWriter(tmp_path / "panel", axes, STOCKS, {}) as writer:
        writer.add(small)
    panel = open_panel(tmp_path / "panel")
    panel.verify()
    (block,) = panel.blocks()
    assert same_bits(block.features, small.features)
    assert same_bits(panel.read(0, 3), small.features.astype(np.float32))


@pytest.mark.parametrize("wanted", [None, [0, 1, 2, 3], [2], [3, 0], [1, 2], []])
def test_reading_into_memory(tmp_path: Path, wanted: list[int] | None) -> None:
    segments = random_segments()
    panel = open_panel(write_panel(tmp_path / "panel", segments))
    stocks = None if wanted is None else np.array(wanted, dtype=np.int64)
    codes = panel.codes if wanted is None else tuple(panel.codes[n] for n in wanted)
    out = np.full((4, len(codes), 3), 7.0, dtype=np.float32)
    got = panel.read(1, 5, stocks=stocks, out=out)
    assert got is out
    for row, day in enumerate(range(1, 5)):
        segment, offset = (segments[0], 0) if day < 3 else (segments[1], 3)
        for column, code in enumerate(codes):
            if code in segment.codes:
                expected = segment.features[day - offset, segment.codes.index(code)]
                assert same_bits(got[row, column], expected)
            else:
                assert np.isnan(got[row, column]).all()
    assert same_bits(panel.read(1, 5, stocks=stocks), got)


def test_reading_refuses(tmp_path: Path) -> None:
    panel = open_panel(write_panel(tmp_path / "panel", random_segments()))
    with pytest.raises(PanelError, match="buffer does not fit"):
        panel.read(0, 2, out=np.empty((2, 4, 4), dtype=np.float32))
    with pytest.raises(PanelError, match="not of the panel"):
        panel.read(0, 2, stocks=np.array([4]))
    with pytest.raises(PanelError, match="leaves the panel"):
        panel.read(4, 6)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_gathering_any_stocks(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    total = data.draw(st.integers(1, 60))
    held = np.flatnonzero(rng.random(total) < data.draw(st.floats(0, 1)))
    wanted = rng.permutation(np.flatnonzero(rng.random(total) < data.draw(st.floats(0, 1))))
    wanted = np.sort(wanted) if data.draw(st.booleans()) else wanted
    features = rng.normal(size=(3, held.size, 5)).astype(np.float32)
    out = np.full((3, wanted.size, 5), 7.0, dtype=np.float32)
    gather(features, held, wanted, out)
    place = {stock: n for n, stock in enumerate(held.tolist())}
    for column, stock in enumerate(wanted.tolist()):
        if stock in place:
            assert (out[:, column] == features[:, place[stock]]).all()
        else:
            assert np.isnan(out[:, column]).all()


def test_a_column_is_checked_at_its_first_use(tmp_path: Path) -> None:
    folder = write_panel(tmp_path / "panel", random_segments()[:1])
    (path,) = folder.glob("segments/*.arrow")
    raw = bytearray(path.read_bytes())
    column = SegmentFile.open(path).column("turnover")
    place = bytes(raw).index(column.tobytes())
    raw[place + 3] ^= 1
    path.write_bytes(raw)
    panel = open_panel(folder)
    (block,) = panel.blocks()
    assert block.features.shape == (3, 2, 3)  # what is sound is read
    assert panel.present.any()
    with pytest.raises(PanelError, match=rf"damaged[\s\S]*{path.name}[\s\S]*column turnover[\s\S]*build"):
        panel.grid("turnover")


def test_other_readers_understand_the_file(tmp_path: Path) -> None:
    segment = random_segments()[0]
    path = tmp_path / "Y.arrow"
    write_single(path, segment, AXES, stocks=STOCKS, lineage={})
    frame = pl.read_ipc(path)
    assert frame.shape == (6, 7)
    assert same_bits(frame["features"].to_numpy().reshape(3, 2, 3), segment.features)


def test_the_span_of_a_label_is_stated(tmp_path: Path) -> None:
    import pyarrow as pa

    path = tmp_path / "Y.arrow"
    write_single(path, random_segments()[0], AXES, stocks=STOCKS, lineage={})
    header = json.loads(pa.ipc.open_file(path.read_bytes()).schema.metadata[b"gogooku3"])
    assert header["targets"][1] == {"name": "h5_d1", "horizon": 5, "lag": 1, "span": [1, 6]}
    assert header["sessions"] == ["2020-01-06", "2020-01-07", "2020-01-08"]


def test_a_segment_without_stocks_keeps_its_sessions(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    segments = [random_segments()[0], random_segment(rng, "2020-01-09", 2, ()), random_segments()[1]]
    panel = open_panel(write_panel(tmp_path / "panel", segments))
    assert len(panel.sessions) == 7
    assert [block.features.shape for block in panel.blocks()] == [(3, 2, 3), (2, 0, 3), (2, 3, 3)]
    assert not panel.present[3:5].any()


def test_readers_survive_a_new_panel(tmp_path: Path) -> None:
    segments = random_segments()
    folder = write_panel(tmp_path / "panel", segments)
    panel = open_panel(folder)
    write_panel(folder, random_segments(seed=1))
    panel.verify()
    assert same_bits(next(panel.blocks()).features, segments[0].features)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_any_shape(tmp_path_factory: pytest.TempPathFactory, sessions: int, stocks: int, seed: int) -> None:
    segment = random_segment(
        np.random.default_rng(seed), "1999-12-30", sessions, [f"{n:03}" for n in range(stocks)]
    )
    path = tmp_path_factory.mktemp("any") / "a.arrow"
    write_segment(path, segment, AXES)
    opened = SegmentFile.open(path)
    opened.verify()
    for name in ARRAYS:
        assert same_bits(opened.column(name), getattr(segment, name))
