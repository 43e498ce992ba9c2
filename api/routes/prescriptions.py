"""`/prescriptions`: what patients are to wear. Without prescription:read they come without whose they are."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field, StringConstraints
from starlette.responses import Response

from api.identity.policy import SCOPES
from api.identity.principal import SignedIn
from api.routes.caller import Caller, Fields, Permit, creating, may, paging
from api.routes.fields import LARGEST_KEY, Day, In, Key, Out, PathKey, Reason, Text
from api.services import prescriptions
from api.services.paging import Paging

# the limits are checked all at once by the service, which names each fault; here only what the columns can hold
Power = Annotated[Decimal, Field(ge=-999, le=999, decimal_places=2)]
Millimetres = Annotated[Decimal, Field(ge=0, le=99, decimal_places=1)]
Source = Literal["tested_at_store", "from_doctor"]
Kind = Literal["spectacle", "contact_lens"]
Base = Literal["up", "down", "in", "out"]
Acuity = Annotated[str, StringConstraints(min_length=1, max_length=20, pattern=r"^[0-9A-Za-z/.+-]+$")]
OptionalKey = Annotated[int | None, Query(ge=1, le=LARGEST_KEY)]


class EyeIn(In):
    """One eye: powers in dioptres on steps of 0.25, an axis in whole degrees with a cylinder."""

    sph: Power | None = None
    cyl: Power | None = None
    axis: Annotated[int, Field(ge=-999, le=999)] | None = None
    add: Power | None = None
    pd_mm: Millimetres | None = None
    prism: Power | None = None
    prism_base: Base | None = None
    visual_acuity: Acuity | None = None
    base_curve_mm: Millimetres | None = None
    diameter_mm: Millimetres | None = None


class EyesIn(In):
    """The eyes that are prescribed for."""

    right: EyeIn | None = None
    left: EyeIn | None = None


class PrescriptionIn(In):
    """A prescription, tested by whoever records it, or brought from a doctor."""

    patient_id: Key
    store_id: Key
    source: Source
    kind: Kind = "spectacle"
    eye_test_id: Key | None = None
    doctor_name: Text | None = None
    prescribed_on: Day | None = None
    validity_months: Annotated[int, Field(ge=1, le=60)] | None = None
    valid_until_on: Day | None = None
    pd_mm: Millimetres | None = None
    eyes: EyesIn


class EyeOut(Out):
    """One eye."""

    sph: Decimal | None = None
    cyl: Decimal | None = None
    axis: int | None = None
    add: Decimal | None = None
    pd_mm: Decimal | None = None
    prism: Decimal | None = None
    prism_base: Base | None = None
    visual_acuity: str | None = None
    base_curve_mm: Decimal | None = None
    diameter_mm: Decimal | None = None


class EyesOut(Out):
    """The eyes that are prescribed for."""

    right: EyeOut | None = None
    left: EyeOut | None = None


class PrescriptionOut(Out):
    """A prescription; a masked one has a pseudonym in place of whose it is and who wrote it."""

    prescription_id: int
    prescription_number: str
    version: int
    supersedes_id: int | None = None
    superseded_by_id: int | None = None
    patient_id: int | None = None
    customer_id: int | None = None
    patient_name: str | None = None
    born_on: dt.date | None = None
    patient_pseudonym: str | None = None
    is_masked: bool | None = None
    store_id: int
    eye_test_id: int | None = None
    source: Source
    kind: Kind
    optometrist_id: int | None = None
    doctor_name: str | None = None
    prescribed_on: dt.date
    valid_until_on: dt.date
    pd_mm: Decimal | None = None
    eyes: EyesOut
    created_by: int | None = None
    created_at: dt.datetime
    erased_at: dt.datetime | None = None


class PrescriptionPage(Out):
    """Prescriptions, the newest first."""

    items: list[PrescriptionOut]
    next_cursor: str | None = None


class BreakGlassIn(In):
    """Why the prescription must be read in full."""

    reason: Reason


class reading(Permit):  # noqa: N801  (reads as a sentence in a route, as `may` does)
    """`may` for prescriptions: prescription:read or prescription:read_masked, whichever reaches further."""

    def __init__(self) -> None:
        super().__init__("prescription:read_masked")
        self.either = (may("prescription:read"), may("prescription:read_masked"))

    async def __call__(self, request: Request, fields: Fields = None) -> Caller:
        """The caller of this request."""
        user: SignedIn = request.state.user
        held = [each for each in self.either if user.grants.allows(each.permission)]
        widest = min(held, key=lambda each: SCOPES.index(user.grants.scopes[each.permission]), default=self)
        return await widest.identify(request, fields)


READING = reading()


def create_router() -> APIRouter:
    """The prescriptions' routes."""
    router = APIRouter(prefix="/prescriptions", tags=["clinical"])

    @router.get("", summary="Prescriptions in reach", response_model=PrescriptionPage)
    async def browse(
        caller: Annotated[Caller, Depends(READING)],
        page: Annotated[Paging, Depends(paging)],
        patient_id: OptionalKey = None,
        store_id: OptionalKey = None,
        is_valid: bool = False,
    ) -> Response:
        return await caller.read(prescriptions.list_prescriptions, page, patient_id, store_id, is_valid)

    @router.post("", summary="Record a prescription", status_code=201, response_model=PrescriptionOut)
    async def create(
        caller: Annotated[Caller, Depends(creating("prescription:write"))], body: PrescriptionIn
    ) -> Response:
        return await caller.create(prescriptions.create_prescription, body.model_dump())

    @router.get("/{prescription_id}", summary="One prescription", response_model=PrescriptionOut)
    async def show(caller: Annotated[Caller, Depends(READING)], prescription_id: PathKey) -> Response:
        return await caller.read(prescriptions.show_prescription, prescription_id)

    @router.post(
        "/{prescription_id}/versions",
        summary="Replace by a new version",
        status_code=201,
        response_model=PrescriptionOut,
    )
    async def replace(
        caller: Annotated[Caller, Depends(creating("prescription:write"))],
        prescription_id: PathKey,
        body: PrescriptionIn,
    ) -> Response:
        return await caller.create(prescriptions.replace_prescription, prescription_id, body.model_dump())

    @router.post("/{prescription_id}/break-glass", summary="Read in full, for a reason", response_model=PrescriptionOut)
    async def break_glass(
        caller: Annotated[Caller, Depends(may("prescription:break_glass"))],
        prescription_id: PathKey,
        body: BreakGlassIn,
    ) -> Response:
        return await caller.write(prescriptions.break_glass, prescription_id, body.reason)

    return router
