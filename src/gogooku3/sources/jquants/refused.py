"""One clear sentence for every answer that a repetition would not change."""

from __future__ import annotations

import json
import re

from gogooku3.errors import DataError, Gogooku3Error, SettingsError

_RANGE = re.compile(r"covers the following dates:\s*(\d{4}-\d{2}-\d{2}\s*~\s*(?:\d{4}-\d{2}-\d{2})?)")
_LONGEST = 300


def message_of(body: bytes) -> str:
    """Return what the server says in an error's body, shortened to one line."""
    text = body[:4096].decode("utf-8", errors="replace")
    try:
        said = json.loads(text)
        text = str(said["message"])
    except (ValueError, TypeError, KeyError):
        pass
    return " ".join(text.split())[:_LONGEST]


def refusal(status: int, message: str, where: str, plan: str, said_by: str) -> Gogooku3Error:
    """Return the error of a status of 400 to 499 that is not 429.

    Args:
        status: Of the answer.
        message: The server's words.
        where: Endpoint and query.
        plan: As set.
        said_by: Where the key comes from.
    """
    got = f"{status}: {message}"
    if status in {401, 403}:
        return _forbidden(message, got, where, plan, said_by)
    allowed = _RANGE.search(message)
    if allowed is not None:
        return DataError(
            "the contract does not cover that date",
            where=f"{where}, plan {plan}",
            got=got,
            expected=f"a date within {' '.join(allowed[1].split())}",
            remedy="give --from and --to within that range, or take a larger plan",
        )
    return DataError("J-Quants refuses a request", where=where, got=got)


def _forbidden(message: str, got: str, where: str, plan: str, said_by: str) -> SettingsError:
    lower = message.lower()
    if "not available on your subscription" in lower:
        return SettingsError(
            "your contract with J-Quants does not include this endpoint",
            where=where,
            got=got,
            expected=f"what plan {plan} includes",
            remedy="set jquants.plan (--plan) to the plan of your contract, or leave the endpoint out",
        )
    if "endpoint does not exist" in lower:
        return SettingsError(
            "this address has no such endpoint of the API V2",
            where=where,
            got=got,
            remedy="check jquants.base_url; it ends in /v2, as V1 is closed",
        )
    if "no active subscription" in lower:
        return SettingsError(
            "the key belongs to no contract",
            where=where,
            got=got,
            remedy="choose a plan at J-Quants, Free too",
        )
    return SettingsError(
        "J-Quants does not accept the key",
        where=where,
        got=got,
        expected=f"a valid key; this one comes from {said_by}",
        remedy="take the key of the dashboard at https://jpx-jquants.com",
    )
