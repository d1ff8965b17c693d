"""Stop a process dead after a chosen system call: a small tracer for Linux, by ptrace(2)."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
from contextlib import suppress

_TRACEME, _SYSCALL, _SETOPTIONS, _GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
_GOOD, _FORK, _VFORK, _CLONE, _EXITKILL = 0x1, 0x2, 0x4, 0x8, 0x100000
_WALL = 0x40000000
_ENTRY, _EXIT = 1, 2
_CALLS = {
    "x86_64": {
        1: "write", 2: "open", 3: "close", 18: "pwrite64", 20: "writev", 26: "msync", 73: "flock", 74: "fsync",
        75: "fdatasync", 76: "truncate", 77: "ftruncate", 82: "rename", 83: "mkdir", 84: "rmdir", 85: "creat",
        86: "link", 87: "unlink", 90: "chmod", 91: "fchmod", 257: "openat", 258: "mkdirat", 263: "unlinkat",
        264: "renameat", 268: "fchmodat", 285: "fallocate", 296: "pwritev", 316: "renameat2",
        326: "copy_file_range", 452: "fchmodat2", 9: "mmap", 11: "munmap",
    },
    "aarch64": {
        32: "flock", 34: "mkdirat", 35: "unlinkat", 37: "linkat", 38: "renameat", 45: "truncate",
        46: "ftruncate", 47: "fallocate", 52: "fchmod", 53: "fchmodat", 56: "openat", 57: "close", 64: "write",
        66: "writev", 68: "pwrite64", 70: "pwritev", 82: "fsync", 83: "fdatasync", 227: "msync",
        276: "renameat2", 285: "copy_file_range", 452: "fchmodat2", 222: "mmap", 215: "munmap",
    },
}  # fmt: skip
FILE_CALLS = _CALLS.get(platform.machine(), {})
"""System calls by which a process can change or let go of a file; on other machines all calls count."""


class _Info(ctypes.Structure):
    _fields_ = (
        ("op", ctypes.c_uint8),
        ("pad", ctypes.c_uint8 * 3),
        ("arch", ctypes.c_uint32),
        ("ip", ctypes.c_uint64),
        ("sp", ctypes.c_uint64),
        ("nr", ctypes.c_uint64),
        ("rest", ctypes.c_uint64 * 8),
    )


def available() -> str | None:
    """Why processes cannot be traced here, None if they can."""
    if sys.platform != "linux":
        return "needs Linux's ptrace"
    pid = os.fork()
    if pid == 0:
        begin()
        os._exit(0)
    try:
        calls, _ = follow(pid, None)
    except OSError as error:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return f"this system does not let a process trace its child: {error}"
    return None if calls is not None else "the child ended untraced"


def begin() -> None:
    """In the child: be traced from here on, and wait for the tracer."""
    _ptrace(_TRACEME, 0, 0, 0)
    os.kill(os.getpid(), signal.SIGSTOP)


def follow(pid: int, limit: int | None, *, all_calls: bool = False) -> tuple[list[str] | None, int]:
    """Let a child that called `begin` run, and kill it when it has finished ``limit`` calls.

    Args:
        pid: The child.
        limit: After how many calls; None to let it finish.
        all_calls: Count every system call, not only ``FILE_CALLS``.

    Returns:
        Names of the calls counted, in order, None if it ended untraced; and the wait status of the child.
    """
    _, status = os.waitpid(pid, 0)
    if not os.WIFSTOPPED(status):
        return None, status
    _ptrace(_SETOPTIONS, pid, 0, _GOOD | _FORK | _VFORK | _CLONE | _EXITKILL)
    _ptrace(_SYSCALL, pid, 0, 0)
    calls: list[str] = []
    current: dict[int, int] = {}
    while True:
        thread, status = os.waitpid(-1, _WALL)
        if not os.WIFSTOPPED(status):
            if thread == pid:
                return calls, status
            continue
        stopped = os.WSTOPSIG(status)
        if stopped == signal.SIGTRAP | 0x80:
            ended = _ended_call(thread, current)
            if ended is not None and (all_calls or not FILE_CALLS or ended in FILE_CALLS):
                calls.append(FILE_CALLS.get(ended, str(ended)))
                if len(calls) == limit:
                    os.kill(pid, signal.SIGKILL)
        _go_on(thread, 0 if stopped in _TRACER_STOPS else stopped)


_TRACER_STOPS = {signal.SIGTRAP | 0x80, signal.SIGTRAP, signal.SIGSTOP}


def _ended_call(thread: int, current: dict[int, int]) -> int | None:
    """Number of the call that a stopped thread has just ended, None if it begins one."""
    info = _Info()
    try:
        _ptrace(_GET_SYSCALL_INFO, thread, ctypes.sizeof(info), ctypes.addressof(info))
    except ProcessLookupError:
        return None  # killed meanwhile
    if info.op == _ENTRY:
        current[thread] = int(info.nr)
    return current.pop(thread, -1) if info.op == _EXIT else None


def _go_on(thread: int, deliver: int) -> None:
    with suppress(ProcessLookupError):  # killed meanwhile
        _ptrace(_SYSCALL, thread, 0, deliver)


def _ptrace(request: int, pid: int, address: int, data: int) -> int:
    call = ctypes.CDLL(None, use_errno=True).ptrace
    call.restype = ctypes.c_long
    call.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    result = int(call(request, pid, address or None, data or None))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
