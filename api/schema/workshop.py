"""The workshop: jobs that make a pair of spectacles, what went wrong with them, and pairs that did not suit."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key, Money, StoreId, Tracked, UserId, one_of

STATES = ("pending", "in_progress", "qc", "ready", "delivered", "qc_failed", "cancelled")


class LabJob(Tracked, Base):
    """One pair (`pair_group` of its order) to be made, in house or, with a vendor, by a laboratory."""

    __tablename__ = "lab_jobs"
    __table_args__ = (
        Index("ix_lab_jobs_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        UniqueConstraint("sales_order_id", "pair_group"),
        CheckConstraint(one_of("state", *STATES), name="state"),
        CheckConstraint(one_of("lens_state", "not_ordered", "ordered", "received", "mounted"), name="lens_state"),
        CheckConstraint("state NOT IN ('qc', 'ready', 'delivered') OR lens_state = 'mounted'", name="made_of_lenses"),
        CheckConstraint("pair_group > 0", name="pair_group"),
        CheckConstraint("rework_count >= 0", name="rework_count"),
        CheckConstraint("version > 0", name="version"),
        # everything held on a customer: what was made by a prescription
        Index("ix_lab_jobs_prescription_id", "prescription_id", postgresql_where=text("prescription_id IS NOT NULL")),
    )
    lab_job_id: Mapped[Key]
    job_number: Mapped[str] = mapped_column(unique=True)
    sales_order_id: Mapped[int] = mapped_column(ForeignKey("sales_orders.sales_order_id"))
    pair_group: Mapped[int]
    prescription_id: Mapped[int | None] = mapped_column(ForeignKey("prescriptions.prescription_id"))
    store_id: Mapped[StoreId]
    vendor_id: Mapped[int | None] = mapped_column(ForeignKey("vendors.vendor_id"))
    state: Mapped[str] = mapped_column(server_default="pending")
    lens_state: Mapped[str] = mapped_column(server_default="not_ordered")
    promised_on: Mapped[dt.date | None]
    technician_id: Mapped[UserId | None]
    rework_count: Mapped[int] = mapped_column(server_default="0")
    created_by: Mapped[UserId | None]
    version: Mapped[int] = mapped_column(server_default="1")


class LabJobEvent(Tracked, Base):
    """A job went from one state to another; never changed or removed."""

    __tablename__ = "lab_job_events"
    __table_args__ = (
        Index("ix_lab_job_events_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        CheckConstraint(one_of("from_state", *STATES), name="from_state"),
        CheckConstraint(one_of("to_state", *STATES), name="to_state"),
        CheckConstraint("from_state <> to_state", name="goes_somewhere"),
        Index("ix_lab_job_events_lab_job_id", "lab_job_id", "lab_job_event_id"),  # the course of a job
    )
    lab_job_event_id: Mapped[Key]
    lab_job_id: Mapped[int] = mapped_column(ForeignKey("lab_jobs.lab_job_id"))
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    happened_at: Mapped[Created]
    user_id: Mapped[UserId | None]


class Remake(Tracked, Base):
    """A job that had to be made again: why, by whose fault, and what was spoilt."""

    __tablename__ = "remakes"
    __table_args__ = (
        UniqueConstraint("lab_job_id", "attempt"),
        CheckConstraint("attempt > 0", name="attempt"),
        CheckConstraint(
            one_of(
                "reason", "axis_error", "power_error", "fitting_error", "surface_defect", "coating_defect",
                "breakage_in_lab", "wrong_lens_picked", "customer_changed_rx", "other",
            ),
            name="reason",
        ),
        CheckConstraint(one_of("fault", "lab", "store", "vendor", "customer"), name="fault"),
        CheckConstraint("spoilage_cost_amount >= 0", name="spoilage_cost_amount"),
    )  # fmt: skip
    remake_id: Mapped[Key]
    lab_job_id: Mapped[int] = mapped_column(ForeignKey("lab_jobs.lab_job_id"))
    attempt: Mapped[int]
    reason: Mapped[str]
    fault: Mapped[str]
    spoilage_cost_amount: Mapped[Money | None]
    recorded_at: Mapped[Created]
    recorded_by: Mapped[UserId | None]


class NonAdapt(Tracked, Base):
    """A pair that its wearer could not get used to; charged or not by the policy of the chain."""

    __tablename__ = "non_adapts"
    __table_args__ = (
        CheckConstraint(
            one_of("reason", "progressive_intolerance", "wrong_power_felt", "cosmetic", "other"), name="reason"
        ),
        CheckConstraint("charged_amount >= 0", name="charged_amount"),
    )
    non_adapt_id: Mapped[Key]
    lab_job_id: Mapped[int] = mapped_column(ForeignKey("lab_jobs.lab_job_id"), unique=True)
    reason: Mapped[str]
    reported_on: Mapped[dt.date]
    charged_amount: Mapped[Money] = mapped_column(server_default="0")
    new_prescription_id: Mapped[int | None] = mapped_column(ForeignKey("prescriptions.prescription_id"))
    recorded_by: Mapped[UserId | None]
