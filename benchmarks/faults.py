"""Every fault of the storage, many times: kills, damage, full disks, and what the tests of readers and versions count.

Nothing is timed. Kills go through `tests/faults`: a child process is stopped by ptrace after each of its system calls,
or at moments drawn by seed, and what it leaves is opened, verified, finished and compared. Where processes cannot be
traced or small disks cannot be mounted, the page says so. Writes benchmarks/faults.md and faults.json.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from bench import HERE, REPOSITORY, Kept, machine, options, publish, say, table

sys.path.insert(0, str(REPOSITORY))

from tests.faults import tracing
from tests.faults.cases import SMALL, AppendCase, BuildCase, Case, TrainCase, Tries
from tests.faults.damage import draw, make_file, make_folder, refusal
from tests.faults.disks import ENVIRONMENT, lines, on_disk, prepare, privileges
from tests.faults.killer import Killer

MOMENTS, QUICK_MOMENTS = {"small": 60, "large": 20}, {"small": 3, "large": 1}
SEED = 2026
TESTED = {
    "two writers or builds at once; a lock after its process": (
        "tests/faults/test_readers.py", ("two_", "a_lock_ends"), "one wins, the other says so",
    ),
    "a file or panel replaced under a reader, or while it is opened": (
        "tests/faults/test_readers.py", ("under_a_reader", "opening_while", "while_it_is_opened"),
        "readers unaffected",
    ),
    "a foreign write in place, before the first use": (
        "tests/faults/test_readers.py", ("foreign_write",), "refused by name",
    ),
    "other settings, axes, types or versions": (
        "tests/faults/test_mismatch.py", ("",), "refused, what differs named with both values",
    ),
    "cells and names that a spreadsheet would run": ("tests/storage/test_csv.py", ("",), "quoted"),
}  # fmt: skip

_KINDS = ("truncated", "flipped")

Row = dict[str, Any]


def kills_by_call(scratch: Path, killer: Killer, case: Case, quick: bool) -> Row:
    """Kill a piece of work after each of its system calls."""
    tries = Tries(case, scratch, killer)
    total = len(tries.calls(all_calls=True))
    points: Iterable[int] = range(1, total + 1)
    if quick:
        points = random.Random(SEED).sample(range(1, total + 1), 5)
    return _killed(tries, points, lambda k: tries.kill(calls=k, all_calls=True))


def kills_by_moment(scratch: Path, killer: Killer, case: Case, count: int) -> Row:
    """Kill a piece of work at moments drawn by seed, from its beginning to a little after its usual end."""
    tries = Tries(case, scratch, killer)
    rng = random.Random(f"{SEED} {case.title}")
    seconds = 1.05 * min(tries.seconds, tries.measure())
    moments = [seconds * rng.random() for _ in range(count)]
    return _killed(tries, moments, lambda seconds: tries.kill(seconds=seconds))


def _killed(tries: Tries, points: Iterable[Any], kill: Callable[[Any], Any]) -> Row:
    counts: Counter[str] = Counter()
    for k, point in enumerate(points):
        state, ended = kill(point)
        counts["tries"] += 1
        counts["killed"] += ended.killed
        counts[state] += 1
        if k % 50 == 0:
            say(f"{tries.case.title}: {dict(counts)}")
    return {"what": tries.case.title, **counts}


def damages(scratch: Path, quick: bool) -> list[Row]:
    """Truncate files at 200 points and flip 300 bits, half of them in a folder and half in a single file."""
    scratch.mkdir()
    truncated, flipped = (5, 10) if quick else (100, 150)
    found = []
    for panel, what in (
        (make_folder(scratch / "panel"), "a panel's folder"),
        (make_file(scratch / "panel.arrow"), "a panel of one file"),
    ):
        counts: dict[str, Counter[str]] = {"truncated": Counter(), "flipped": Counter()}
        for damage in draw(panel, truncated=truncated, flipped=flipped, seed=SEED):
            when, _ = refusal(panel, damage)
            counts[damage.kind][when] += 1
        found += [{"kind": kind, "what": what, "when": dict(seen)} for kind, seen in counts.items()]
    return found


def disks(scratch: Path) -> list[Row]:
    """Write everything that the product writes where there is no room, or no right to write."""
    scratch.mkdir()
    found = []
    for how in ("full", "read-only", "limited"):
        folder = scratch / how
        prepare(folder)
        tries = ("-m", "tests.faults.disks", how)
        if how == "limited":
            done = subprocess.run(
                [sys.executable, *tries, str(folder)],
                cwd=REPOSITORY,
                env=ENVIRONMENT,
                capture_output=True,
                text=True,
                check=False,
            )
        elif privileges():
            disk = scratch / f"disk-{how}"
            done = on_disk(folder, disk, sys.executable, *tries, ".", read_only=how == "read-only")
        else:
            continue
        results = lines(done)
        refused = [result for result in results if result["error"]]
        assert all(
            result["kept"] and "remedy: check the folder" in str(result["error"]) for result in refused
        )
        found.append({"how": how, "tries": len(results), "refused": len(refused)})
    return found


def tested(scratch: Path) -> list[Row]:
    """Run the tests whose faults are not drawn at random, and count them."""
    scratch.mkdir()
    files = sorted({file for file, _, _ in TESTED.values()})
    report = scratch / "tests.xml"
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", f"--junitxml={report}", *files],
        cwd=REPOSITORY,
        env=ENVIRONMENT,
        check=False,
        stdout=sys.stderr,
    )
    cases = [
        (case.get("classname", ""), case.get("name", ""), len(case) == 0)
        for case in ElementTree.parse(report).iter("testcase")
    ]
    rows = []
    for what, (file, names, outcome) in TESTED.items():
        module = file.removesuffix(".py").replace("/", ".")
        mine = [
            passed for where, name, passed in cases if where == module and any(part in name for part in names)
        ]
        rows.append({"what": what, "tries": len(mine), "passed": sum(mine), "outcome": outcome, "file": file})
    return rows


def collect(scratch: Path, kept: Kept, quick: bool) -> dict[str, Any]:
    """Do all parts that have not been done."""
    work = scratch / "faults"
    moments = QUICK_MOMENTS if quick else MOMENTS
    found: dict[str, Any] = {"calls": [], "moments": [], "untraced": tracing.available()}

    def part(name: str, answer: Callable[[Path], Any]) -> Any:
        def fresh() -> Any:
            say(name)
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
            return answer(work / "here")

        return kept.get({"what": f"faults: {name}", "quick": quick}, fresh)

    with Killer() as killer:
        for case in SMALL:
            if found["untraced"] is None:
                name = f"every call of {case.title}"
                found["calls"].append(part(name, lambda path, c=case: kills_by_call(path, killer, c, quick)))
            name = f"moments of {case.title}"
            found["moments"].append(
                part(name, lambda path, c=case: kills_by_moment(path, killer, c, moments["small"]))
            )
        found["damage"] = part("damage", lambda path: damages(path, quick))
        found["disks"] = part("disks", disks)
        for kind in (AppendCase, BuildCase, TrainCase):

            def killed(path: Path, kind: type[Case] = kind) -> Row:
                base = path.with_name("base")
                case = AppendCase(base) if kind is AppendCase else kind(_tiny(base))  # type: ignore[call-arg]
                return kills_by_moment(path, killer, case, moments["large"])

            found["moments"].append(part(f"moments of {kind.title}", killed))
    found["tested"] = part("tests", tested)
    shutil.rmtree(work, ignore_errors=True)
    return found


def _tiny(base: Path) -> Path:
    """Make the finished tiny run in a process of its own."""
    program = (
        "import sys; from pathlib import Path; from gogooku3.pipeline.run import run_all; "
        "from tests.pipeline.tiny import tiny_run; run_all(tiny_run(Path(sys.argv[1])))"
    )
    subprocess.run([sys.executable, "-c", program, str(base)], cwd=REPOSITORY, env=ENVIRONMENT, check=True)
    return base


def page(found: Mapping[str, Any]) -> list[str]:
    """Return the page's parts."""
    head = ("fault", "tries", "outcome", "where")
    rows: list[tuple[object, ...]] = []
    for title, part in (("after every system call", "calls"), ("at a random moment", "moments")):
        for row in found[part]:
            ends = f"{row.get('old', 0)} old, {row.get('new', 0)} new, 0 half"
            outcome = f"{ends}; {row['killed']} died before their end"
            rows.append((f"SIGKILL {title}", row["tries"], outcome, row["what"]))
    for row in found["damage"]:
        name = "truncation" if row["kind"] == "truncated" else "one bit flipped"
        total = sum(row["when"].values())
        when = ", ".join(f"{count} at {stage}" for stage, count in sorted(row["when"].items()))
        rows.append((name, total, f"{total} refused, file and remedy named: {when}", row["what"]))
    names = {"full": "full disk", "read-only": "read-only disk", "limited": "files that may not grow"}
    for row in found["disks"]:
        rest = row["tries"] - row["refused"]
        outcome = f"{row['refused']} refused with what was there unchanged, {rest} had room"
        where = "panels, JSON, Parquet, CSV, weights"
        rows.append((names[row["how"]], row["tries"], outcome, where))
    for row in found["tested"]:
        outcome = f"{row['passed']} as they should: {row['outcome']}"
        rows.append((row["what"], row["tries"], outcome, f"`{row['file']}`"))
    kills = [row for part in ("calls", "moments") for row in found[part]]
    damage = {
        kind: sum(sum(r["when"].values()) for r in found["damage"] if r["kind"] == kind) for kind in _KINDS
    }
    summary = (
        f"{sum(row['tries'] for row in kills):,} tries to kill, of which {sum(row['killed'] for row in kills):,} died "
        "before their end (for the others the moment or call came too late), left the old or the new, never half; "
        f"{sum(damage.values())} of {sum(damage.values())} damaged files were refused "
        f"({damage['truncated']} truncated, {damage['flipped']} with a flipped bit)."
    )
    missing = []
    if found["untraced"] is not None:
        missing.append(f"Not killed after every system call: {found['untraced']}.")
    if len(found["disks"]) < len(names):
        missing.append("No disk of memory could be mounted: full and read-only disks were not tried.")
    return [
        "# Faults",
        "A killed write has to leave the old or the new, whole and verified (old is nothing, where there was nothing "
        "before); the next write has to find no lock and leave no file that nothing names. Run again, a build has to "
        "end with the bytes of one that was not disturbed (records of seconds aside), a training with the bytes of its "
        "models and predictions, an append with the same panel. Each try asserts that, so a single miss would stop "
        "this script instead of being counted. "
        "`python benchmarks/faults.py`",
        summary,
        table(head, rows),
        *missing,
        "Not covered: a program that writes into a panel's file in place. What a reader has not used yet is checked at "
        "its first use and refused; what it has used is not checked again; a file that is cut short under a reader "
        "ends its process, as the system does for every mapped file. A loss of power was not tried: files are synced "
        "before they get their names, and folders after.",
        f"Machine: {machine()}",
    ]


def main() -> None:
    """Try and write the page."""
    arguments = options(__doc__ or "").parse_args()
    kept = Kept(arguments.scratch, arguments.fresh)
    found = collect(arguments.scratch, kept, arguments.quick)
    publish(HERE / "faults.md", page(found), arguments)
    target = arguments.scratch / "quick-faults.json" if arguments.quick else HERE / "faults.json"
    target.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
