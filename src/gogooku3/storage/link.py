"""The same bytes under a second name."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from gogooku3.storage.atomic import atomic_path


def link_file(source: Path, target: Path) -> None:
    """Give a file that is never written in place a second name; its bytes are copied where links are not possible.

    Raises:
        StorageError: The target's folder cannot be written.
    """
    with atomic_path(target) as partial:
        partial.unlink()
        try:
            os.link(source, partial)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, partial)
