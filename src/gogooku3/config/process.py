"""What has to be in place before libraries with threads of their own are loaded."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from gogooku3.errors import ModelError

_SAID = os.environ.get("OMP_NUM_THREADS", "")  # by the user, before we say it ourselves
_CPUS = Path("/sys/devices/system/cpu")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_THREAD_CAPS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "POLARS_MAX_THREADS",
)
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # parameters of mallopt, from glibc's malloc.h
_LARGEST = 1 << 30  # bytes of a request that the heap still serves
_LARGEST_OF_OLD_GLIBC = 1 << 25  # half a heap, all that it accepts


@dataclass(frozen=True, kw_only=True)
class TorchProcess:
    """What was done before torch was imported, for a run to record.

    Attributes:
        threads: Threads of matrix products that were asked for.
        threads_by: Who decided: ``deep.threads``, ``OMP_NUM_THREADS`` or ``physical cores``.
        memory_kept: Whether freed memory stays with the process; False where the C library is not glibc.
    """

    threads: int
    threads_by: str
    memory_kept: bool


def prepare_process() -> None:
    """Let idle OpenMP threads sleep instead of spin, unless the user chose otherwise.

    On a machine whose cores are shared, spinning threads wait for each other: boosting ran 60 times slower beside
    one other busy process (docs/log.md). The runtime reads the variable when it is loaded, so this comes first.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def environment_with_threads(threads: int) -> dict[str, str]:
    """Return the environment for another process whose libraries may use so many threads, and let idle ones sleep."""
    return {
        "OMP_WAIT_POLICY": "PASSIVE",
        **os.environ,
        **dict.fromkeys(_THREAD_CAPS, str(threads)),
    }


def prepare_torch(threads: int = 0) -> TorchProcess:
    """Cap the threads of matrix products and let the process keep its memory, then import torch.

    Args:
        threads: How many; with 0 the OMP_NUM_THREADS that the user set, or else the physical cores that the
            process may use.

    Raises:
        ModelError: Torch is not installed.
    """
    if threads:
        count, by = threads, "deep.threads"
    elif _SAID.isdecimal() and int(_SAID):
        count, by = int(_SAID), "OMP_NUM_THREADS"
    else:
        count, by = physical_cores(), "physical cores"
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(count)
    kept = keep_memory()
    import numba

    numba.get_num_threads()  # its first kernel would set torch's threads back to all cores
    torch = _torch()
    torch.set_num_threads(count)
    return TorchProcess(threads=count, threads_by=by, memory_kept=kept)


def _torch() -> ModuleType:
    try:
        import torch
    except ImportError as error:
        raise ModelError(
            "deep models need torch, which is not installed",
            got=error,
            remedy="pip install 'gogooku3[deep]', or in a clone pip install -e '.[deep]'",
        ) from error
    return torch


def physical_cores() -> int:
    """Return how many physical cores the process may use, by its affinity and its container's quota; 1 at least."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    cores = {_read(_CPUS / f"cpu{cpu}/topology/thread_siblings_list") or str(cpu) for cpu in allowed}
    quota, _, period = _read(_QUOTA).partition(" ")
    limit = int(quota) // int(period) if quota.isdecimal() and period.isdecimal() else len(cores)
    return max(1, min(len(cores), limit))


def keep_memory() -> bool:
    """Let glibc serve large tensors from its heap and keep what is freed; return whether it could.

    By default a tensor above 32 MiB is mapped anew each time, and the kernel clears each of its pages when it is first
    written: a fifth of the processor's time in a training step of such tensors. The price is that the process holds
    about a tenth more memory, and its highest use of it until it ends.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return False
    served = mallopt(_MMAP_THRESHOLD, _LARGEST) or mallopt(_MMAP_THRESHOLD, _LARGEST_OF_OLD_GLIBC)
    return bool(served and mallopt(_TRIM_THRESHOLD, -1))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
