"""`/patients`: the members of a customer's household. They are added and listed under their customer."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api.routes.caller import Caller, may
from api.routes.fields import Day, In, Out, PathKey, Text
from api.services import patients

Gender = Literal["female", "male", "other"]


class PatientOut(Out):
    """A patient; a masked one has initials instead of a name, and no birthday."""

    patient_id: int
    customer_id: int
    full_name: str | None = None
    born_on: dt.date | None = None
    gender: Gender | None = None
    initials: str | None = None
    is_masked: bool | None = None
    erased_at: dt.datetime | None = None
    created_at: dt.datetime | None = None
    updated_at: dt.datetime


class PatientPage(Out):
    """Patients, the newest first."""

    items: list[PatientOut]
    next_cursor: str | None = None


class PatientIn(In):
    """A member of the household."""

    full_name: Text
    born_on: Day | None = None
    gender: Gender | None = None


class PatientChange(In):
    """What may change; members left out stay, an empty one is taken away."""

    full_name: Text | None = None
    born_on: Day | None = None
    gender: Gender | None = None


def create_router() -> APIRouter:
    """The patients' routes."""
    router = APIRouter(prefix="/patients", tags=["customers"])

    @router.get("/{patient_id}", summary="One patient", response_model=PatientOut)
    async def show(caller: Annotated[Caller, Depends(may("customer:read_masked"))], patient_id: PathKey) -> Response:
        return await caller.read(patients.show_patient, patient_id)

    @router.patch("/{patient_id}", summary="Change a patient", response_model=PatientOut)
    async def change(
        caller: Annotated[Caller, Depends(may("customer:write"))], patient_id: PathKey, body: PatientChange
    ) -> Response:
        changes = body.model_dump(exclude_unset=True)
        return await caller.change(patients.show_patient, patients.LOCK, patient_id, patients.change_patient, changes)

    return router
