"""Look at a study from outside, without writing to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gogooku3.errors import SettingsError, StorageError
from gogooku3.sweeps.about import ABOUT
from gogooku3.sweeps.settings import SweepSettings
from gogooku3.sweeps.snapshot import Snapshot, take

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

_PORTS = range(8080, 8100)


class Look:
    """A study that is looked at.

    Args:
        folder: Folder of the search.
        name: Name of the study; that of the folder's search if None.
        storage: URL of its database; the one in the folder if None.

    Raises:
        StorageError: The folder holds no search, or its database cannot be read.
        SettingsError: There is no such study.
    """

    def __init__(self, folder: Path, *, name: str | None = None, storage: str | None = None) -> None:
        from gogooku3.sweeps.database import DATABASE, database_faults, database_url, open_storage

        about = _about(folder)
        self.name = name or about.get("name", "sweep")
        if storage is None and about.get("storage"):
            raise SettingsError(
                "the search lies in another database", got=about["storage"], remedy="name it with --storage"
            )
        if storage is None and not (folder / DATABASE).is_file():
            raise StorageError(
                "there is no search in the folder",
                where=folder,
                expected=DATABASE,
                remedy="name the folder that was given to `gogooku3 sweep --out`",
            )
        self.url = database_url(folder, storage)
        self.storage: RDBStorage = open_storage(self.url, SweepSettings())
        with database_faults(self.url):
            names = [study.study_name for study in self.storage.get_all_studies()]
        if self.name not in names:
            raise SettingsError("there is no such study", got=self.name, expected=", ".join(names))

    def now(self) -> Snapshot:
        """Return how the search stands.

        Raises:
            StorageError: The database cannot be read.
        """
        from gogooku3.sweeps.database import database_faults

        with database_faults(self.url):
            study = self.storage.get_study_id_from_name(self.name)
            trials = self.storage.get_all_trials(study, deepcopy=False)
        return take(self.name, trials, datetime.now(tz=UTC).astimezone().replace(tzinfo=None))

    def serve(self, say: Callable[[str], None]) -> None:
        """Show the study in optuna-dashboard, on this machine only, until Ctrl-C.

        Raises:
            SettingsError: The extra is not installed.
        """
        try:
            from optuna_dashboard import run_server
        except ImportError as error:
            raise SettingsError(
                "optuna-dashboard is not installed", got=error, remedy="pip install 'gogooku3[dashboard]'"
            ) from error
        port = next((one for one in _PORTS if _is_free(one)), _PORTS.start)
        say(f"http://127.0.0.1:{port}/, until Ctrl-C")
        run_server(self.storage, host="127.0.0.1", port=port)


def _about(folder: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StorageError("a search cannot be read", where=folder / ABOUT, got=error) from error
    return found


def _is_free(port: int) -> bool:
    import socket

    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) != 0
