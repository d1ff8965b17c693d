"""Whether a folder is of the search that is to lie in it: trials of another one are never taken over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gogooku3.errors import SettingsError, StorageError
from gogooku3.sweeps.about import ABOUT
from gogooku3.sweeps.ledger_chain import CUT_SHORT, last_attempts
from gogooku3.sweeps.ledger_entry import LedgerEntry
from gogooku3.sweeps.sweep import OF_THE_MACHINE, Sweep

CODE = "code"
"""What may differ once nothing is left to be trained."""


def refuse_other(before: Mapping[str, Any], known: Mapping[str, Any], *, finished: bool) -> None:
    """Check that a search was begun with the same settings.

    Args:
        before: What had to be the same then.
        known: What it is now.
        finished: No trial is left, so that the code that trains them may have changed, and have other settings.

    Raises:
        SettingsError: It is another one.
    """
    differ = sorted(key for key in {*before, *known} if before.get(key) != known.get(key))
    if finished:
        differ = [key for key in differ if key != CODE and _is_other(key, before.get(key), known.get(key))]
    if differ:
        raise SettingsError(
            "the study was begun with other settings",
            where=", ".join(differ[:5]),
            got={key: known.get(key) for key in differ[:5]},
            expected={key: before.get(key) for key in differ[:5]},
            remedy="go on with the same ones, or name another study",
        )


def _is_other(key: str, before: object, now: object) -> bool:
    """Tell whether what differs is more than settings that only one version of the code has."""
    if not (key.startswith("settings.") and isinstance(before, Mapping) and isinstance(now, Mapping)):
        return True
    return any(before[name] != now[name] for name in before.keys() & now.keys())


def is_finished(entries: Mapping[int, LedgerEntry], trials: int) -> bool:
    """Tell whether as many trials as are wanted have ended for good, by the ledger."""
    return sum(one.why not in CUT_SHORT for one in last_attempts(entries).values()) >= trials


def recorded(sweep: Sweep) -> dict[str, Any]:
    """Return what `sweep.json` says had to be the same; empty where there is no such file.

    One of an earlier version has no record; then it is what the file holds of it: space, horizons, and settings by
    the names they had. Of panel and code it holds nothing, and only the study itself can tell.

    Raises:
        StorageError: The file cannot be read.
    """
    about = about_of(sweep)
    if not about or "known" in about:
        found: dict[str, Any] = about.get("known", {})
        return found
    old: dict[str, Any] = {name: about[name] for name in ("space", "horizons") if name in about}
    for key, now in sweep.known().items():
        section = about.get("settings", {}).get(key.removeprefix("settings."))
        if key.startswith("settings.") and section is not None:
            named = {name: value for name, value in section.items() if name in now}
            old[key] = now | {name: value for name, value in named.items() if name not in OF_THE_MACHINE}
    return old


def about_of(sweep: Sweep) -> dict[str, Any]:
    """Return what the folder says of its search; empty if nothing.

    Raises:
        StorageError: It cannot be read.
    """
    try:
        found: dict[str, Any] = json.loads((sweep.folder / ABOUT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StorageError("a search cannot be read", where=sweep.folder / ABOUT, got=error) from error
    return found


def check_folder(sweep: Sweep) -> None:
    """Look at a folder before anything is written to it.

    Raises:
        SettingsError: It holds the trials of another search, or those of this one, which is not to be gone on with;
            or there is nothing to go on with.
        StorageError: What it holds cannot be read.
    """
    from gogooku3.sweeps.database import DATABASE

    entries = sweep.ledger.read().trials
    if sweep.storage is None and sweep.resume and not entries and not (sweep.folder / DATABASE).exists():
        _refuse_nothing(sweep)
    if not entries:
        return
    if not sweep.resume and sweep.storage is None:
        refuse_there(sweep)
    name = about_of(sweep).get("name", sweep.settings.name)
    if name != sweep.settings.name:
        raise SettingsError(
            "the folder holds the trials of another study",
            where=sweep.folder,
            got=sweep.settings.name,
            expected=name,
            remedy="give that name with --name, or another folder with --out",
        )
    before, known = recorded(sweep), sweep.known()
    finished = is_finished(entries, sweep.settings.trials)
    refuse_other(before, {key: known.get(key) for key in before}, finished=finished)
    if before.get(CODE, known[CODE]) != known[CODE]:
        sweep.base.progress.note(
            "the code that trains has changed since; no trial is left that it would train"
        )


def check_study(sweep: Sweep, *, exists: bool) -> None:
    """Look at whether the database has the study.

    Raises:
        SettingsError: It has none to go on with, or the folder holds the trials of one that was elsewhere.
    """
    if exists:
        return
    there = bool(sweep.ledger.read().entries)
    if there and not sweep.resume:
        refuse_there(sweep)
    if sweep.resume and not there:
        _refuse_nothing(sweep)


def refuse_there(sweep: Sweep) -> None:
    """Refuse to begin a search where there is one.

    Raises:
        SettingsError: Always.
    """
    raise SettingsError(
        "the folder holds a search already",
        where=sweep.folder,
        got=f"{len(sweep.ledger.read().trials)} trials in its ledger",
        remedy="go on with it by --resume, or name another folder with --out",
    )


def _refuse_nothing(sweep: Sweep) -> None:
    raise SettingsError(
        "there is no such search to go on with",
        where=sweep.folder,
        got=f"no trials of a study {sweep.settings.name!r}",
        remedy="check --out and --name, or begin one without --resume",
    )
