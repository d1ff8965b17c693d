"""A segment as a file: one Arrow record batch whose columns are read in place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from gogooku3.axes import BoolLN, FeatureLNF, FloatLN, TargetLNT
from gogooku3.errors import PanelError
from gogooku3.panel.faults import REBUILD, damaged
from gogooku3.panel.panel_axes import PanelAxes
from gogooku3.panel.seal import BLANK_SEAL, Seal, read_seal, seal_file
from gogooku3.panel.segment import Segment
from gogooku3.panel.stocks import check_stocks, stocks_from_json, stocks_to_json
from gogooku3.storage.atomic import atomic_path

_HEADER = b"gogooku3"
_SEAL = b"gogooku3_seal"


def write_segment(
    path: Path,
    segment: Segment,
    axes: PanelAxes,
    *,
    stocks: pl.DataFrame | None = None,
    lineage: Mapping[str, Any] | None = None,
) -> Seal:
    """Write a segment to a path that nobody reads yet; the same input gives the same bytes.

    Args:
        path: Where to.
        segment: What.
        axes: Names along its axes, which the file carries.
        stocks: What is known of its stocks (``STOCKS_SCHEMA``), for a file that stands alone.
        lineage: Where it came from, for a file that stands alone.

    Returns:
        The digests that the file now holds.

    Raises:
        PanelError: The segment does not fit the axes.
    """
    segment.check_fits(axes)
    header = axes.to_json() | {
        "sessions": np.datetime_as_string(segment.sessions).tolist(),
        "codes": list(segment.codes),
        "stocks": None if stocks is None else stocks_to_json(check_stocks(stocks)),
        "lineage": dict(lineage or {}),
    }
    text = json.dumps(header, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    schema = _schema(axes).with_metadata({_HEADER: text.encode(), _SEAL: BLANK_SEAL.encode()})
    columns = [_column(segment, field) for field in schema]
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        writer.write_batch(pa.record_batch(columns, schema=schema))
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


@dataclass(frozen=True, eq=False, kw_only=True)
class SegmentFile:
    """A mapped segment; its arrays are read-only views of the file, whatever becomes of the file's name.

    Attributes:
        path: Where it was opened.
        seal: Its digests.
        axes: Names along its axes.
        sessions: datetime64[D] array of shape [L].
        codes: Stock codes, sorted, length Ns.
        stocks: What is known of its stocks, None for a segment of a folder.
        lineage: Where it came from, empty for a segment of a folder.
        features: float32 [L, Ns, F].
        present, universe: Bool [L, Ns].
        targets, target_ranks: float32 [L, Ns, T].
        fields: float64 [L, Ns] by name.
        data: The mapped bytes.
    """

    path: Path
    seal: Seal
    axes: PanelAxes
    sessions: np.ndarray
    codes: tuple[str, ...]
    stocks: pl.DataFrame | None
    lineage: Mapping[str, Any]
    features: FeatureLNF
    present: BoolLN
    universe: BoolLN
    targets: TargetLNT
    target_ranks: TargetLNT
    fields: Mapping[str, FloatLN]
    data: memoryview

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
            header = json.loads(reader.schema.metadata[_HEADER])
            axes = PanelAxes.from_json(header)
            sessions = np.array(header["sessions"], dtype="datetime64[D]")
            codes = tuple(header["codes"])
            stocks = None if header["stocks"] is None else stocks_from_json(header["stocks"])
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
            raise damaged(path, error) from error
        _check_columns(reader, axes, len(sessions) * len(codes), path)
        shape = (len(sessions), len(codes))
        return cls(
            path=path,
            seal=seal,
            axes=axes,
            sessions=sessions,
            codes=codes,
            stocks=stocks,
            lineage=header["lineage"],
            features=_values(batch, "features", (*shape, len(axes.feature_names))),
            present=_values(batch, "present", shape).view(np.bool_),
            universe=_values(batch, "universe", shape).view(np.bool_),
            targets=_values(batch, "targets", (*shape, len(axes.targets))),
            target_ranks=_values(batch, "target_ranks", (*shape, len(axes.targets))),
            fields={name: _values(batch, name, shape) for name in axes.field_names},
            data=data,
        )

    def verify(self) -> None:
        """Raise a PanelError unless every byte is what was written."""
        read_seal(self.data, self.path)
        self.seal.check_body(self.data, self.path)


def _schema(axes: PanelAxes) -> pa.Schema:
    item = pa.field("item", pa.float32(), nullable=False)
    types = {
        "features": pa.list_(item, len(axes.feature_names)),
        "targets": pa.list_(item, len(axes.targets)),
        "target_ranks": pa.list_(item, len(axes.targets)),
        "present": pa.uint8(),
        "universe": pa.uint8(),
    } | dict.fromkeys(axes.field_names, pa.float64())
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in types.items()])


def _column(segment: Segment, field: pa.Field) -> pa.Array:
    """Wrap an array of the segment as a column, without copying where it is contiguous."""
    array = segment.fields[field.name] if field.name in segment.fields else getattr(segment, field.name)
    flat = np.ascontiguousarray(array).reshape(-1)
    if array.ndim == 3:
        return pa.FixedSizeListArray.from_arrays(pa.array(flat), type=field.type)
    return pa.array(flat.view(np.uint8) if flat.dtype == np.bool_ else flat)


def _check_columns(reader: pa.RecordBatchFileReader, axes: PanelAxes, rows: int, where: Path) -> None:
    expected = _schema(axes)
    got = reader.schema.remove_metadata()
    if not got.equals(expected):
        raise damaged(where, f"columns {got}", expected)
    if reader.num_record_batches != 1 or reader.get_batch(0).num_rows != rows:
        raise damaged(where, f"{reader.get_batch(0).num_rows} rows", f"one batch of {rows}")


def _values(batch: pa.RecordBatch, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return a column as a view of the mapped file."""
    column = batch.column(name)
    flat = column.values if len(shape) == 3 else column
    array: np.ndarray = flat.to_numpy(zero_copy_only=True)
    return array.reshape(shape)
