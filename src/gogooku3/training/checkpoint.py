"""The state of a training on disk: what a killed training goes on from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from safetensors.torch import load, save

from gogooku3.errors import ModelError, StorageError
from gogooku3.storage.content import StoredFile, store, sweep
from gogooku3.storage.lock import exclusive
from gogooku3.storage.manifest import MANIFEST_NAME, Manifest
from gogooku3.storage.paths import inside
from gogooku3.storage.pickles import name_pickle
from gogooku3.storage.tensor_file import tensor_entries
from gogooku3.training.checkpoint_tree import decode_state, encode_state

FORMAT = "gogooku3-checkpoints"
VERSION = 1
_PARTS = "parts"
_SUFFIXES = (".safetensors", ".json")
_HEAD = 65_536
_REMEDY = "load another checkpoint of the folder by its step, or remove the folder and train from the start"

Which = Literal["last", "best"] | int


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """A checkpoint: its step, whether it is the best, and its two files."""

    step: int
    best: bool
    tensors: StoredFile
    state: StoredFile


def save_checkpoint(
    folder: Path, state: Mapping[str, Any], *, step: int, best: bool = False, keep: int = 2
) -> None:
    """Add a checkpoint to a folder, and drop those that are neither the best nor among the last ``keep``.

    All tensors are one safetensors file, everything else is JSON; ``manifest.json`` names both by their SHA-256 and
    is replaced last, so a process killed at any moment leaves the old checkpoints or the new ones. What a killed one
    left over is removed.

    Args:
        folder: The training's own folder of checkpoints.
        state: See `encode_state`.
        step: Number by which it can be asked for; a checkpoint of the same step is replaced.
        best: Whether it is the best so far.
        keep: How many of the last ones stay, at least 1.

    Raises:
        ModelError: The state holds something that a checkpoint cannot.
        StorageError: The folder cannot be written, is damaged, or another process writes to it.
    """
    if keep < 1:
        raise ModelError("the last checkpoint has to be kept", got=keep, expected="keep >= 1")
    tree, tensors = encode_state(state)
    data = save(tensors)
    described = {name: entry.to_json() for name, entry in tensor_entries(data, "the state").items()}
    text = json.dumps({"tensors": described, "state": tree}, allow_nan=False, ensure_ascii=False).encode()
    with exclusive(folder / ".lock", "a checkpoint is being written"):
        before = _entries(folder) if (folder / MANIFEST_NAME).exists() else []
        files = [_store(folder, part, suffix) for part, suffix in zip((data, text), _SUFFIXES, strict=True)]
        again = any(entry.step == step and entry.best for entry in before)
        new = _Entry(step=step, best=best or again, tensors=files[0], state=files[1])
        _write(folder, _kept([entry for entry in before if entry.step != step], new, keep))


def load_checkpoint(folder: Path, which: Which = "last") -> dict[str, Any]:
    """Return the state of a checkpoint, every byte of it checked; no code of it is run.

    Args:
        folder: Where checkpoints were saved.
        which: The last one saved, the best one, or that of a step.

    Returns:
        The state as it was saved, with all tensors on the CPU.

    Raises:
        StorageError: There is none, or it is damaged, of another version, a pickle, or contradicts itself.
    """
    entry = _chosen(_entries(folder), which, folder)
    text, data = _read(folder, entry.state), _read(folder, entry.tensors)
    body = _body(text, folder / entry.state.name)
    where = folder / entry.tensors.name
    found = {name: tensor.to_json() for name, tensor in tensor_entries(data, where).items()}
    if found != body["tensors"]:
        other = sorted(n for n in {*found, *body["tensors"]} if found.get(n) != body["tensors"].get(n))
        raise _damaged(where, f"other tensors than its record names: {', '.join(other)[:200]}")
    tensors = {name: tensor.clone() for name, tensor in load(data).items()}  # aligned, as torch's own are
    return decode_state(body["state"], tensors, folder / entry.state.name)


def checkpoint_steps(folder: Path) -> tuple[int, ...]:
    """Return the steps of a folder's checkpoints, in the order they were saved; none if there is no such folder.

    Raises:
        StorageError: The folder's manifest is damaged or of another version.
    """
    if not (folder / MANIFEST_NAME).exists():
        return ()
    return tuple(entry.step for entry in _entries(folder))


def _store(folder: Path, data: bytes, suffix: str) -> StoredFile:
    def write(path: Path) -> str:
        path.write_bytes(data)
        return hashlib.sha256(data).hexdigest()

    return store(folder, _PARTS, suffix, write)


def _kept(before: list[_Entry], new: _Entry, keep: int) -> list[_Entry]:
    if new.best:
        before = [replace(entry, best=False) for entry in before]
    recent = len(before) - keep + 1
    return [*(entry for k, entry in enumerate(before) if k >= recent or entry.best), new]


def _write(folder: Path, entries: list[_Entry]) -> None:
    files = tuple(file for entry in entries for file in (entry.tensors, entry.state))
    content = {"checkpoints": [{"step": entry.step, "best": entry.best} for entry in entries]}
    Manifest(format=FORMAT, version=VERSION, files=files, content=content).write(folder)
    for suffix in _SUFFIXES:
        sweep(folder, _PARTS, suffix, {file.name for file in files})


def _entries(folder: Path) -> list[_Entry]:
    if not folder.is_dir():
        raise _absent(folder)
    try:
        manifest = Manifest.read(folder, format=FORMAT, versions={VERSION})
        pairs = zip(manifest.files[::2], manifest.files[1::2], strict=True)
        named = zip(manifest.content["checkpoints"], pairs, strict=True)
        return [
            _Entry(step=said["step"], best=said["best"], tensors=tensors, state=state)
            for said, (tensors, state) in named
        ]
    except StorageError as error:
        raise StorageError(
            error.what, where=error.where, got=error.got, expected=error.expected, remedy=_REMEDY
        ) from error
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(folder / MANIFEST_NAME, repr(error)) from error


def _absent(folder: Path) -> StorageError:
    pickled = name_pickle(folder.read_bytes()[:_HEAD]) if folder.is_file() else None
    return StorageError(
        "there are no checkpoints",
        where=folder,
        got=pickled or ("a file" if folder.exists() else "nothing"),
        expected=f"a folder with {MANIFEST_NAME}; a pickle is never read, since reading it runs its code",
        remedy="name the folder that a training saved to",
    )


def _chosen(entries: list[_Entry], which: Which, folder: Path) -> _Entry:
    if which == "last" and entries:
        return entries[-1]
    for entry in entries:
        if entry.step == which or (which == "best" and entry.best):
            return entry
    raise StorageError(
        "there is no such checkpoint",
        where=folder,
        got=which,
        expected=f"last, best if one was, or a step of {', '.join(str(entry.step) for entry in entries)}",
    )


def _read(folder: Path, file: StoredFile) -> bytes:
    path = inside(folder, file.name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != file.digest:
        raise _damaged(path, name_pickle(data) or f"SHA-256 {digest[:16]}", file.digest[:16])
    return data


def _body(text: bytes, where: Path) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(where, name_pickle(text) or str(error)) from error
    if not isinstance(body, dict) or set(body) != {"tensors", "state"}:
        raise _damaged(where, "a record of another form", "tensors and state")
    return body


def _damaged(where: Path, got: str, expected: str = "the file as it was written") -> StorageError:
    return StorageError("a checkpoint is damaged", where=where, got=got, expected=expected, remedy=_REMEDY)
