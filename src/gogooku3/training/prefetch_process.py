"""The process of a prefetcher, seen from the one that asks."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import shutil
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np

from gogooku3.errors import ModelError
from gogooku3.training.prefetch_buffer import copied
from gogooku3.training.prefetch_worker import Answer, Failed, work

BUFFERS = 2
_MEMORY = Path("/dev/shm")  # where Linux keeps shared memory
_GRACE = 5.0  # seconds in which a worker may finish the item at hand, then in which it may end when told to


class PrefetchProcess:
    """A spawned process that makes one item while another is used.

    Args:
        make_item: Makes an item's arrays; it is sent to the process once.
        buffer_bytes: Bytes of each of the two shared buffers.

    Raises:
        ModelError: The machine has not as much shared memory, or ``make_item`` cannot be sent.
    """

    def __init__(self, make_item: Callable[[Any], Mapping[str, np.ndarray]], buffer_bytes: int) -> None:
        self._turn = 0
        self._waiting: deque[tuple[int, int, Any]] = deque()
        made = _pickled(make_item)
        with ExitStack() as undo:
            with _interrupts_held():
                self._buffers = [_shared(undo, buffer_bytes) for _ in range(BUFFERS)]
                self._process = self._start(undo)
            self._send(0, "what makes items", made)
            self._undo = undo.pop_all()

    def stop(self) -> None:
        """End the process and release the buffers; whatever is at hand is dropped."""
        self._turn += 1
        self._undo.close()

    def items(self, items: Sequence[Any]) -> Iterator[dict[str, np.ndarray]]:
        """Yield the arrays of every item, in order; the next is made while one is used."""
        self._turn += 1
        turn = self._turn
        while self._waiting:  # of a loop that was left early
            self._answer()
        asked = iter(enumerate(items))
        for number, item in islice(asked, BUFFERS):
            self._ask(number, item, number)
        while self._waiting:
            number, buffer, item = self._waiting[0]
            arrays = _arrays(self._answer(), _named(number, item), self._buffers[buffer])
            for following, after in islice(asked, 1):
                self._ask(following, after, buffer)
            yield arrays
            if turn != self._turn:
                raise ModelError(
                    "a loop over items was overtaken by another one, or by the end of the prefetcher",
                    where=_named(number, item),
                    remedy="go through the items in one loop at a time, inside the with statement",
                )

    def _start(self, undo: ExitStack) -> SpawnProcess:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        undo.callback(self._connection.close)
        names = tuple(buffer.name for buffer in self._buffers)
        process = context.Process(target=work, args=(theirs, names), name="gogooku3-prefetch", daemon=True)
        with theirs, _interrupts_unseen():
            process.start()
        undo.callback(_end, process)
        undo.callback(self._connection.close)  # first of all, since it lets the process end by itself
        return process

    def _ask(self, number: int, item: Any, buffer: int) -> None:
        self._send(number, item, _pickled((buffer, item)))
        self._waiting.append((number, buffer, item))

    def _send(self, number: int, item: Any, data: bytes) -> None:
        try:
            self._connection.send_bytes(data)
        except OSError as error:
            raise self._lost(number, item) from error

    def _answer(self) -> Answer:
        number, _, item = self._waiting.popleft()
        try:
            answer: Answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise self._lost(number, item) from error
        return answer

    def _lost(self, number: int, item: Any) -> ModelError:
        self._process.join(_GRACE)
        return ModelError(
            "the process that prepares items has ended",
            where=_named(number, item),
            got=f"exit code {self._process.exitcode}",
            remedy="guard the script's main part by `if __name__ == '__main__'`, give it more memory, or prepare "
            "items without a process of their own",
        )


def _end(process: SpawnProcess) -> None:
    process.join(_GRACE)
    for end in (process.terminate, process.kill):
        if process.is_alive():
            end()
            process.join(_GRACE)
    process.close()


def _named(number: int, item: Any) -> str:
    return f"item {number}: {repr(item)[:200]}"


def _pickled(value: Any) -> bytes:
    return bytes(ForkingPickler.dumps(value))


def _shared(undo: ExitStack, size: int) -> SharedMemory:
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free < size * BUFFERS:
        raise ModelError(
            "there is not enough shared memory for the prefetcher",
            where=_MEMORY,
            got=f"{shutil.disk_usage(_MEMORY).free:,} bytes free",
            expected=f"{size * BUFFERS:,}",
            remedy="give the machine more shared memory, or prepare items without a process of their own",
        )
    buffer = SharedMemory(f"gogooku3-{os.getpid()}-{secrets.token_hex(4)}", create=True, size=size)
    undo.callback(buffer.unlink)
    undo.callback(buffer.close)
    return buffer


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait until the block is over: memory that nobody knows of yet would be left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if handler is None else handler)
    for number in seen[:1]:
        signal.raise_signal(number)


@contextmanager
def _interrupts_unseen() -> Iterator[None]:
    """Let a process that the block starts never see Ctrl-C: the one that starts it ends it."""
    if sys.platform == "win32":
        yield
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which the new process inherits
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _arrays(answer: Answer, named: str, buffer: SharedMemory) -> dict[str, np.ndarray]:
    if not isinstance(answer, Failed):
        return copied(answer, buffer)
    own = answer.error
    if own is None:
        raise RuntimeError(f"{named} could not be prepared\n{answer.text}")
    raise type(own)(
        own.what,
        where=named if own.where is None else f"{own.where}; {named}",
        got=own.got,
        expected=own.expected,
        remedy=own.remedy,
    ) from RuntimeError(f"in the process that prepares items:\n{answer.text}")
