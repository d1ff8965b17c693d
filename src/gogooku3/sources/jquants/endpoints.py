"""What is fetched: paths, fields and days, as in the specification and jquants-api-client 2.8.

https://jpx-jquants.com/en/spec
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from gogooku3.sources.jquants.plan import Plan
from gogooku3.sources.jquants.settings import EndpointName
from gogooku3.sources.jquants.statement_fields import STATEMENT_FIELDS, STATEMENT_REQUIRED

Kind = Literal["code", "date", "number", "text"]
Days = Literal["range", "sessions", "months", "weeks", "all"]

DAILY_MARGIN = dt.date(2026, 9, 25)
"""From this balance date on, margin balances are daily; before it, of the last session of a week."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One kind of data.

    Attributes:
        name: Its folder in the store.
        path: Below the API's address.
        least: The smallest plan that has it.
        first: The oldest day there is.
        days: For which days it is asked: a range in one go, every session, the first session of each month and the
            newest one, the last session of each week, every day.
        day: The field that has to be the day asked for.
        key: Fields that name a row of a day.
        required: Fields that every row has to have.
        optional: Fields that may be absent, and then are null.
        dense: Every session has rows; an empty answer says that they are not published yet.
        steady: A day has about as many rows as those before it; far fewer are half a day.
        a_minute: A further limit of requests, beside the plan's.
    """

    name: EndpointName
    path: str
    least: Plan
    first: dt.date
    days: Days
    day: str = "Date"
    key: tuple[str, ...] = ("Code",)
    required: Mapping[str, Kind]
    optional: Mapping[str, Kind] = field(default_factory=dict)
    dense: bool = False
    steady: bool = True
    a_minute: int | None = None

    @property
    def fields(self) -> dict[str, Kind]:
        """All fields that are kept, in order."""
        return {**self.required, **self.optional}


def _numbers(*names: str) -> dict[str, Kind]:
    return dict.fromkeys(names, "number")


def _text(*names: str) -> dict[str, Kind]:
    return dict.fromkeys(names, "text")


_DAY_AND_CODE: dict[str, Kind] = {"Date": "date", "Code": "code"}
_ALL = (
    Endpoint(
        name="calendar",
        path="/markets/calendar",
        least="free",
        first=dt.date(2008, 1, 1),
        days="range",
        key=("Date",),
        required={"Date": "date", "HolDiv": "text"},
    ),
    Endpoint(
        name="listed",
        path="/equities/master",
        least="free",
        first=dt.date(2008, 5, 7),
        days="months",
        required={**_DAY_AND_CODE, **_text("CoName", "S17", "S17Nm", "S33", "S33Nm", "Mkt", "MktNm")},
        optional=_text("CoNameEn", "ScaleCat", "Mrgn", "MrgnNm", "ProdCat"),
        dense=True,
    ),
    Endpoint(
        name="bars_daily",
        path="/equities/bars/daily",
        least="free",
        first=dt.date(2008, 5, 7),
        days="sessions",
        required={**_DAY_AND_CODE, **_numbers("O", "H", "L", "C", "Vo", "Va", "AdjFactor")},
        optional={**_text("UL", "LL", "ExRT"), **_numbers("MktCap")},
        dense=True,
    ),
    Endpoint(
        name="topix",
        path="/indices/bars/daily/topix",
        least="light",
        first=dt.date(2008, 5, 7),
        days="range",
        key=("Date",),
        required={"Date": "date", **_numbers("O", "H", "L", "C")},
    ),
    Endpoint(
        name="indices",
        path="/indices/bars/daily",
        least="standard",
        first=dt.date(2008, 5, 7),
        days="sessions",
        required={**_DAY_AND_CODE, **_numbers("O", "H", "L", "C")},
        dense=True,
    ),
    Endpoint(
        name="statements",
        path="/fins/summary",
        least="free",
        first=dt.date(2008, 7, 7),
        days="all",
        day="DiscDate",
        key=("DiscNo",),
        required={name: STATEMENT_FIELDS[name] for name in STATEMENT_REQUIRED},
        optional={name: kind for name, kind in STATEMENT_FIELDS.items() if name not in STATEMENT_REQUIRED},
        steady=False,
        a_minute=60,
    ),
    Endpoint(
        name="margin_interest",
        path="/markets/margin-interest",
        least="standard",
        first=dt.date(2012, 2, 10),
        days="weeks",
        required={
            **_DAY_AND_CODE,
            **_text("IssType"),
            **_numbers("ShrtVol", "LongVol", "ShrtNegVol", "LongNegVol", "ShrtStdVol", "LongStdVol"),
        },
        optional={
            "PubDate": "date",
            **_numbers("ShrtVal", "LongVal", "ShrtNegVal", "LongNegVal", "ShrtStdVal", "LongStdVal"),
        },
    ),
    Endpoint(
        name="short_ratio",
        path="/markets/short-ratio",
        least="standard",
        first=dt.date(2008, 11, 5),
        days="sessions",
        key=("S33",),
        required={
            "Date": "date",
            "S33": "code",
            **_numbers("SellExShortVa", "ShrtWithResVa", "ShrtNoResVa"),
        },
    ),
)

ENDPOINTS: Mapping[EndpointName, Endpoint] = MappingProxyType({one.name: one for one in _ALL})
"""By name, in the order in which they are fetched."""
