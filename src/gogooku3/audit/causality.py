"""The causality certificate of a run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from gogooku3.audit.base import Base
from gogooku3.audit.certificate import Certificate
from gogooku3.audit.checks.blind import check_blind
from gogooku3.audit.checks.labels import check_labels
from gogooku3.audit.checks.permutation import check_permutation
from gogooku3.audit.checks.rebuild import check_rebuild
from gogooku3.audit.checks.spans import check_spans
from gogooku3.audit.checks.warm_up import check_warm_up
from gogooku3.audit.ledger import Ledger
from gogooku3.audit.material import load_material
from gogooku3.audit.part import Part
from gogooku3.audit.plan import Moment, plan_moments
from gogooku3.audit.settings import AuditSettings
from gogooku3.audit.violation import Violation
from gogooku3.errors import Gogooku3Error
from gogooku3.pipeline.certified import CERTIFICATE, certified_subject
from gogooku3.pipeline.lineage import code_digest, environment
from gogooku3.pipeline.run_folder import Run
from gogooku3.storage.atomic import write_json
from gogooku3.storage.hashing import digest_json

_CODE = ("audit.causality",)
_FOLDER = "audit"


def audit_causality(run: Run, settings: AuditSettings | None = None) -> Certificate:
    """Run the pipeline again on bars whose future is another one, and certify that nothing known by then moves.

    At sampled sessions everything after is deleted, perturbed and made null; universe, fields, features, labels that
    are over, training rows, models, scores and the morning's ranking up to that session have to be the same bit for
    bit. Then labels are computed again from their own prices, label spans are held against each other, models are
    fitted again blindfolded, history starts later, and labels are permuted. The locked years are never read.

    Finished pieces are kept in the run's folder: the same audit of the same run goes on where it was interrupted.

    Args:
        run: A run that is made from bars; it need not be built.
        settings: How hard to look; the defaults if None.

    Returns:
        The certificate, written to ``causality.json``; its verdict is ``fail`` if anything was found.

    Raises:
        SettingsError: The run is made from a ready panel.
        DataError: The bars cannot be read.
        SplitError: The sampled bars do not fit the run's folds.
    """
    return _Audit(run, settings or AuditSettings()).certify()


class _Audit:
    def __init__(self, run: Run, settings: AuditSettings) -> None:
        self.run, self.settings = run, settings
        run.progress.note("reading bars")
        self.material = load_material(run, settings)
        self.folder = run.path(_FOLDER)
        self.subject = self._subject()
        self.ledger = Ledger(self.folder / "parts", self.subject)
        self.base = Base(run, settings, self.material, self.folder)

    def certify(self) -> Certificate:
        parts: list[Part] = []
        plan = self.ledger.get("plan", self._plan)
        tasks = list(self._tasks(plan))
        self.run.progress.start("auditing causality", len(tasks), "checks")
        for name, work in tasks:
            parts.append(self.ledger.get(name, partial(_guarded, name, work)))
            self.run.progress.advance()
            if parts[-1].violations and self.settings.first_violation:
                break
        subject = {**self.subject, "moments": plan.facts["moments"]}
        certificate = Certificate(path=self.run.path(CERTIFICATE), subject=subject, parts=parts)
        write_json(certificate.path, certificate.to_json())
        self.ledger.sweep()
        for leftover in ("base", "work"):
            shutil.rmtree(self.folder / leftover, ignore_errors=True)
        return certificate

    def _subject(self) -> dict[str, Any]:
        frame = self.material.bars.frame
        codes = frame.get_column("code").unique().sort().to_list()
        return {
            "run": self.run.settings.run.name,
            "bars": {
                "digest": self.material.digest,
                "rows": frame.height,
                "stocks": len(codes),
                "share_of_stocks": round(self.material.share, 6),
                "stocks_digest": digest_json(codes),
                "first": str(frame.get_column("date").min()),
                "last": str(frame.get_column("date").max()),
                "test_years": list(self.material.years),
            },
            "subject": certified_subject(self.run),
            "code": code_digest(_CODE),
            "environment": environment(),
            "audit": self.settings.model_dump(mode="json"),
        }

    def _plan(self) -> Part:
        """Draw the sessions; this builds the panel of the true bars."""
        rng = np.random.default_rng([self.settings.seed, 4])
        self.run.progress.note(f"building {self.subject['bars']['stocks']} stocks, nothing changed")
        moments = plan_moments(self.base.folds, self.base.usable, self.settings.sessions, rng)
        sessions = self.base.panel.sessions
        facts = [
            {
                "session": int(m.session),
                "date": str(sessions[m.session]),
                "reason": m.reason,
                "last": m.last,
            }
            for m in moments
        ]
        return Part(name="plan", facts={"moments": facts, "folds": [fold.name for fold in self.base.folds]})

    def _tasks(self, plan: Part) -> Iterator[tuple[str, Callable[[], Part]]]:
        yield "labels", lambda: check_labels(self.base)
        for row in plan.facts["moments"]:
            moment = Moment(session=row["session"], reason=row["reason"], last=row["last"])
            for variant in self.settings.variants:
                yield (
                    f"{variant} after {row['date']}",
                    partial(check_rebuild, self.base, moment, variant),
                )
        yield "spans", lambda: check_spans(self.base)
        for number, name in enumerate(plan.facts["folds"]):
            yield f"blind fold {name}", partial(self._blind, number)
        yield "permutation", lambda: check_permutation(self.base, self.base.folds[-1])
        for later in self.settings.warm_up:
            yield f"warm-up {later} later", partial(check_warm_up, self.base, later)

    def _blind(self, number: int) -> Part:
        return check_blind(self.base, self.base.folds[number])


def _guarded(name: str, work: Callable[[], Part]) -> Part:
    """Let a check that ends in an error of the pipeline be a violation, not the end of the audit."""
    try:
        return work()
    except Gogooku3Error as error:
        found = Violation(stage="check", name=name, detail=f"it cannot be made: {error.what}")
        return Part(name=name, facts={}, violations=(found,))
