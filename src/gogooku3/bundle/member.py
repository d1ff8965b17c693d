"""A trained model's file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from gogooku3.bundle.refused import refused
from gogooku3.errors import StorageError
from gogooku3.storage.pickles import name_pickle
from gogooku3.storage.tensor_file import tensor_entries


@dataclass(frozen=True, kw_only=True)
class Member:
    """One seed of one model.

    Attributes:
        model: Name of the model.
        name: Plain file name, ending in ``.safetensors`` or ``.json``.
        data: Every byte of the file.
    """

    model: str
    name: str
    data: bytes

    @classmethod
    def read(cls, model: str, path: Path) -> Member:
        """Read a file that training wrote.

        Raises:
            StorageError: It cannot be read.
        """
        try:
            return cls(model=model, name=path.name, data=path.read_bytes())
        except OSError as error:
            raise StorageError("a model's file cannot be read", where=path, got=error.strerror) from error

    def check(self, where: object) -> None:
        """Check that the file has the form that its name says; nothing of it is run.

        Raises:
            StorageError: It is a pickle, has a header that is too long or does not fit, or is no JSON object.
        """
        here = f"{where}, {self.name}"
        if self.name.endswith(".safetensors"):
            tensor_entries(self.data, here)
            return
        if not self.name.endswith(".json"):
            raise refused(
                here, name_pickle(self.data) or "another ending", "weights in .safetensors or .json"
            )
        try:
            good = isinstance(json.loads(self.data.decode("utf-8")), dict)
        except (ValueError, RecursionError) as error:
            raise refused(here, name_pickle(self.data) or f"no JSON: {error}", "a JSON object") from error
        if not good:
            raise refused(here, "JSON of another form", "a JSON object")
