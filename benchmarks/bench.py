"""What every benchmark shares: options, kept results, memory of a process, interleaved timing and the page."""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
MIB = 2**20
_RUN = (
    "audit.causality",
    "cli.build",
    "features.alpha158",
    "panel.upgrade",
    "pipeline.append",
    "sources.simulation.simulate",
)
_PACKAGES = ("gogooku3", "numpy", "polars", "pyarrow", "numba")


def options(doc: str) -> argparse.ArgumentParser:
    """Return the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="small sizes; the page goes to the scratch folder"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="measure again what was measured by the same code"
    )
    parser.add_argument(
        "--scratch",
        type=Path,
        default=REPOSITORY / "runs" / "bench",
        help="folder for panels and kept results; needs 25 GB for all benchmarks (default: runs/bench)",
    )
    return parser


def say(text: str) -> None:
    """Tell how far it is."""
    print(f"[{time.monotonic() - _BEGAN:7.1f} s] {text}", file=sys.stderr, flush=True)


_BEGAN = time.monotonic()


class Kept:
    """Results on disk, so that an interrupted benchmark goes on; a change of code or question forgets them."""

    def __init__(self, scratch: Path, fresh: bool) -> None:
        self._folder = scratch / "results"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._fresh = fresh
        self._code = code_digest()

    def get(self, question: Mapping[str, Any], answer: Callable[[], Any]) -> Any:
        """Return what was answered before, else answer and keep it."""
        text = json.dumps([self._code, question], sort_keys=True)
        path = self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
        if path.exists() and not self._fresh:
            return json.loads(path.read_text(encoding="utf-8"))
        value = answer()
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(value), encoding="utf-8")
        partial.replace(path)
        return value


def code_digest() -> str:
    """Return a digest of the benchmarks and of all code of the package that they run."""
    from gogooku3.pipeline import lineage  # noqa: PLC0415 - a rival's Python, which runs this file too, lacks it

    digest = hashlib.sha256(lineage.code_digest(_RUN).encode())
    for path in sorted(HERE.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def child(
    script: str, *arguments: object, python: Path | str = sys.executable, timeout: float = 3600
) -> dict[str, Any]:
    """Run a script of this folder in a process of its own and return the JSON of its last line.

    Raises:
        RuntimeError: It failed.
    """
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [str(python), str(HERE / script), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        timeout=timeout,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{script} {arguments} ended with {done.returncode}: {done.stdout[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def command(*words: object, limit: int | None = None) -> dict[str, Any]:
    """Run `gogooku3` as a user would; return its exit code, seconds, peak memory in bytes, and what it said.

    ``resident`` and ``anonymous`` are as for `Memory`; ``limited`` is what RLIMIT_DATA counts, used or not.

    Args:
        words: What stands behind ``gogooku3``.
        limit: RLIMIT_DATA of the process, bytes.
    """
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    start = "import sys; from gogooku3.cli import main; sys.argv[0] = 'gogooku3'; main()"
    if limit is not None:
        start = f"import resource; resource.setrlimit(resource.RLIMIT_DATA, ({limit}, {limit})); {start}"
    begin = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", start, *map(str, words)], stdout=said, stderr=said, env=environment
        )
        peak = {"RssAnon": 0, "VmData": 0}
        while True:
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            now = resident(process.pid)
            peak = {name: max(value, now.get(name, 0)) for name, value in peak.items()}
            time.sleep(0.02)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    return {
        "code": process.returncode,
        "seconds": seconds,
        "resident": usage.ru_maxrss * 1024,
        "anonymous": peak["RssAnon"],
        "limited": peak["VmData"],
        "said": text[-2000:],
    }


class Memory:
    """Peak memory of this process while the block runs; anonymous memory is sampled 50 times a second.

    ``anonymous`` is what the process holds for itself; ``resident`` also counts pages of mapped files, which the
    system takes back when it needs them.
    """

    def __enter__(self) -> Memory:
        self.start = resident()["RssAnon"]
        self.anonymous = self.start
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.anonymous = max(self.anonymous, resident()["RssAnon"])

    @property
    def resident(self) -> int:
        """Peak of all resident pages since the process began, bytes."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def _sample(self) -> None:
        while not self._stop.wait(0.02):
            self.anonymous = max(self.anonymous, resident()["RssAnon"])


def resident(process: int | str = "self") -> dict[str, int]:
    """Return the kernel's account of a process's resident memory, bytes by kind; Linux only."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(":") for line in lines if line.startswith(("VmRSS", "VmData", "RssAnon", "RssFile")))
    return {name: int(value.split()[0]) * 1024 for name, value in pairs}


def interleaved(
    cases: Mapping[str, Callable[[int], object]], repeats: int, warm: int = 1
) -> dict[str, list[float]]:
    """Time the cases in turn, so that a slow moment of the machine strikes all; seconds by case.

    Args:
        cases: Functions of the repeat's number, the same work in each.
        repeats: How often.
        warm: Rounds before, not counted.
    """
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for k in range(-warm, repeats):
        for name, work in cases.items():
            begin = time.perf_counter()
            work(k + warm)
            if k >= 0:
                seconds[name].append(time.perf_counter() - begin)
    return seconds


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return float(statistics.median(values))


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """Return the median of the ratios within each round."""
    return median(a / b for a, b in zip(over, under, strict=True))


def machine() -> str:
    """Return the machine's kind and the versions that computed, without a name or a date."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB of memory, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}."
    )


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; columns whose every cell begins with a digit stand to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    right = [
        all(row[i].strip("*-")[:1].isdigit() or row[i] in ("", "-") for row in cells)
        for i in range(len(head))
    ]
    rule = ["---:" if r else "---" for r in right]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *cells))


def verdict(value: float, goal: float, *, at_most: bool) -> str:
    """Say whether a goal is met."""
    return "met" if (value <= goal if at_most else value >= goal) else "MISSED"


def publish(page: Path, parts: Sequence[str], arguments: argparse.Namespace) -> None:
    """Write the page, in a quick run into the scratch folder, and show it."""
    path = arguments.scratch / f"quick-{page.name}" if arguments.quick else page
    text = "\n\n".join(part.strip() for part in parts) + "\n"
    path.write_text(text, encoding="utf-8")
    print(text)
    say(f"written: {path.name}")
