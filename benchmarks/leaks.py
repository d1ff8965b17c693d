"""How many planted leaks the causality audit finds, over seeds, and whether it ever cries wolf.

Every leak of tests/audit/leaks.py, and the clean pipeline, is audited on a small simulated market of each of 20 seeds.
Results are kept as they come, so a benchmark that is cut off goes on. Nothing is timed. Writes benchmarks/leaks.md.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import HERE, REPOSITORY, machine, options, publish, say, table

sys.path.insert(0, str(REPOSITORY))

from tests.audit.hunt import CLEAN, hunt
from tests.audit.leaks import LEAKS

from gogooku3.audit.settings import AuditSettings
from gogooku3.pipeline.lineage import code_digest
from gogooku3.storage.atomic import write_json
from gogooku3.storage.hashing import digest_file, digest_json

Row = dict[str, Any]
SEEDS, QUICK_SEEDS = 20, 2
INTRODUCTION = """
Each leak is patched into real pipeline code (`tests/audit/leaks.py`) at a place and a size drawn by seed, on a
simulated market of 44 stocks and 400 sessions of the same seed. The audit knows nothing of them; it looks from 4
sessions and stops at the first check that finds something, which may see it in several stages at once. The clean
pipeline is audited from 8 sessions with every check.
"""


def audited(name: str, seed: int) -> Row:
    """Audit one market with one leak, until something is found; with every check where nothing is planted."""
    sessions = 8 if name == CLEAN else 4
    settings = AuditSettings(sessions=sessions, warm_up=(1, 20), first_violation=True, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        certificate, planted = hunt(name, seed=seed, folder=Path(folder), settings=settings)
    return {
        "leak": name,
        "seed": seed,
        "planted": planted,
        "verdict": certificate.verdict,
        "stages": sorted({violation.stage for violation in certificate.violations}),
        "checks": len(certificate.parts),
        "first": str(certificate.violations[0]) if certificate.violations else "",
    }


def code() -> str:
    """Return a digest of all code that a result depends on."""
    planted = [
        digest_file(REPOSITORY / "tests" / "audit" / f"{name}.py") for name in ("leaks", "hunt", "markets")
    ]
    return digest_json([code_digest(("audit.causality",)), planted])


def measured(path: Path, seeds: int, fresh: bool) -> list[Row]:
    """Return a row for every leak and seed; those that the same code has made are not made again."""
    saved: dict[str, Any] = (
        json.loads(path.read_text(encoding="utf-8")) if path.is_file() and not fresh else {}
    )
    rows: list[Row] = saved["rows"] if saved.get("code") == code() else []
    tasks = [(name, seed) for seed in range(seeds) for name in (*LEAKS, CLEAN)]
    done = {(row["leak"], row["seed"]) for row in rows}
    waiting = [task for task in tasks if task not in done]
    for number, (name, seed) in enumerate(waiting, 1):
        rows.append(audited(name, seed))
        write_json(path, {"code": code(), "rows": rows})
        say(f"{number} of {len(waiting)}: {name}, seed {seed}: {rows[-1]['verdict']}")
    return [row for row in rows if (row["leak"], row["seed"]) in set(tasks)]


def summary(rows: Sequence[Row]) -> str:
    """Return one line a leak: how often it was caught, and which stages saw it."""
    by_leak: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_leak[row["leak"]].append(row)
    lines = []
    for name in LEAKS:
        found = [row for row in by_leak[name] if row["verdict"] == "fail"]
        seen = Counter(stage for row in found for stage in row["stages"])
        checks = sum(row["checks"] for row in found) / max(len(found), 1)
        stages = ", ".join(f"{stage} {count}" for stage, count in seen.most_common())
        lines.append((name, f"{len(found)} of {len(by_leak[name])}", stages, f"{checks:.1f}"))
    return table(("leak", "caught", "seen first in, times", "checks until then, mean"), lines)


def headline(rows: Sequence[Row]) -> str:
    """Return the figures that matter, and every one that went wrong."""
    planted, clean = ([r for r in rows if (r["leak"] == CLEAN) == wanted] for wanted in (False, True))
    caught = sum(row["verdict"] == "fail" for row in planted)
    alarms = sum(row["verdict"] == "fail" for row in clean)
    lines = [
        f"**{caught} of {len(planted)} planted leaks caught; {alarms} alarms in {len(clean)} audits of the clean "
        "pipeline.**"
    ]
    lines += [
        f"- not caught: {row['leak']}, seed {row['seed']}: {row['planted']}"
        for row in planted
        if row["verdict"] != "fail"
    ]
    lines += [
        f"- alarm without a leak: seed {r['seed']}: {r['first']}" for r in clean if r["verdict"] == "fail"
    ]
    return "\n".join(lines)


def listing(rows: Sequence[Row]) -> str:
    """Return what was planted with each seed, and where it was seen first."""
    order = list(LEAKS)
    known = sorted((r for r in rows if r["leak"] in LEAKS), key=lambda r: (order.index(r["leak"]), r["seed"]))
    cells = [(r["leak"], f"seed {r['seed']}", r["planted"], r["first"].split(": ", 2)) for r in known]
    return table(
        ("leak", "seed", "planted", "seen first"),
        [
            (leak, seed, planted, ": ".join(first[:2]).replace("|", "/"))
            for leak, seed, planted, first in cells
        ],
    )


def main() -> None:
    """Audit what is not audited yet and write the page."""
    arguments = options(__doc__).parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    seeds = QUICK_SEEDS if arguments.quick else SEEDS
    rows = measured(arguments.scratch / "leaks.json", seeds, arguments.fresh)
    publish(
        HERE / "leaks.md",
        [
            "# Planted leaks, and what the causality audit makes of them",
            INTRODUCTION,
            headline(rows),
            summary(rows),
            machine(),
            "## What was planted, and where it was seen first",
            listing(rows),
        ],
        arguments,
    )


if __name__ == "__main__":
    main()
