"""The run folder of another tool's scores: opened by its own rules, and marked as what it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gogooku3.config.load import load_settings
from gogooku3.config.process import prepare_process
from gogooku3.errors import SettingsError
from gogooku3.pipeline.foreign_judged import Foreign
from gogooku3.pipeline.run_folder import Run
from gogooku3.pipeline.run_kind import FOREIGN
from gogooku3.progress import Progress

_UNREAD = ("simulation", "panel", "splits", "train", "ridge", "lightgbm")


def unread_sections(asked: Foreign) -> set[str]:
    """Return the sections of the settings that nothing reads here."""
    return {*_UNREAD, *(() if asked.universe == "settings" else ("universe",))}


def open_foreign(
    asked: Foreign,
    *,
    progress: Progress,
    config: Path | None = None,
    flags: Mapping[str, object] | None = None,
) -> Run:
    """Resolve settings and return the folder that the evaluation of a file of scores is written to.

    Args:
        asked: What is to be judged; the folder has the file's name unless the flags give one.
        progress: Listener.
        config: TOML file.
        flags: Settings by dotted key.

    Raises:
        SettingsError: A setting is unknown, malformed or has no effect here, no bars are named, or the folder holds a
            run of ours.
        StorageError: The run's name leaves the folder of runs.
    """
    prepare_process()
    given = {"run.name": asked.predictions.name.split(".")[0], **(flags or {})}
    run = Run(resolved=load_settings(config, given), progress=progress)
    if run.path("settings.json").exists() and not run.path(FOREIGN).is_file():
        raise SettingsError(
            "a run of ours has this name",
            where=run.folder,
            remedy="give the evaluation of another tool's scores a --name of its own",
        )
    unread = unread_sections(asked)
    for key, origin in run.resolved.origins.items():
        if key.split(".")[0] in unread and origin.kind != "default":
            raise SettingsError(
                "a setting would have no effect",
                where=f"{key} ({origin})",
                got="scores of another tool",
                remedy="remove the setting"
                + (", or choose --universe settings" if key.startswith("universe.") else ""),
            )
    if run.settings.source.bars is None or run.settings.run.simulated or run.settings.run.open_locked:
        raise SettingsError(
            "scores of another tool are judged on bars from files",
            got="no bars" if run.settings.source.bars is None else "run.simulated or run.open_locked",
            expected="--bars FILE",
        )
    return run
