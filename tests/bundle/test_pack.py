"""What is packed is what is opened, in an archive that other tools read, with the same bytes each time."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from gogooku3.bundle.archive import unzip, zip_chunks
from gogooku3.bundle.member import Member
from gogooku3.bundle.open import open_bundle
from gogooku3.bundle.pack import pack
from gogooku3.errors import ModelError, StorageError
from tests.bundle.made import about, members, parts_of


def test_what_is_packed_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    packed = pack(path, about(), members())
    opened = open_bundle(path)
    assert opened.about == packed.about == about()
    assert opened.members == packed.members == tuple(members())
    assert opened.card == packed.card
    assert opened.digest == packed.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert opened.models == ("ridge", "lightgbm")
    assert [member.name for member in opened.of("lightgbm")] == [
        f"lightgbm-2024-seed{k}.json" for k in (0, 1)
    ]
    with pytest.raises(ModelError, match=r"got: gru[\s\S]*ridge, lightgbm"):
        opened.of("gru")


def test_other_tools_read_it(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    bundle = pack(path, about(), members())
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        assert file.namelist()[0] == "manifest.json"
        assert file.namelist()[1:] == sorted(file.namelist()[1:])
        assert {info.compress_type for info in file.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert file.read("model_card.md").decode() == bundle.card
    assert parts_of(path)["weights/ridge-2024.safetensors"] == members()[0].data


def test_the_archive_is_that_of_the_standard_library(tmp_path: Path) -> None:
    """The standard library writes the very bytes when it is told the same fields."""
    parts = {"a.json": b"{}", "weights/b.safetensors": bytes(range(256))}
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name, data in parts.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o100644 << 16
            file.writestr(info, data)
    assert path.read_bytes() == b"".join(zip_chunks(parts))
    assert {name: bytes(data) for name, data in unzip(path.read_bytes(), path).items()} == parts


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    pack(tmp_path / "a.zip", about(), members())
    os.utime(tmp_path / "a.zip", (0, 0))
    pack(tmp_path / "b.zip", about(), members())
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    pack(tmp_path / "b.zip", about(targets=("h5_d1", "h20_d1")), members())
    assert (tmp_path / "a.zip").read_bytes() != (tmp_path / "b.zip").read_bytes()


def test_members_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "ridge-2024.safetensors").write_bytes(members()[0].data)
    assert Member.read("ridge", tmp_path / "ridge-2024.safetensors") == members()[0]
    with pytest.raises(StorageError, match="none"):
        Member.read("ridge", tmp_path / "none.safetensors")


def test_weights_with_notes_in_their_header(tmp_path: Path) -> None:
    """Deep models say there what they are built from."""
    data = save({"a": np.ones(2)}, metadata={"gogooku3": '{"kind": "gru"}'})
    member = Member(model="ridge", name="gru-2024-seed0.safetensors", data=data)
    bundle = pack(tmp_path / "b.zip", about(), [*members(), member])
    assert bundle.of("ridge")[1] == member


BAD = {
    "no member": ([], "members"),
    "a pickle": ([Member(model="ridge", name="ridge.safetensors", data=b"\x80\x04N.")], "a pickle"),
    "a pickle's name": ([Member(model="ridge", name="ridge.pkl", data=b"\x80\x04N.")], "a pickle"),
    "a script": ([Member(model="ridge", name="ridge.py", data=b"print()")], "another ending"),
    "a path": ([Member(model="ridge", name="../ridge.json", data=b"{}")], "plain names"),
    "a folder": ([Member(model="ridge", name="a/ridge.json", data=b"{}")], "plain names"),
    "letters of another script": ([Member(model="ridge", name="rídge.json", data=b"{}")], "plain names"),
    "a list": ([Member(model="ridge", name="ridge.json", data=b"[]")], "another form"),
    "no JSON": ([Member(model="ridge", name="ridge.json", data=b"{")], "no JSON"),
    "twice": ([Member(model="ridge", name="ridge.json", data=b"{}")] * 2, "each once"),
    "a model of another name": ([Member(model="../ridge", name="ridge.json", data=b"{}")], "members"),
    "a model that is not described": (
        [Member(model="gru", name="gru.json", data=b"{}")],
        r"normaliser\.json",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_would_be_refused_is_not_packed(name: str, tmp_path: Path) -> None:
    bad, said = BAD[name]
    path = tmp_path / "b.zip"
    path.write_text("before")
    with pytest.raises(StorageError, match=said) as caught:
        pack(path, about(), bad)
    assert str(path) in str(caught.value)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_the_card_says_what_it_is(tmp_path: Path) -> None:
    card = pack(tmp_path / "b.zip", about(), members()).card
    for said in (
        "# Model card: tiny, fold 2024",
        "ridge (1 file), lightgbm (2 files)",
        "Learned from: 2020-01-06 to 2022-12-30, 700 sessions",
        "Settings chosen and training stopped on: 2023-01-04 to 2023-12-29, 240 sessions, then learned from as well",
        "Out of sample from: 2024-01-04",
        "| ridge | 5 | 1 | 0.0400 |",
        "| ridge | 5 | 1 | 0.0300 | 0.0200 to 0.0400 | 1200 |",
        "inputs per_day_rank, links none",
        "## Licence",
        "To be named",
    ):
        assert said in card, said
    tested = about().evaluation.model_copy(update={"test": ()})
    assert (
        "Not evaluated out of sample." in pack(tmp_path / "c.zip", about(evaluation=tested), members()).card
    )
