"""Half-written files whose writer has died: a live writer holds a lock on its file, which ends with its process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl


def claim(handle: int) -> bool:
    """Lock a new file as that of a live writer; False if somebody swept it before it was locked."""
    if sys.platform != "win32":
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:
            return True  # a file system without locks, where nothing is swept either
    return os.fstat(handle).st_nlink > 0


def sweep_dead(folder: Path, pattern: str) -> None:
    """Remove the half-written files of a folder that no live writer holds; on Windows none."""
    if sys.platform == "win32":
        return
    for path in folder.glob(pattern):
        try:
            handle = os.open(path, os.O_RDONLY)
        except OSError:
            continue  # its writer has just finished
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except OSError:
            continue  # its writer lives
        finally:
            os.close(handle)
