"""A run: resolved settings, the folder that holds all it makes, and a listener to its progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gogooku3.config.load import load_settings
from gogooku3.config.process import prepare_process
from gogooku3.config.resolve import Resolved
from gogooku3.config.settings import Settings
from gogooku3.pipeline.run_kind import refuse_foreign
from gogooku3.progress import Progress, Silent
from gogooku3.storage.atomic import write_text
from gogooku3.storage.paths import inside


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """What every stage is given.

    Attributes:
        resolved: All settings with the origin of each.
        progress: Who is told how far the work is.
    """

    resolved: Resolved[Settings]
    progress: Progress

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.resolved.settings

    @cached_property
    def folder(self) -> Path:
        """The run's own folder, below the folder of all runs."""
        return inside(self.settings.run.folder, self.settings.run.name)

    def path(self, name: str) -> Path:
        """Return a file or folder of the run."""
        return inside(self.folder, name)

    def save_settings(self) -> None:
        """Write the resolved settings with their origins."""
        write_text(self.path("settings.json"), self.resolved.to_json())


def open_run(
    *,
    config: Path | str | None = None,
    progress: Progress | None = None,
    flags: Mapping[str, object] | None = None,
    remembered: bool = True,
) -> Run:
    """Resolve settings (file < environment < flags) and return the run they describe.

    Args:
        config: TOML file.
        progress: Listener to long work; silent if not given.
        flags: Settings by dotted key, such as ``{"run.name": "jp", "source.bars": "prices.parquet"}``.
        remembered: Let what earlier steps of the same run were given hold, unless it is said otherwise.

    Raises:
        SettingsError: A setting is unknown, malformed or has no effect, or the folder holds no run of ours.
        StorageError: The run's name leaves the folder of runs.
    """
    prepare_process()
    given = {key: str(value) if isinstance(value, Path) else value for key, value in (flags or {}).items()}
    resolved = load_settings(Path(config) if config is not None else None, given, remember=remembered)
    run = Run(resolved=resolved, progress=progress or Silent())
    refuse_foreign(run.folder)
    return run
