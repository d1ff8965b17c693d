"""Which process has a trial, and whether it is still there."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any


def owner() -> dict[str, Any]:
    """Return what tells this process from all others."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "began": _began(os.getpid())}


def is_here(owned: dict[str, Any] | None) -> bool:
    """Tell whether a process is, or was, of this machine; not if nobody is named."""
    return owned is not None and owned["host"] == socket.gethostname()


def is_gone(owned: dict[str, Any] | None) -> bool:
    """Tell whether a process of this machine has ended; of others nothing is known."""
    if owned is None or owned["host"] != socket.gethostname():
        return False
    try:
        os.kill(owned["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return bool(_began(owned["pid"]) != owned["began"])


def _began(pid: int) -> str:
    """Return when a process began, in the kernel's own count; empty where that is not told."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
