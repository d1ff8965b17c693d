"""Graphs as a file: one record a graph, read in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gogooku3.errors import StorageError
from gogooku3.graphs.graphs import EDGE_FEATURES
from gogooku3.graphs.keys import GraphKey
from gogooku3.storage.content import store, sweep
from gogooku3.storage.hashing import digest_file
from gogooku3.storage.manifest import MANIFEST_NAME, Manifest
from gogooku3.storage.paths import inside

_FORMAT, _VERSION = "gogooku3-graphs", 1
_FOLDER, _SUFFIX = "data", ".npy"


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredGraphs:
    """Graphs of a folder, on the stock axis that they were written on.

    Attributes:
        keys: One a graph.
        sectors: Sector by code, in the order of the stock axis.
        index: int32 [G, N, k], a view of the file.
        edge: float32 [G, N, k, E], a view of the file.
    """

    keys: Sequence[GraphKey]
    sectors: Mapping[str, str]
    index: np.ndarray
    edge: np.ndarray

    @classmethod
    def read(cls, folder: Path) -> StoredGraphs | None:
        """Return the graphs of a folder after checking every byte; None where there are none.

        Raises:
            StorageError: A file is absent or not what was written.
        """
        if not (folder / MANIFEST_NAME).exists():
            return None
        try:
            manifest = Manifest.read(folder, format=_FORMAT, versions={_VERSION})
            return cls._open(folder, manifest)
        except StorageError as error:
            raise _damaged(folder, error) from error
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(folder, StorageError("graphs are not understood", got=error)) from error

    @classmethod
    def write(
        cls,
        folder: Path,
        keys: Sequence[GraphKey],
        sectors: Mapping[str, str],
        neighbours: int,
        graphs: Iterable[tuple[np.ndarray, np.ndarray]],
    ) -> None:
        """Replace the graphs of a folder in one step.

        Args:
            folder: Made if it is not there.
            keys: One a graph.
            sectors: Sector by code, in the order of the stock axis.
            neighbours: k.
            graphs: Neighbours int32 [N, k] and edge features float32 [N, k, E], one pair a key; drawn one by one.

        Raises:
            StorageError: The folder cannot be written.
        """
        record = _record(len(sectors), neighbours)
        about = {
            "descr": np.lib.format.dtype_to_descr(record),
            "fortran_order": False,
            "shape": (len(keys),),
        }

        def fill(path: Path) -> str:
            # not through a map, where a full disk is a signal instead of an error
            with path.open("wb") as file:
                np.lib.format.write_array_header_2_0(file, about)
                for index, edge in graphs:
                    one = np.empty((), dtype=record)
                    one["index"], one["edge"] = index, edge
                    file.write(one.tobytes())
            return digest_file(path)

        stored = store(folder, _FOLDER, _SUFFIX, fill)
        content = {
            "graphs": [key.to_json() for key in keys],
            "codes": list(sectors),
            "sectors": list(sectors.values()),
        }
        Manifest(format=_FORMAT, version=_VERSION, files=(stored,), content=content).write(folder)
        sweep(folder, _FOLDER, _SUFFIX, {stored.name})

    @classmethod
    def _open(cls, folder: Path, manifest: Manifest) -> StoredGraphs:
        (file,), content = manifest.files, manifest.content
        path = inside(folder, file.name)
        got = digest_file(path)
        if got != file.digest:
            raise StorageError(
                "a file of graphs is damaged", where=path, got=f"SHA-256 {got}", expected=file.digest
            )
        records = np.load(path, mmap_mode="r", allow_pickle=False)
        return cls(
            keys=[GraphKey(**key) for key in content["graphs"]],
            sectors=dict(zip(content["codes"], content["sectors"], strict=True)),
            index=records["index"],
            edge=records["edge"],
        )


def _record(stocks: int, neighbours: int) -> np.dtype[np.void]:
    shape = (stocks, neighbours)
    return np.dtype([("index", np.int32, shape), ("edge", np.float32, (*shape, len(EDGE_FEATURES)))])


def _damaged(folder: Path, error: StorageError) -> StorageError:
    return StorageError(
        error.what,
        where=error.where,
        got=error.got,
        expected=error.expected,
        remedy=f"remove the folder {folder}: graphs are built again when they are next asked for",
    )
