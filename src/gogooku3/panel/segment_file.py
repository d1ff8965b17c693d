"""A segment as a file: one Arrow record batch whose columns are read in place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pyarrow as pa

from gogooku3.errors import PanelError
from gogooku3.panel.days import day_digests
from gogooku3.panel.faults import REBUILD, damaged
from gogooku3.panel.labels import Labels
from gogooku3.panel.panel_axes import KNOWN, LABELS, PanelAxes
from gogooku3.panel.seal import BLANK_SEAL, Seal, read_seal, seal_file
from gogooku3.panel.segment import Segment
from gogooku3.panel.stocks import check_stocks, stocks_from_json, stocks_to_json
from gogooku3.storage.atomic import atomic_path

Part = Literal["known", "labels"]
PARTS: tuple[Part, ...] = ("known", "labels")
_HEADER = b"gogooku3"
_SEAL = b"gogooku3_seal"


def part_columns(part: Part, axes: PanelAxes) -> tuple[str, ...]:
    """Return the columns that make up what is known on a day, or its labels."""
    return (*KNOWN, *axes.field_names) if part == "known" else LABELS


def write_segment(
    path: Path,
    segment: Segment | Labels,
    axes: PanelAxes,
    *,
    parts: Sequence[Part] = PARTS,
    stocks: pl.DataFrame | None = None,
    lineage: Mapping[str, Any] | None = None,
) -> Seal:
    """Write a segment, or one part of it, to a path that nobody reads yet; the same input gives the same bytes.

    Args:
        path: Where to.
        segment: What; labels alone suffice for that part.
        axes: Names along its axes, which the file carries.
        parts: What is known on each day, its labels, or both.
        stocks: What is known of its stocks (``STOCKS_SCHEMA``), for a file that stands alone.
        lineage: Where it came from, for a file that stands alone.

    Returns:
        The seal that the file now has.

    Raises:
        PanelError: The segment does not fit the axes.
    """
    if isinstance(segment, Segment):
        segment.check_fits(axes)
    columns = {part: {n: _array(segment, n) for n in part_columns(part, axes)} for part in parts}
    flat = {name: array for part in parts for name, array in columns[part].items()}
    with ThreadPoolExecutor(2) as pool:
        digests = pool.submit(lambda: {name: _digest(array) for name, array in flat.items()})
        days = {
            part: day_digests(segment.sessions, segment.codes, segment.present, columns[part])
            for part in parts
        }
    header = axes.to_json() | {
        "sessions": np.datetime_as_string(segment.sessions).tolist(),
        "codes": list(segment.codes),
        "stocks": None if stocks is None else stocks_to_json(check_stocks(stocks)),
        "lineage": dict(lineage or {}),
        "columns": digests.result(),
        "days": days,
    }
    text = json.dumps(header, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    schema = _schema(axes, parts).with_metadata({_HEADER: text.encode(), _SEAL: BLANK_SEAL.encode()})
    arrays = [_column(flat[field.name], field.type) for field in schema]
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        writer.write_batch(pa.record_batch(arrays, schema=schema))
    return seal_file(path)


def write_single(
    path: Path, segment: Segment, axes: PanelAxes, *, stocks: pl.DataFrame, lineage: Mapping[str, Any]
) -> None:
    """Write a panel that is one self-contained segment, atomically.

    Raises:
        PanelError: The segment does not fit the axes.
        StorageError: The file cannot be written.
    """
    with atomic_path(path) as partial:
        write_segment(partial, segment, axes, stocks=stocks, lineage=lineage)


class SegmentFile:
    """A mapped segment file; its arrays are read-only views of it, whatever becomes of the file's name.

    A column's bytes are checked against its digest when it is first used.

    Attributes:
        path: Where it was opened.
        seal: Its seal.
        axes: Names along its axes.
        parts: What it holds.
        sessions: datetime64[D] array of shape [L].
        codes: Stock codes, sorted, length Ns.
        stocks: What is known of its stocks, None for a segment of a folder.
        lineage: Where it came from, empty for a segment of a folder.
        data: The mapped bytes.
    """

    def __init__(self, path: Path, seal: Seal, header: Mapping[str, Any], data: memoryview) -> None:
        """Take over a file that `open_segment` has checked."""
        self.path, self.seal, self.data = path, seal, data
        self.axes = PanelAxes.from_json(header)
        self.parts: tuple[Part, ...] = tuple(part for part in PARTS if part in header.get("days", PARTS))
        self.sessions = np.array(header["sessions"], dtype="datetime64[D]")
        self.codes: tuple[str, ...] = tuple(header["codes"])
        self.stocks = None if header["stocks"] is None else stocks_from_json(header["stocks"])
        self.lineage: Mapping[str, Any] = header["lineage"]
        self._days: dict[str, list[str]] = dict(header.get("days", {}))
        self._digests: Mapping[str, str] = header.get("columns", {})
        self._columns: dict[str, np.ndarray] = {}
        self._checked: set[str] = set()

    @classmethod
    def open(cls, path: Path) -> SegmentFile:
        """Map a file and check its header, schema and sizes; no value is read.

        Raises:
            PanelError: The file is absent, no segment, of another version, or its header is damaged.
        """
        try:
            with pa.memory_map(str(path)) as source:
                buffer = source.read_buffer(source.size())
        except (OSError, pa.ArrowException) as error:
            raise PanelError("a panel file cannot be read", where=path, got=error, remedy=REBUILD) from error
        data = memoryview(buffer)
        seal = read_seal(data, path)
        try:
            reader = pa.ipc.open_file(pa.BufferReader(buffer))
            batch = reader.get_batch(0)
            segment = cls(path, seal, json.loads(reader.schema.metadata[_HEADER]), data)
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
            raise damaged(path, error) from error
        segment._take(reader, batch)
        return segment

    def column(self, name: str) -> np.ndarray:
        """Return a column [L, Ns] or [L, Ns, F] as a view of the file.

        Raises:
            PanelError: Its bytes are not those that were written.
        """
        if name not in self._checked:
            self._check(name)
        return self._columns[name]

    def days(self, part: Part) -> list[str]:
        """Return the digests of the sessions; those of version 1 are computed from the values.

        Raises:
            PanelError: A column that is read for it is damaged.
        """
        if part not in self._days:
            columns = {name: self.column(name) for name in part_columns(part, self.axes)}
            self._days[part] = day_digests(self.sessions, self.codes, self.column("present"), columns)
        return self._days[part]

    def verify(self) -> None:
        """Raise a PanelError unless every byte is what was written."""
        read_seal(self.data, self.path)
        for name in self._columns:
            self._check(name)
        place = self.seal.start
        for start, stop in (*sorted(map(self._extent, self._columns.values())), (self.seal.stop,) * 2):
            if any(self.data[place:start]):
                raise damaged(self.path, "bytes between its columns that are not zero")
            place = stop

    def _take(self, reader: pa.RecordBatchFileReader, batch: pa.RecordBatch) -> None:
        shape = (len(self.sessions), len(self.codes))
        expected = _schema(self.axes, self.parts)
        got = reader.schema.remove_metadata()
        if not got.equals(expected):
            raise damaged(self.path, f"columns {got}", expected)
        if reader.num_record_batches != 1 or batch.num_rows != shape[0] * shape[1]:
            raise damaged(self.path, f"{batch.num_rows} rows", f"one batch of {shape[0] * shape[1]}")
        if self.seal.version > 1 and set(self._digests) != set(expected.names):
            raise damaged(self.path, "columns without a digest")
        depth = {"features": len(self.axes.feature_names)} | dict.fromkeys(LABELS, len(self.axes.targets))
        for name in expected.names:
            values = _values(batch, name, (*shape, depth[name]) if name in depth else shape)
            self._columns[name] = values.view(np.bool_) if values.dtype == np.uint8 else values

    def _check(self, name: str) -> None:
        if self.seal.version == 1:
            self.seal.check_body(self.data, self.path)
            self._checked.update(self._columns)
            return
        got = _digest(self._columns[name])
        if got != self._digests[name]:
            raise damaged(self.path, f"column {name} of SHA-256 {got}", self._digests[name])
        self._checked.add(name)

    def _extent(self, column: np.ndarray) -> tuple[int, int]:
        base = np.frombuffer(self.data, dtype=np.uint8).__array_interface__["data"][0]
        start = column.__array_interface__["data"][0] - base if column.size else self.seal.start
        return start, start + column.nbytes


def same_axes(left: SegmentFile, right: SegmentFile) -> bool:
    """Whether two files lie on the same sessions and stocks of one panel."""
    return (
        left.axes == right.axes
        and left.codes == right.codes
        and np.array_equal(left.sessions, right.sessions)
    )


def _schema(axes: PanelAxes, parts: Sequence[Part]) -> pa.Schema:
    stored = pa.float16() if axes.dtype == "float16" else pa.float32()
    types = {
        "features": pa.list_(pa.field("item", stored, nullable=False), len(axes.feature_names)),
        "targets": pa.list_(pa.field("item", pa.float32(), nullable=False), len(axes.targets)),
        "present": pa.uint8(),
        "universe": pa.uint8(),
    } | dict.fromkeys(axes.field_names, pa.float64())
    types["target_ranks"] = types["targets"]
    # the order of version 1, which single files still have
    order = ("features", "targets", "target_ranks", "present", "universe", *axes.field_names)
    held = {name for part in parts for name in part_columns(part, axes)}
    return pa.schema([pa.field(name, types[name], nullable=False) for name in order if name in held])


def _array(segment: Segment | Labels, name: str) -> np.ndarray:
    fields = segment.fields if isinstance(segment, Segment) else {}
    return np.ascontiguousarray(fields[name] if name in fields else getattr(segment, name))


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(array.reshape(-1).view(np.uint8).data).hexdigest()


def _column(array: np.ndarray, kind: pa.DataType) -> pa.Array:
    """Wrap a contiguous array as a column, without copying."""
    flat = array.reshape(-1)
    if array.ndim == 3:
        return pa.FixedSizeListArray.from_arrays(pa.array(flat), type=kind)
    return pa.array(flat.view(np.uint8) if flat.dtype == np.bool_ else flat)


def _values(batch: pa.RecordBatch, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return a column as a view of the mapped file."""
    column = batch.column(name)
    flat = column.values if len(shape) == 3 else column
    array: np.ndarray = flat.to_numpy(zero_copy_only=True)
    return array.reshape(shape)
