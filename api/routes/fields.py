"""Types of request members: bounded, without control characters, within what the database holds.

Text is judged as it was sent and trimmed afterwards: what the description says of it is the whole truth.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin

from fastapi import Path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

WRITTEN_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# no NUL (PostgreSQL refuses it), no other control character but tab and line breaks; no half of a surrogate pair
CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
ANY = rf"[^{CONTROL}]"
CLEAN = rf"^{ANY}*$"
# what str.strip takes away, spelt out: \s is another set in each language's patterns
SPACE = r"\x09\x0a\x0d\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
SOLID = rf"[^{CONTROL}{SPACE}]"
SAID = rf"^{ANY}*{SOLID}{ANY}*$"


def encodable(text: str) -> str:
    """The text, when it is Unicode that can be written. Raises ValueError."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode text") from None
    return text


def _finite_day(day: dt.date) -> dt.date:
    if not dt.date(1900, 1, 1) <= day <= dt.date(2200, 1, 1):
        raise ValueError("must lie between 1900 and 2200")
    return day


def _written_day(day: Any) -> Any:
    """Pydantic would read the text 0 as a day of 1970."""
    if isinstance(day, str) and not WRITTEN_DAY.fullmatch(day):
        raise ValueError("must be a day as 2026-11-25")
    return day


Trimmed = AfterValidator(str.strip)
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=SAID), AfterValidator(encodable), Trimmed]
Note = Annotated[
    str, StringConstraints(min_length=1, max_length=2000, pattern=SAID), AfterValidator(encodable), Trimmed
]
# ten characters at least between the spaces around it
Reason = Annotated[
    str,
    StringConstraints(min_length=10, max_length=500, pattern=rf"^{ANY}*{SOLID}{ANY}{{8,}}{SOLID}{ANY}*$"),
    AfterValidator(encodable),
    Trimmed,
]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]
# JSON numbers are exact up to here in every language; a bigint may be larger, a key never gets there
LARGEST_KEY = 2**53 - 1
Key = Annotated[int, Field(ge=1, le=LARGEST_KEY)]
PathKey = Annotated[int, Path(ge=1, le=LARGEST_KEY)]
Quantity = Annotated[int, Field(ge=1, le=1_000_000)]
Amount = Annotated[Decimal, Field(ge=0, le=Decimal("999999999.99"), decimal_places=2)]
Share = Annotated[Decimal, Field(ge=0, le=1, decimal_places=4)]
Day = Annotated[dt.date, BeforeValidator(_written_day), AfterValidator(_finite_day)]
Attributes = dict[str, Any]


class In(BaseModel):
    """A request's body: unknown members and other types are refused."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _as_described(cls, value: Any, info: ValidationInfo) -> Any:
        """JSON's own types: pydantic would read true and "1" as 1, "yes" as true, and 0 as a day of 1970."""
        for each in value if isinstance(value, list) else (value,):
            _refuse_another_type(each, _kinds(cls, info.field_name or ""))
        return value

    def changes(self, *, clears: str) -> dict[str, Any]:
        """The members that were sent; null is as not sent, but for the one that it clears."""
        sent = self.model_dump(exclude_unset=True)
        return {name: value for name, value in sent.items() if value is not None or name == clears}


@cache
def _kinds(model: type[BaseModel], name: str) -> frozenset[Any]:
    """The plain types of a member, those of a list's items among them."""

    def flat(annotation: Any) -> set[Any]:
        origin, inner = get_origin(annotation), get_args(annotation)
        if origin is Literal:
            return {type(each) for each in inner}
        if origin is Annotated:
            return flat(inner[0])
        return {kind for each in inner for kind in flat(each)} if inner else {annotation}

    return frozenset(flat(model.model_fields[name].annotation))


def _refuse_another_type(value: Any, kinds: frozenset[Any]) -> None:
    if isinstance(value, bool):
        if bool not in kinds and int in kinds:
            raise ValueError("must be a number, not true or false")
    elif isinstance(value, int | float):
        if (bool in kinds or dt.date in kinds) and not kinds & {int, float, Decimal}:
            raise ValueError("must not be a number")
    elif isinstance(value, str) and not kinds & {str, Decimal} and kinds & {int, bool}:
        raise ValueError("must not be text")


class Out(BaseModel):
    """An answer's shape, for the API's description; members without a value are left out of the answer."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"additionalProperties": False})
