"""Checkpoints: kept, dropped, found again, and refused when anything about them is wrong."""

from __future__ import annotations

import json
import pickle
import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from gogooku3.errors import ModelError, StorageError
from gogooku3.storage.content import StoredFile, store
from gogooku3.storage.hashing import digest_json
from gogooku3.storage.manifest import Manifest
from gogooku3.training.checkpoint import FORMAT, checkpoint_steps, load_checkpoint, save_checkpoint
from tests.training.states import same, states


def _state(value: float = 1.0) -> dict[str, object]:
    return {
        "model": {"weight": torch.full((3, 2), value), "steps": torch.tensor(value)},
        "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"betas": (0.9, 0.999)}]},
        "best": {"epoch": 3, "rank_ic": 0.05, "none": None},
    }


def _files(folder: Path) -> set[str]:
    return {path.name for path in (folder / "parts").iterdir()}


def _named(folder: Path) -> set[str]:
    manifest = json.loads((folder / "manifest.json").read_text())
    return {Path(file["name"]).name for file in manifest["files"]}


@settings(deadline=None, max_examples=25)
@given(state=states)
def test_any_state_comes_back_from_disk(
    state: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("checkpoints")
    save_checkpoint(folder, state, step=1)
    assert same(load_checkpoint(folder), state)


def test_the_last_ones_and_the_best_stay(tmp_path: Path) -> None:
    for step in range(6):
        save_checkpoint(tmp_path, _state(step), step=step, best=step in {1, 2})
        assert _files(tmp_path) == _named(tmp_path)
    assert checkpoint_steps(tmp_path) == (2, 4, 5)
    assert same(load_checkpoint(tmp_path), _state(5))
    assert same(load_checkpoint(tmp_path, "best"), _state(2))
    assert same(load_checkpoint(tmp_path, 4), _state(4))
    with pytest.raises(StorageError, match=r"no such checkpoint[\s\S]*step of 2, 4, 5"):
        load_checkpoint(tmp_path, 3)


@settings(deadline=None, max_examples=20)
@given(
    saves=st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=8),
    keep=st.integers(1, 3),
)
def test_what_stays_by_a_plain_account(
    saves: list[tuple[int, bool]], keep: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("checkpoints")
    order: list[int] = []
    champion: int | None = None
    for step, best in saves:
        save_checkpoint(folder, {"a": torch.tensor(step)}, step=step, best=best, keep=keep)
        order = [*(s for s in order if s != step), step]
        champion = step if best else champion
        order = [s for s in order if s in order[-keep:] or s == champion]
        assert checkpoint_steps(folder) == tuple(order)
        assert load_checkpoint(folder)["a"] == step
        if champion is not None:
            assert load_checkpoint(folder, "best")["a"] == champion
        assert _files(folder) == _named(folder)


def test_a_step_saved_again_replaces_itself(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, _state(1), step=7, best=True)
    save_checkpoint(tmp_path, _state(2), step=7)
    assert checkpoint_steps(tmp_path) == (7,)
    assert same(load_checkpoint(tmp_path, "best"), _state(2))


def test_checkpoints_of_the_same_values_share_their_files(tmp_path: Path) -> None:
    for step in range(4):
        save_checkpoint(tmp_path, _state(), step=step)
    assert checkpoint_steps(tmp_path) == (2, 3)
    assert len(_files(tmp_path)) == 2
    assert same(load_checkpoint(tmp_path, 2), _state())


def test_the_same_state_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_checkpoint(tmp_path / name, _state(), step=1)
    a, b = ({p.name: p.read_bytes() for p in (tmp_path / n).rglob("*.*s*")} for n in ("a", "b"))
    assert a == b


def test_loaded_tensors_are_aligned_and_writable(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, {"a": torch.ones(3, dtype=torch.int8), "b": torch.ones(5)}, step=1)
    state = load_checkpoint(tmp_path)
    state["b"] += 1
    assert all(tensor.data_ptr() % 64 == 0 for tensor in state.values())


def test_numbers_of_gpus_are_brought_to_the_cpu(tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    save_checkpoint(tmp_path, {"a": torch.ones(3, device="cuda")}, step=1)
    assert load_checkpoint(tmp_path)["a"].device.type == "cpu"


def test_nothing_is_written_of_a_state_that_cannot_be_held(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"where: hook"):
        save_checkpoint(tmp_path / "new", {"hook": print}, step=1)
    with pytest.raises(ModelError, match="keep"):
        save_checkpoint(tmp_path / "new", {}, step=1, keep=0)
    assert not (tmp_path / "new").exists()


def test_where_there_is_none(tmp_path: Path) -> None:
    assert checkpoint_steps(tmp_path / "none") == ()
    assert checkpoint_steps(tmp_path) == ()
    for folder in (tmp_path / "none", tmp_path):
        with pytest.raises(StorageError, match=str(folder)):
            load_checkpoint(folder)


def test_there_is_no_best_before_one_is_named(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, _state(), step=1)
    with pytest.raises(StorageError, match=r"no such checkpoint[\s\S]*got: best"):
        load_checkpoint(tmp_path, "best")


class _Runs:
    """Unpickling it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_is_called_so_and_not_read(protocol: int, tmp_path: Path) -> None:
    trap, file = tmp_path / "trap", tmp_path / "model.pt"
    file.write_bytes(pickle.dumps(_Runs(trap), protocol=protocol))
    with pytest.raises(StorageError, match=r"got: a pickle[\s\S]*runs its code"):
        load_checkpoint(file)
    assert not trap.exists()


def test_an_archive_of_torch_is_called_so(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "model.pt")
    with pytest.raises(StorageError, match=r"torch\.save"):
        load_checkpoint(tmp_path / "model.pt")


def _replaced(
    folder: Path, tensors: bytes | None = None, record: bytes | None = None, **changes: object
) -> None:
    """Forge a checkpoint whose hashes all fit, so that only what its parts say can give it away."""
    manifest = Manifest.read(folder, format=FORMAT, versions={1})
    files = list(manifest.files)
    for place, (data, suffix) in enumerate(((tensors, ".safetensors"), (record, ".json"))):
        if data is not None:
            files[place] = store(folder, "parts", suffix, lambda path, data=data: _write(path, data))
    Manifest(
        format=FORMAT,
        version=int(str(changes.get("version", 1))),
        files=tuple(files[: int(str(changes.get("files", 2)))]),
        content=changes.get("content", manifest.content),
    ).write(folder)


def _write(path: Path, data: bytes) -> str:
    import hashlib

    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _record(folder: Path) -> dict[str, object]:
    (path,) = (folder / "parts").glob("*.json")
    return json.loads(path.read_text())


def _forged_tensors(tensors: Mapping[str, torch.Tensor]) -> Callable[[Path], None]:
    return lambda folder: _replaced(folder, tensors=save(dict(tensors)))


def _forged_record(change: Callable[[dict], object]) -> Callable[[Path], None]:
    def forge(folder: Path) -> None:
        record = _record(folder)
        _replaced(folder, record=json.dumps(change(record) or record).encode())

    return forge


GOOD = {"a": torch.ones(2), "b": torch.zeros(1, dtype=torch.int64)}
FORGED = {
    "a tensor more": (_forged_tensors({**GOOD, "c": torch.ones(1)}), "other tensors"),
    "a tensor less": (_forged_tensors({"a": torch.ones(2)}), "other tensors"),
    "another name": (_forged_tensors({"a": torch.ones(2), "c": GOOD["b"]}), "other tensors"),
    "another type": (_forged_tensors({**GOOD, "a": torch.ones(2, dtype=torch.float64)}), "other tensors"),
    "another shape": (_forged_tensors({**GOOD, "a": torch.ones(3)}), "other tensors"),
    "a pickle": (lambda f: _replaced(f, tensors=pickle.dumps([1, 2])), "a pickle"),
    "a pickle as record": (lambda f: _replaced(f, record=pickle.dumps([1, 2])), "a pickle"),
    "a header of 5 MB": (
        lambda f: _replaced(f, tensors=(5_000_000).to_bytes(8, "little") + b"{" + b" " * 5_000_000),
        "5,000,000",
    ),
    "a header of 2^60 bytes": (
        lambda f: _replaced(f, tensors=(2**60).to_bytes(8, "little") + b"{}"),
        "header",
    ),
    "nothing": (lambda f: _replaced(f, tensors=b""), "tensors"),
    "a record of another form": (_forged_record(lambda r: [r]), "form"),
    "a record that names no tensor": (_forged_record(lambda r: r["state"].clear()), "does not name"),
    "an unknown tag": (_forged_record(lambda r: r["state"].update(x={"$code": "1"})), "not understood"),
    "a deep record": (lambda f: _replaced(f, record=b"[" * 100_000), "damaged"),
    "a version of tomorrow": (lambda f: _replaced(f, version=2), "version"),
    "half a checkpoint": (lambda f: _replaced(f, files=1), "damaged"),
    "no list of checkpoints": (lambda f: _replaced(f, content={}), "damaged"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_checkpoint_is_refused(name: str, tmp_path: Path) -> None:
    forge, said = FORGED[name]
    save_checkpoint(tmp_path, GOOD, step=1)
    forge(tmp_path)
    with pytest.raises(StorageError, match=said) as caught:
        load_checkpoint(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_the_forger_can_succeed(tmp_path: Path) -> None:
    """With the same tensors and record it is the same checkpoint: nothing else gives a forgery away."""
    save_checkpoint(tmp_path, GOOD, step=1)
    _replaced(tmp_path, tensors=save(GOOD), record=json.dumps(_record(tmp_path)).encode())
    assert same(load_checkpoint(tmp_path), GOOD)


def test_every_damage_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    save_checkpoint(folder, _state(), step=1)
    rng = random.Random(5)
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != ".lock"):
        raw = path.read_bytes()
        cuts = {0, 1, 7, 8, 9, len(raw) - 1, *(rng.randrange(len(raw)) for _ in range(40))}
        flips = [(rng.randrange(len(raw)), rng.randrange(8)) for _ in range(120)]
        damaged = [raw[:cut] for cut in cuts] + [_flipped(raw, *flip) for flip in flips] + [raw + b"\0"]
        for data in damaged:
            path.write_bytes(data)
            with pytest.raises(StorageError, match=r"remedy: load another checkpoint") as caught:
                load_checkpoint(folder)
            assert str(path) in str(caught.value)
        path.write_bytes(raw)
    assert same(load_checkpoint(folder), _state())


def _flipped(raw: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(raw)
    changed[place] ^= 1 << bit
    return bytes(changed)


def test_a_damaged_one_does_not_touch_the_other(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, _state(1), step=1)
    first = _files(tmp_path)
    save_checkpoint(tmp_path, _state(2), step=2)
    for name in _files(tmp_path) - first:
        path = tmp_path / "parts" / name
        path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(StorageError, match="damaged"):
        load_checkpoint(tmp_path)
    assert same(load_checkpoint(tmp_path, 1), _state(1))


def test_a_file_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    save_checkpoint(folder, GOOD, step=1)
    manifest = json.loads((folder / "manifest.json").read_text())
    body = {k: v for k, v in manifest.items() if k != "seal"}
    name = body["files"][0]["name"]
    shutil.copy(folder / name, tmp_path / Path(name).name)
    with pytest.raises(StorageError):
        StoredFile(name=f"../{Path(name).name}", digest=body["files"][0]["digest"], size=1)
    body["files"][0]["name"] = f"../{Path(name).name}"
    (folder / "manifest.json").write_text(json.dumps(body | {"seal": digest_json(body)}, indent=2) + "\n")
    with pytest.raises(StorageError, match="impossible file"):
        load_checkpoint(folder)


def test_two_writers_at_once(tmp_path: Path) -> None:
    from gogooku3.storage.lock import exclusive

    with (
        exclusive(tmp_path / ".lock", "a checkpoint is being written"),
        pytest.raises(StorageError, match="another process"),
    ):
        save_checkpoint(tmp_path, GOOD, step=1)
    save_checkpoint(tmp_path, GOOD, step=1)


def test_a_header_as_long_as_a_pickle_begins(tmp_path: Path) -> None:
    """A header of 640 bytes makes a file of tensors begin with the two bytes of a pickle of protocol 2."""
    for length in range(600):
        data = save({"x" * length: torch.ones(1)})
        if data[:2] == b"\x80\x02":
            break
    assert data[:2] == b"\x80\x02"
    save_checkpoint(tmp_path, {"x" * length: torch.ones(1)}, step=1)
    assert load_checkpoint(tmp_path)["x" * length] == 1


def test_entries_are_what_the_record_says(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, GOOD, step=1)
    assert _record(tmp_path)["tensors"] == {
        "a": {"dtype": "F32", "shape": [2]},
        "b": {"dtype": "I64", "shape": [1]},
    }
    assert asdict(Manifest.read(tmp_path, format=FORMAT, versions={1}))["content"] == {
        "checkpoints": [{"step": 1, "best": False}]
    }


def test_the_state_of_a_numpy_generator_has_128_bits(tmp_path: Path) -> None:
    state = np.random.default_rng(1).bit_generator.state
    assert state["state"]["state"] > 2**64
    save_checkpoint(tmp_path, {"rng": state}, step=1)
    assert load_checkpoint(tmp_path)["rng"] == state
