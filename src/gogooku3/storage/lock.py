"""One writer at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gogooku3.errors import StorageError


@contextmanager
def exclusive(path: Path, work: str) -> Iterator[None]:
    """Hold the lock file ``path`` while the block runs; the system releases it when the process ends, however it does.

    Raises:
        StorageError: Another process or thread holds it, or it cannot be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise StorageError(
            f"another process is at work here: {work}",
            where=path.parent,
            got=f"{path.name} is locked",
            remedy="wait until it has finished, or give this run another name",
        ) from error
    except OSError as error:
        raise StorageError(
            "a lock cannot be made",
            where=path,
            got=error.strerror or error,
            remedy="check the folder and its free space",
        ) from error
    try:
        yield
    finally:
        lock.release()
