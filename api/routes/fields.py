"""Types of request members: bounded, without control characters, within what the database holds."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

# no NUL (PostgreSQL refuses it), no other control character but tab and line breaks; no half of a surrogate pair
CLEAN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode text") from None
    return text


def _finite_day(day: dt.date) -> dt.date:
    if not dt.date(1900, 1, 1) <= day <= dt.date(2200, 1, 1):
        raise ValueError("must lie between 1900 and 2200")
    return day


Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=CLEAN),
    AfterValidator(_encodable),
]
Note = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=CLEAN),
    AfterValidator(_encodable),
]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]
# JSON numbers are exact up to here in every language; a bigint may be larger, a key never gets there
LARGEST_KEY = 2**53 - 1
Key = Annotated[int, Field(ge=1, le=LARGEST_KEY)]
PathKey = Annotated[int, Path(ge=1, le=LARGEST_KEY)]
Quantity = Annotated[int, Field(ge=1, le=1_000_000)]
Amount = Annotated[Decimal, Field(ge=0, le=Decimal("999999999.99"), decimal_places=2)]
Share = Annotated[Decimal, Field(ge=0, le=1, decimal_places=4)]
Day = Annotated[dt.date, AfterValidator(_finite_day)]
Attributes = dict[str, Any]


class In(BaseModel):
    """A request's body: unknown members are refused, text is trimmed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Out(BaseModel):
    """An answer's shape, for the API's description; members without a value are left out of the answer."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"additionalProperties": False})
