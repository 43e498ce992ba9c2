"""Figures that people are sent: who wants them when (schedules), and the log of what went out. None of it is extracted.

A delivery is asked for first (`wanted`), by the calendar or a person, and then made by whoever takes it up.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key, Timestamp, UserId, one_of


class ReportSchedule(Base):
    """When a person is sent the figures they may see. `store_ids` NULL means all stores they may see at that time.

    Nothing is owed for moments before `since`: a schedule made on Wednesday does not send last Monday's figures.
    """

    __tablename__ = "report_schedules"
    __table_args__ = (
        CheckConstraint(one_of("cadence", "daily", "weekly", "monthly"), name="cadence"),
        CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday"),
        CheckConstraint("(cadence = 'weekly') = (weekday IS NOT NULL)", name="weekday_of_a_week"),
        CheckConstraint("month_day BETWEEN 1 AND 28", name="month_day"),
        CheckConstraint("(cadence = 'monthly') = (month_day IS NOT NULL)", name="day_of_a_month"),
        CheckConstraint("at_hour BETWEEN 0 AND 23", name="at_hour"),
        CheckConstraint(one_of("form", "pdf", "xlsx", "both"), name="form"),
        CheckConstraint("cardinality(store_ids) > 0", name="store_ids"),
        Index("ix_report_schedules_user_id", "user_id", "report_schedule_id"),  # a person's own
    )
    report_schedule_id: Mapped[Key]
    user_id: Mapped[UserId]
    cadence: Mapped[str]
    weekday: Mapped[int | None] = mapped_column(SmallInteger)
    month_day: Mapped[int | None] = mapped_column(SmallInteger)
    at_hour: Mapped[int] = mapped_column(SmallInteger)
    form: Mapped[str]
    store_ids: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    is_active: Mapped[bool] = mapped_column(server_default="true")
    since: Mapped[Created]
    created_at: Mapped[Created]
    updated_at: Mapped[Created]


class ReportDelivery(Base):
    """One pack of figures for one person, or the message why there are none.

    `says` is known once it is made. `reach` is what its recipient might see then: the mail leaves only while that
    holds. The message is forgotten after its time, the line of the log is not.
    """

    __tablename__ = "report_deliveries"
    __table_args__ = (
        CheckConstraint(one_of("occasion", "scheduled", "asked"), name="occasion"),
        CheckConstraint(one_of("state", "wanted", "queued", "delivered", "failed", "withheld"), name="state"),
        CheckConstraint(one_of("says", "figures", "why_not"), name="says"),
        CheckConstraint("state NOT IN ('queued', 'delivered') OR says IS NOT NULL", name="made"),
        CheckConstraint("says <> 'figures' OR publication_id IS NOT NULL", name="figures_of_a_publication"),
        CheckConstraint("ends_on >= begins_on", name="period"),
        # exactly once for a period, whoever works
        Index(
            "uq_report_deliveries_scheduled",
            "report_schedule_id",
            "due_on",
            unique=True,
            postgresql_where=text("occasion = 'scheduled'"),
        ),
        Index("uq_report_deliveries_message_id", "message_id", unique=True),  # the receipt of a message
        Index("ix_report_deliveries_report_schedule_id", "report_schedule_id", "report_delivery_id"),  # a log
        # what is to be made
        Index("ix_report_deliveries_wanted", "report_delivery_id", postgresql_where=text("state = 'wanted'")),
    )
    report_delivery_id: Mapped[Key]
    report_schedule_id: Mapped[int] = mapped_column(ForeignKey("report_schedules.report_schedule_id"))
    occasion: Mapped[str]
    due_on: Mapped[dt.date]
    state: Mapped[str] = mapped_column(server_default="wanted")
    says: Mapped[str | None]
    begins_on: Mapped[dt.date | None]
    ends_on: Mapped[dt.date | None]
    publication_id: Mapped[int | None] = mapped_column(ForeignKey("publications.publication_id"))
    reach: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    message_id: Mapped[uuid.UUID | None]
    receipt: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    error: Mapped[str | None]
    created_at: Mapped[Created]
    made_at: Mapped[Timestamp | None]
    ended_at: Mapped[Timestamp | None]
