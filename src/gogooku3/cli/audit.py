"""Proofs by experiment: is anything known that cannot be known yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gogooku3.cli import options as o

if TYPE_CHECKING:
    from gogooku3.audit.certificate import Certificate

NAME = "audit"

_VIOLATION = 3

app = typer.Typer(help="Put a run to the proof.")


@app.callback()
def group() -> None:
    """Put a run to the proof."""


@app.command()
def causality(
    run: Annotated[str | None, typer.Argument(help="Name of the run, as with --name.")] = None,
    name: o.Name = None,
    stocks: Annotated[int, typer.Option(help="Stocks at most; a larger market is sampled.", min=20)] = 300,
    sessions: Annotated[int, typer.Option(help="Sessions after which everything is changed.", min=1)] = 8,
    seed: Annotated[
        int, typer.Option(help="Seed of the sampled stocks and sessions and of the changes.", min=0)
    ] = 0,
    config: o.Config = None,
    settings: o.Set = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Change the future, run the pipeline again, and certify that nothing known before moves.

    Writes causality.json into the run's folder; exit code 3 if anything knew the future. Goes on where it was
    interrupted.
    """
    from gogooku3.audit.causality import audit_causality
    from gogooku3.audit.settings import AuditSettings
    from gogooku3.cli import show
    from gogooku3.errors import SettingsError

    if run is not None and name is not None and run != name:
        raise SettingsError("two runs are named", got=f"{run} and --name {name}", expected="one of them")
    opened = o.make_run(name=run or name, config=config, settings=settings, quiet=quiet)
    certificate = audit_causality(opened, AuditSettings(stocks=stocks, sessions=sessions, seed=seed))
    _show(certificate)
    if json:
        show.as_json({"path": str(certificate.path), **certificate.to_json()})
    if certificate.violations:
        raise typer.Exit(_VIOLATION)


def _show(certificate: Certificate) -> None:
    from gogooku3.cli import show

    parts = len(certificate.parts)
    show.say(f"{parts - sum(bool(part.violations) for part in certificate.parts)} of {parts} checks pass")
    for violation in certificate.violations:
        show.say(f"violation: {violation}")
    show.say(f"certificate: {certificate.path}, verdict {certificate.verdict}")
