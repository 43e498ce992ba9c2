"""Eye tests and what they prescribe. Health data: none of it leaves for the warehouse with a name.

A prescription is never changed: a corrected one is a new version that supersedes it.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key, StoreId, Timestamp, Tracked, UserId, one_of
from api.schema.powers import Power, power_limits


class EyeTestQueueEntry(Tracked, Base):
    """Someone who waits for a test in a store; tokens start at 1 each day."""

    __tablename__ = "eye_test_queue"
    __table_args__ = (
        Index("ix_eye_test_queue_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        UniqueConstraint("store_id", "queued_on", "token"),
        CheckConstraint("token > 0", name="token"),
        CheckConstraint(
            one_of("reason", "routine", "new_glasses", "contact_lens", "complaint", "other"), name="reason"
        ),
        CheckConstraint(one_of("state", "waiting", "in_progress", "completed", "cancelled", "no_show"), name="state"),
        CheckConstraint("state NOT IN ('in_progress', 'completed') OR started_at IS NOT NULL", name="started"),
        CheckConstraint("(state = 'completed') = (completed_at IS NOT NULL)", name="completed"),
        CheckConstraint("started_at >= queued_at AND completed_at >= started_at", name="order_of_times"),
        # everything held on a customer, and when they were last seen
        Index("ix_eye_test_queue_customer_id", "customer_id", postgresql_where=text("customer_id IS NOT NULL")),
        Index("ix_eye_test_queue_patient_id", "patient_id", postgresql_where=text("patient_id IS NOT NULL")),
    )
    eye_test_queue_id: Mapped[Key]
    store_id: Mapped[StoreId]
    queued_on: Mapped[dt.date]
    token: Mapped[int]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.customer_id"))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patients.patient_id"))
    reason: Mapped[str] = mapped_column(server_default="routine")
    state: Mapped[str] = mapped_column(server_default="waiting")
    queued_at: Mapped[Created]
    started_at: Mapped[Timestamp | None]
    completed_at: Mapped[Timestamp | None]


class EyeTest(Tracked, Base):
    """A test of a patient's eyes; a completed one has an outcome."""

    __tablename__ = "eye_tests"
    __table_args__ = (
        Index("ix_eye_tests_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        CheckConstraint(one_of("state", "in_progress", "completed", "cancelled"), name="state"),
        CheckConstraint(one_of("outcome", "new_rx", "no_change", "referred"), name="outcome"),
        CheckConstraint("(state = 'completed') = (completed_at IS NOT NULL)", name="completed"),
        CheckConstraint("(state = 'completed') = (outcome IS NOT NULL)", name="completed_with_an_outcome"),
        CheckConstraint("completed_at >= started_at", name="order_of_times"),
        Index("ix_eye_tests_store_id_eye_test_id", "store_id", "eye_test_id"),  # a store's list, newest first
        Index("ix_eye_tests_patient_id", "patient_id"),  # the history of a patient
    )
    eye_test_id: Mapped[Key]
    eye_test_queue_id: Mapped[int | None] = mapped_column(ForeignKey("eye_test_queue.eye_test_queue_id"), unique=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.patient_id"))
    store_id: Mapped[StoreId]
    optometrist_id: Mapped[UserId]
    tested_on: Mapped[dt.date]
    started_at: Mapped[Created]
    completed_at: Mapped[Timestamp | None]
    state: Mapped[str] = mapped_column(server_default="in_progress")
    outcome: Mapped[str | None]
    eye_test_ref: Mapped[str | None] = mapped_column(unique=True)


class Prescription(Tracked, Base):
    """What one patient is to wear, by number and version. `pd_mm` is the distance between both pupils."""

    __tablename__ = "prescriptions"
    __table_args__ = (
        Index("ix_prescriptions_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        UniqueConstraint("prescription_number", "version"),
        UniqueConstraint("prescription_id", "kind"),  # lets the eyes be of the same kind by reference
        CheckConstraint(one_of("source", "tested_at_store", "from_doctor"), name="source"),
        CheckConstraint(one_of("kind", "spectacle", "contact_lens"), name="kind"),
        CheckConstraint("source = 'from_doctor' OR optometrist_id IS NOT NULL", name="tested_by_an_optometrist"),
        CheckConstraint("source = 'from_doctor' OR doctor_name IS NULL", name="doctor_name"),
        CheckConstraint("eye_test_id IS NULL OR source = 'tested_at_store'", name="eye_test"),
        CheckConstraint("valid_until_on >= prescribed_on", name="ends_after_start"),
        CheckConstraint("version > 0 AND (version = 1) = (supersedes_id IS NULL)", name="version"),
        CheckConstraint("supersedes_id <> prescription_id", name="supersedes_another"),
        CheckConstraint("pd_mm BETWEEN 40 AND 80", name="pd_mm"),
        CheckConstraint("pd_mm IS NULL OR kind = 'spectacle'", name="pd_of_spectacles"),
        Index("ix_prescriptions_patient_id", "patient_id"),  # the prescriptions of a patient
        # everything held on a customer: what a test prescribed
        Index("ix_prescriptions_eye_test_id", "eye_test_id", postgresql_where=text("eye_test_id IS NOT NULL")),
        Index("ix_prescriptions_store_id_prescription_id", "store_id", "prescription_id"),  # a store's, newest first
    )
    prescription_id: Mapped[Key]
    prescription_number: Mapped[str]
    version: Mapped[int] = mapped_column(server_default="1")
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("prescriptions.prescription_id"), unique=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patients.patient_id"))
    store_id: Mapped[StoreId]
    eye_test_id: Mapped[int | None] = mapped_column(ForeignKey("eye_tests.eye_test_id"))
    source: Mapped[str]
    kind: Mapped[str]
    optometrist_id: Mapped[UserId | None]
    doctor_name: Mapped[str | None]
    prescribed_on: Mapped[dt.date]
    valid_until_on: Mapped[dt.date]
    pd_mm: Mapped[Decimal | None] = mapped_column(Numeric(4, 1))
    created_by: Mapped[UserId | None]


class PrescriptionEye(Tracked, Base):
    """One eye of a prescription. `pd_mm` is from the bridge to the pupil; curve and diameter are contact lenses'."""

    __tablename__ = "prescription_eyes"
    __table_args__ = (
        Index("ix_prescription_eyes_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        UniqueConstraint("prescription_id", "eye"),
        ForeignKeyConstraint(
            ["prescription_id", "kind"],
            ["prescriptions.prescription_id", "prescriptions.kind"],
        ),
        CheckConstraint(one_of("eye", "right", "left"), name="eye"),
        CheckConstraint("coalesce(sph, cyl, add) IS NOT NULL", name="has_a_power"),
        *power_limits(),
        CheckConstraint("pd_mm BETWEEN 20 AND 45", name="pd_mm"),
        CheckConstraint("prism > 0 AND prism <= 20", name="prism"),
        CheckConstraint(one_of("prism_base", "up", "down", "in", "out"), name="prism_base"),
        CheckConstraint("(prism IS NULL) = (prism_base IS NULL)", name="prism_with_base"),
        CheckConstraint("base_curve_mm BETWEEN 8.0 AND 9.5", name="base_curve_mm"),
        CheckConstraint("diameter_mm BETWEEN 13.0 AND 15.0", name="diameter_mm"),
        CheckConstraint("kind = 'spectacle' OR (pd_mm IS NULL AND prism IS NULL)", name="of_spectacles"),
        CheckConstraint(
            "kind = 'contact_lens' OR (base_curve_mm IS NULL AND diameter_mm IS NULL)", name="of_contact_lenses"
        ),
    )
    prescription_eye_id: Mapped[Key]
    prescription_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    eye: Mapped[str]
    sph: Mapped[Power | None]
    cyl: Mapped[Power | None]
    axis: Mapped[int | None]
    add: Mapped[Power | None]
    pd_mm: Mapped[Decimal | None] = mapped_column(Numeric(4, 1))
    prism: Mapped[Power | None]
    prism_base: Mapped[str | None]
    visual_acuity: Mapped[str | None]
    base_curve_mm: Mapped[Decimal | None] = mapped_column(Numeric(3, 1))
    diameter_mm: Mapped[Decimal | None] = mapped_column(Numeric(3, 1))
