"""Several runs on one page."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from gogooku3.errors import SettingsError, StorageError
from gogooku3.evaluation.report.html import render_parts
from gogooku3.evaluation.report.markdown import parts_to_markdown
from gogooku3.evaluation.report.plain import parts_to_dict
from gogooku3.pipeline.evaluate import Judged
from gogooku3.pipeline.report import FILES
from gogooku3.pipeline.report_part import report_part
from gogooku3.pipeline.run_folder import Run
from gogooku3.storage.atomic import write_json, write_text

_LONGEST = 100  # characters of a folder's name


def report_together(runs: Sequence[Run], folder: Path | None = None) -> tuple[Path, Path, Path]:
    """Write a page, Markdown and plain data of several runs, side by side, and return the three files.

    Nothing is written into the runs. Where they differ in data, folds, sessions or the way of judging the page says
    so; it never ranks one run above another.

    Args:
        runs: Evaluated runs, at least two, in the order of the page.
        folder: Where to write; ``reports/A+B`` in the folder of the first one's runs if not given.

    Raises:
        SettingsError: There are fewer than two runs, or one is given twice.
        StorageError: A run has no predictions, or the folder is a run's.
    """
    names = _names(runs)
    target = folder if folder is not None else _default(runs[0], names)
    if (target / "settings.json").exists():
        raise StorageError(
            "a page of several runs has a folder of its own", where=target, got="a run's folder"
        )
    title = f"gogooku3: {', '.join(names)}"
    parts = [report_part(Judged(run), name) for run, name in zip(runs, names, strict=True)]
    page, text, data = (target / name for name in FILES)
    write_text(page, render_parts(parts, title=title))
    write_text(text, parts_to_markdown(parts, title=title))
    write_json(data, parts_to_dict(parts, title=title))
    return page, text, data


def _names(runs: Sequence[Run]) -> list[str]:
    folders = [run.folder for run in runs]
    if len(runs) < 2 or len(set(folders)) < len(folders):
        raise SettingsError(
            "runs cannot be set side by side",
            got=", ".join(run.settings.run.name for run in runs) or "none",
            expected="at least two different runs",
        )
    names = [run.settings.run.name for run in runs]
    twice = len(set(names)) < len(names)
    return [f"{run.settings.run.folder / run.settings.run.name}" for run in runs] if twice else names


def _default(run: Run, names: Sequence[str]) -> Path:
    name = "+".join(one.replace("/", "-") for one in names)
    if len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return run.settings.run.folder / "reports" / name
