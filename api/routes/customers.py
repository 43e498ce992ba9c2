"""`/customers`: who buys, the household, what they consented to. Who may not read them gets them masked."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from starlette.responses import Response

from api.routes.caller import Caller, creating, may, nobody_in_the_address, paging
from api.routes.fields import CLEAN, LARGEST_KEY, In, Key, Out, PathKey, Text, encodable
from api.routes.patients import PatientIn, PatientOut, PatientPage
from api.services import consents, customers, patients
from api.services.paging import Paging

Kind = Literal["b2c", "b2b"]
Purpose = Literal["marketing", "reminders", "analytics", "data_sharing"]
Source = Literal["store", "web", "phone", "paper"]


def _digits(value: Any) -> Any:
    """A number as people write it: blanks, hyphens, dots and brackets mean nothing."""
    return value.translate(str.maketrans("", "", " -.()")) if isinstance(value, str) and len(value) < 40 else value


AS_WRITTEN = {"type": "string", "pattern": r"^[+]?([ .()-]?[0-9]){6,15}$"}
Mobile = Annotated[
    str, BeforeValidator(_digits), StringConstraints(pattern=r"^[+]?[0-9]{6,15}$"), WithJsonSchema(AS_WRITTEN)
]
Mail = Annotated[str, StringConstraints(max_length=254, pattern=r"^[\x21-\x3f\x41-\x7e]+@[\x21-\x3f\x41-\x7e]+$")]
Wanted = Annotated[str, StringConstraints(min_length=2, max_length=100, pattern=CLEAN), AfterValidator(encodable)]


class CustomerOut(Out):
    """A customer; masked ones have initials and the end of the number instead of who they are."""

    customer_id: int
    kind: Kind
    customer_code: str | None = None
    full_name: str | None = None
    mobile: str | None = None
    email: str | None = None
    tax_registration: str | None = None
    city: str | None = None
    home_store_id: int | None = None
    initials: str | None = None
    mobile_ends_in: str | None = None
    is_masked: bool | None = None
    erased_at: dt.datetime | None = None
    pseudonym: str | None = None
    created_at: dt.datetime
    updated_at: dt.datetime


class CustomerPage(Out):
    """Customers."""

    items: list[CustomerOut]
    next_cursor: str | None = None


class CustomerIn(In):
    """A customer to record; who reaches only some stores names one of them as the home."""

    full_name: Text
    kind: Kind = "b2c"
    mobile: Mobile | None = None
    email: Mail | None = None
    tax_registration: Text | None = None
    city: Text | None = None
    home_store_id: Key | None = None


class CustomerChange(In):
    """What may change; members left out stay, an empty one is taken away."""

    full_name: Text | None = None
    kind: Kind = "b2c"
    mobile: Mobile | None = None
    email: Mail | None = None
    tax_registration: Text | None = None
    city: Text | None = None
    home_store_id: Key | None = None


class VisitIn(In):
    """A customer of another store who stands in this one, by the number they told."""

    mobile: Mobile
    store_id: Key


class CustomerSearch(In):
    """Who is sought: in the body, so that no name and no number lies in an address."""

    q: Wanted = Field(description="Name, number, mail address or code.")


class ConsentIn(In):
    """What a customer says about one purpose."""

    purpose: Purpose
    is_granted: bool
    source: Source


class ConsentOut(Out):
    """A consent given or withdrawn."""

    customer_consent_id: int
    purpose: Purpose
    is_granted: bool
    source: Literal["store", "web", "phone", "paper", "import"]
    recorded_at: dt.datetime
    recorded_by: int | None = None


class ConsentNow(Out):
    """What holds for a purpose now."""

    purpose: Purpose
    is_granted: bool
    since: dt.datetime | None = None


class ConsentsOut(Out):
    """What holds now, and how it came about."""

    customer_id: int
    current: list[ConsentNow]
    history: list[ConsentOut]


def create_router() -> APIRouter:
    """The customers' routes."""
    router = APIRouter(prefix="/customers", tags=["customers"])

    @router.get(
        "", summary="Customers in reach", response_model=CustomerPage, dependencies=[Depends(nobody_in_the_address)]
    )
    async def browse(
        caller: Annotated[Caller, Depends(may("customer:read_masked"))],
        page: Annotated[Paging, Depends(paging)],
        store_id: Annotated[int | None, Query(ge=1, le=LARGEST_KEY)] = None,
    ) -> Response:
        return await caller.read(customers.list_customers, page, store_id)

    # who is found tells who has the number or the name: not for those who read customers masked
    @router.post("/search", summary="Customers in reach that match, the best first", response_model=CustomerPage)
    async def search(
        caller: Annotated[Caller, Depends(may("customer:read"))],
        body: CustomerSearch,
        limit: Annotated[int, Query(ge=1, le=200, description="Rows of the answer.")] = 50,
    ) -> Response:
        return await caller.read(customers.find_customers, body.q, limit)

    @router.post("", summary="Record a customer", status_code=201, response_model=CustomerOut)
    async def create(caller: Annotated[Caller, Depends(creating("customer:write"))], body: CustomerIn) -> Response:
        return await caller.create(customers.create_customer, body.model_dump())

    @router.post("/visits", summary="Take over a customer of another store", response_model=CustomerOut)
    async def welcome(caller: Annotated[Caller, Depends(may("customer:write"))], body: VisitIn) -> Response:
        return await caller.write(customers.welcome_customer, body.mobile, body.store_id)

    @router.get("/{customer_id}", summary="One customer", response_model=CustomerOut)
    async def show(caller: Annotated[Caller, Depends(may("customer:read_masked"))], customer_id: PathKey) -> Response:
        return await caller.read(customers.show_customer, customer_id)

    @router.patch("/{customer_id}", summary="Change a customer", response_model=CustomerOut)
    async def change(
        caller: Annotated[Caller, Depends(may("customer:write"))], customer_id: PathKey, body: CustomerChange
    ) -> Response:
        changes = body.model_dump(exclude_unset=True)
        return await caller.change(
            customers.show_customer, customers.LOCK, customer_id, customers.change_customer, changes
        )

    @router.get("/{customer_id}/patients", summary="The household", response_model=PatientPage)
    async def household(
        caller: Annotated[Caller, Depends(may("customer:read_masked"))],
        page: Annotated[Paging, Depends(paging)],
        customer_id: PathKey,
    ) -> Response:
        return await caller.read(patients.list_patients, page, customer_id)

    @router.post("/{customer_id}/patients", summary="Add a patient", status_code=201, response_model=PatientOut)
    async def add_patient(
        caller: Annotated[Caller, Depends(creating("customer:write"))], customer_id: PathKey, body: PatientIn
    ) -> Response:
        return await caller.create(patients.add_patient, customer_id, body.model_dump())

    @router.get("/{customer_id}/consents", summary="What the customer consented to", response_model=ConsentsOut)
    async def show_consents(
        caller: Annotated[Caller, Depends(may("customer:read_masked"))], customer_id: PathKey
    ) -> Response:
        return await caller.read(consents.show_consents, customer_id)

    @router.post("/{customer_id}/consents", summary="Record a consent", status_code=201, response_model=ConsentOut)
    async def record_consent(
        caller: Annotated[Caller, Depends(creating("consent:write"))], customer_id: PathKey, body: ConsentIn
    ) -> Response:
        return await caller.create(consents.record_consent, customer_id, body.model_dump())

    return router
