"""What each publication raises for somebody to look at, and the ledger of what people did about it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key, Money, UserId, one_of

KINDS = ("SALES_OFF", "STOCK_OUT_AHEAD", "LATE_ORDER", "FORECAST_BIAS", "DATA")
SEVERITIES = ("warn", "severe")
ACTIONS = ("snoozed", "acted", "dismissed")


class Alert(Base):
    """An alert as one publication raised it; `alert_ref` names it across publications, so it never arises twice.

    `at_stake_amount` is sales value, never cost. Without a store it concerns the chain. `is_listed`: within the number
    that a store is shown of a day; the others are counted, and read on demand.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        UniqueConstraint("publication_id", "alert_ref"),
        CheckConstraint(one_of("kind", *KINDS), name="kind"),
        CheckConstraint(one_of("severity", *SEVERITIES), name="severity"),
        CheckConstraint("at_stake_amount >= 0", name="at_stake_amount"),
        CheckConstraint("first_on <= day_on", name="first_on"),
        CheckConstraint("rank_in_store > 0", name="rank_in_store"),
        # those of the last weeks, to count how many were acted on; and those that have served their time
        Index("ix_alerts_day_on", "day_on"),
    )
    alert_id: Mapped[Key]
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.publication_id"))
    alert_ref: Mapped[str]
    kind: Mapped[str]
    store_id: Mapped[int | None] = mapped_column(ForeignKey("stores.store_id"))
    subject: Mapped[str]
    title: Mapped[str]
    detail: Mapped[str]
    severity: Mapped[str]
    at_stake_amount: Mapped[Money]
    first_on: Mapped[dt.date]
    day_on: Mapped[dt.date]
    rank_in_store: Mapped[int]
    is_listed: Mapped[bool]
    view: Mapped[str]
    filters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[Created]


class AlertAction(Base):
    """What somebody did about an alert: never changed or removed. The newest one of an alert is how it stands."""

    __tablename__ = "alert_actions"
    __table_args__ = (
        CheckConstraint(one_of("kind", *KINDS), name="kind"),
        CheckConstraint(one_of("action", *ACTIONS), name="action"),
        CheckConstraint("(action = 'snoozed') = (until_on IS NOT NULL)", name="snoozed_until_a_day"),
        CheckConstraint("action <> 'dismissed' OR reason IS NOT NULL", name="dismissed_for_a_reason"),
        CheckConstraint("length(reason) > 0", name="reason"),
        # how each alert stands
        Index("ix_alert_actions_alert_ref_alert_action_id", "alert_ref", "alert_action_id"),
    )
    alert_action_id: Mapped[Key]
    alert_ref: Mapped[str]
    kind: Mapped[str]
    store_id: Mapped[int | None] = mapped_column(ForeignKey("stores.store_id"))
    action: Mapped[str]
    until_on: Mapped[dt.date | None]
    reason: Mapped[str | None]
    acted_by: Mapped[UserId]
    acted_at: Mapped[Created]
