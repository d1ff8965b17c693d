"""Which column of a long table is what."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from gogooku3.errors import PanelError, SettingsError
from gogooku3.labels.target import Target
from gogooku3.sources.aliases import BARS, NAMES, SECTORS

ALIASES: Mapping[str, tuple[str, ...]] = {
    "date": (*BARS["date"], "session", "trading_date"),
    "code": (*BARS["code"], "local_code", "security_code"),
    "name": NAMES,
    "sector": (*SECTORS, "sector_code"),
    "universe": ("universe", "in_universe"),
    "link": ("link",),
    "adj_close": (*BARS["adj_close"], "adjusted_close", *BARS["adjusted_close"]),
    "close": ("close",),
}
"""Canonical names and how they may be spelled, without case, ``_``, ``-`` and spaces. Bars have the same ones,
and more: a lone ``c`` is a feature here."""

PRICE_ROLES = ("link", "adj_close", "close")
"""Where returns come from, the best first; only the best that is there is used."""

_LAG = r"(?:_lag(?P<lag>\d+))?"
_CANONICAL = re.compile(r"h(?P<horizon>\d+)_d(?P<lag>\d+)", re.IGNORECASE)
_CLEAR = re.compile(
    r"(?:(?:target|label|horizon|fwd|forward|future)(?:_ret|_return|_returns)?|(?:ret|return)_fwd)"
    rf"_(?P<horizon>\d+)d?{_LAG}",
    re.IGNORECASE,
)
_FALLBACK = re.compile(rf"(?:return|returns|ret)_(?P<horizon>\d+)d{_LAG}", re.IGNORECASE)
_SUSPECT = re.compile(
    r"(?:target|label|fwd|forward|future)(?:[_\d].*)?|y|.*_(?:fwd|forward|future)(?:_.*)?", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class TableColumns:
    """The part that each column plays.

    Attributes:
        roles: Column of the table by canonical name (``ALIASES``); ``date`` and ``code`` always.
        targets: Column by target, sorted by target.
        features: Feature columns, in the order of the table.
        ignored: Columns that play none.
        notes: What was decided and could have been meant otherwise.
    """

    roles: Mapping[str, str]
    targets: Mapping[Target, str]
    features: tuple[str, ...]
    ignored: tuple[str, ...]
    notes: tuple[str, ...]


def table_columns(
    frame: pl.DataFrame,
    *,
    features: Collection[str] | None = None,
    targets: Mapping[str, Target] | None = None,
) -> TableColumns:
    """Decide what each column of a long table is.

    Targets are the columns named, and those called ``h5_d1``, or ``target_5d``, ``label_5d``, ``horizon_5d``,
    ``fwd_5d``, ``forward_5d``, ``future_5d`` (also with ``_ret`` or ``_return`` before the number),
    ``ret_fwd_5d`` or ``return_fwd_5d``; the ``d`` may be missing, and ``_lag1`` follows where the entry is
    later. Without a lag in its name a target has lag 0. ``return_5d`` or ``ret_5d`` is a target only where
    there is no other one, since it usually is a past return. Features are the columns named, or every other
    numeric column but prices.

    Args:
        frame: The table; only its names and types count.
        features: Feature columns; None for all that are left.
        targets: Targets by column.

    Raises:
        PanelError: There is no date, code, target or feature, a column plays two parts, or one looks like a
            target that is not understood.
    """
    roles = find_roles(frame.columns)
    numeric = {name: dtype.is_numeric() for name, dtype in frame.schema.items()}
    _check_named(numeric, features or (), targets or {})
    found, notes = _targets(numeric, roles, targets or {}, features)
    taken = {*roles.values(), *found.values()}
    left = [name for name in numeric if name not in taken]
    if features is None:
        suspects = [name for name in left if numeric[name] and _SUSPECT.fullmatch(name)]
        if suspects:
            raise PanelError(
                "columns may be targets, and would leak as features",
                got=", ".join(suspects),
                remedy="name targets with --target COLUMN=h5_d1; rename features, or name all with --feature",
            )
        chosen = tuple(name for name in left if numeric[name])
    else:
        chosen = tuple(name for name in numeric if name in set(features))
    doubled = sorted({*found.values(), roles["date"], roles["code"]} & set(chosen))
    if doubled or not chosen:
        raise PanelError(
            "a column is both feature and something else" if doubled else "a table has no feature column",
            got=", ".join(doubled or numeric),
            expected="numeric columns beside date, code and targets",
        )
    unused = {roles[role] for role in _prices(roles)[1:]}
    used = (taken - unused) | set(chosen)
    return TableColumns(
        roles=roles,
        targets=dict(sorted(found.items())),
        features=chosen,
        ignored=tuple(name for name in numeric if name not in used),
        notes=tuple(notes),
    )


def _prices(roles: Mapping[str, str]) -> list[str]:
    return [role for role in PRICE_ROLES if role in roles]


def find_roles(names: Sequence[str]) -> dict[str, str]:
    """Return the column of each canonical name, without regard to case and underscores.

    Raises:
        PanelError: Date or code is missing, or two columns claim one name.
    """
    roles: dict[str, str] = {}
    for role, spellings in ALIASES.items():
        known = set(map(_plain, spellings))
        claims = [name for name in names if _plain(name) in known]
        best = [name for name in claims if name.lower() == role] or claims
        if len(best) > 1:
            raise PanelError(f"two columns claim to be the {role}", got=", ".join(best), remedy="keep one")
        if best:
            roles[role] = best[0]
    missing = [role for role in ("date", "code") if role not in roles]
    if missing:
        raise PanelError(
            f"a table lacks the column {' and '.join(missing)}",
            got=", ".join(names) or "no columns",
            expected="; ".join(f"{role}: {', '.join(ALIASES[role])}" for role in missing),
        )
    return roles


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _check_named(numeric: Mapping[str, bool], features: Iterable[str], targets: Iterable[str]) -> None:
    for what, names in (("feature", features), ("target", targets)):
        for name in names:
            if name not in numeric:
                raise PanelError(f"a {what} column does not exist", got=name, expected=", ".join(numeric))
            if not numeric[name]:
                raise PanelError(f"a {what} column is not numeric", got=name)


def _targets(
    numeric: Mapping[str, bool],
    roles: Mapping[str, str],
    named: Mapping[str, Target],
    features: Collection[str] | None,
) -> tuple[dict[Target, str], list[str]]:
    columns = dict(named)
    unnamed = [name for name in numeric if numeric[name] and name not in {*named, *roles.values()}]
    notes = []
    for patterns in ((_CANONICAL, _CLEAR), (_FALLBACK,)):
        if patterns == (_FALLBACK,) and columns:
            break
        for name in unnamed:
            match = next(filter(None, (pattern.fullmatch(name) for pattern in patterns)), None)
            if match and not (patterns == (_FALLBACK,) and name in (features or ())):
                columns[name] = _parse(name, match)
                if match["lag"] is None:
                    notes.append(f"{name}: no lag in its name, taken as the future return {columns[name]}")
    found: dict[Target, str] = {}
    for name, target in columns.items():
        if target in found:
            raise PanelError(
                "two columns claim to be one target", where=target, got=f"{found[target]}, {name}"
            )
        found[target] = name
    if not found:
        raise PanelError(
            "a table has no target column",
            got=", ".join(numeric),
            expected="a name such as h5_d1, target_5d or target_5d_lag1",
            remedy="name one with --target COLUMN=h5_d1",
        )
    return found, notes


def _parse(name: str, match: re.Match[str]) -> Target:
    try:
        return Target(int(match["horizon"]), int(match["lag"] or 0))
    except SettingsError as error:
        raise PanelError("a target column has an impossible horizon", where=name, got=error.got) from error
