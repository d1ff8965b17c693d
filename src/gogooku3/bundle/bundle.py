"""An opened bundle, every byte of which was checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gogooku3.bundle.about import About
from gogooku3.bundle.member import Member
from gogooku3.errors import ModelError

FORMAT = "gogooku3-bundle"
VERSION = 1
MANIFEST = "manifest.json"
CARD = "model_card.md"
WEIGHTS = "weights/"


@dataclass(frozen=True, eq=False, kw_only=True)
class Bundle:
    """What was packed.

    Attributes:
        path: The file.
        digest: SHA-256 of the file, in hex: compare it with what the one who packed it says.
        about: What it says beside its weights.
        members: The models' files, in order.
        card: The model card, Markdown.
    """

    path: Path
    digest: str
    about: About
    members: tuple[Member, ...]
    card: str

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, in order."""
        return tuple(dict.fromkeys(member.model for member in self.members))

    def of(self, model: str) -> tuple[Member, ...]:
        """Return the files of one model, one a seed.

        Raises:
            ModelError: It is not in the bundle.
        """
        found = tuple(member for member in self.members if member.model == model)
        if not found:
            raise ModelError(
                "a model is not in the bundle", where=self.path, got=model, expected=", ".join(self.models)
            )
        return found
