"""The chain as an organisation: who trades in which state, what a store shows and is to reach, who walks in and out.

Stores themselves are in `masters`.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Key, Money, ProductId, StoreId, Timestamp, Tracked, UserId, no_overlap, one_of

# a state code of up to three letters as a number of its own, for a constraint that takes ranges of numbers
STATE_AS_NUMBER = "ascii(state_code) * 65536 + ascii(substr(state_code, 2)) * 256 + ascii(substr(state_code, 3))"


class LegalEntity(Tracked, Base):
    """A company of the chain. `tax_number` is the one it has in the whole country (PAN in India)."""

    __tablename__ = "legal_entities"
    __table_args__ = (
        CheckConstraint("code <> ''", name="code"),
        CheckConstraint("tax_number <> ''", name="tax_number"),
    )
    legal_entity_id: Mapped[Key]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    tax_number: Mapped[str | None] = mapped_column(unique=True)


class LegalEntityRegistration(Tracked, Base):
    """The number under which a company collects tax in a state (GSTIN in India), one at a time.

    A store's registration is that of its company in its state on the day, so a store keeps none of its own.
    """

    __tablename__ = "legal_entity_registrations"
    __table_args__ = (
        UniqueConstraint("registration", "valid_from_on"),
        CheckConstraint("registration <> ''", name="registration"),
        CheckConstraint("state_code ~ '^[A-Z0-9]{1,3}$'", name="state_code"),
        CheckConstraint("valid_to_on >= valid_from_on", name="ends_after_start"),
        no_overlap("legal_entity_id", STATE_AS_NUMBER),
    )
    legal_entity_registration_id: Mapped[Key]
    legal_entity_id: Mapped[int] = mapped_column(ForeignKey("legal_entities.legal_entity_id"))
    state_code: Mapped[str]
    registration: Mapped[str]
    valid_from_on: Mapped[dt.date]
    valid_to_on: Mapped[dt.date | None]


class StoreCategory(Tracked, Base):
    """A category that a store sells; a store without any row sells every category."""

    __tablename__ = "store_categories"
    __table_args__ = (UniqueConstraint("store_id", "category_id"),)
    store_category_id: Mapped[Key]
    store_id: Mapped[StoreId]
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.category_id"))


class DisplayFixture(Tracked, Base):
    """A place in a store that shows goods; zone A is where most people look."""

    __tablename__ = "display_fixtures"
    __table_args__ = (
        UniqueConstraint("store_id", "code"),
        CheckConstraint(
            one_of("kind", "window", "wall", "pillar", "counter", "cabinet", "gondola", "drawer", "fridge"),
            name="kind",
        ),
        CheckConstraint(one_of("zone", "A", "B", "C"), name="zone"),
        CheckConstraint("capacity > 0", name="capacity"),
    )
    display_fixture_id: Mapped[Key]
    store_id: Mapped[StoreId]
    code: Mapped[str]
    kind: Mapped[str]
    zone: Mapped[str]
    capacity: Mapped[int]


class DisplayPlacement(Tracked, Base):
    """Units of a product that a fixture shows, in the order of `position`."""

    __tablename__ = "display_placements"
    __table_args__ = (
        UniqueConstraint("display_fixture_id", "product_id"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("position > 0", name="position"),
    )
    display_placement_id: Mapped[Key]
    display_fixture_id: Mapped[int] = mapped_column(ForeignKey("display_fixtures.display_fixture_id"))
    product_id: Mapped[ProductId]
    quantity: Mapped[int]
    position: Mapped[int | None]
    is_primary: Mapped[bool] = mapped_column(server_default="true")


class SalesTarget(Tracked, Base):
    """What a store is to sell, without tax, and how many people it is to see in a month."""

    __tablename__ = "sales_targets"
    __table_args__ = (
        UniqueConstraint("store_id", "month_on"),
        CheckConstraint("extract(day FROM month_on) = 1", name="first_of_month"),
        CheckConstraint("target_amount >= 0", name="target_amount"),
        CheckConstraint("walk_in_count >= 0", name="walk_in_count"),
    )
    sales_target_id: Mapped[Key]
    store_id: Mapped[StoreId]
    month_on: Mapped[dt.date]
    target_amount: Mapped[Money]
    walk_in_count: Mapped[int | None]


class WalkInCount(Tracked, Base):
    """How many people came into a store on a day. A day that was not counted has no row; it is never 0 by default."""

    __tablename__ = "walk_in_counts"
    __table_args__ = (
        Index("ix_walk_in_counts_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        UniqueConstraint("store_id", "counted_on"),
        CheckConstraint("walk_in_count >= 0", name="walk_in_count"),
    )
    walk_in_count_id: Mapped[Key]
    store_id: Mapped[StoreId]
    counted_on: Mapped[dt.date]
    walk_in_count: Mapped[int]
    counted_by: Mapped[UserId | None]


class Walkout(Tracked, Base):
    """Someone who left without buying, and why; `not_available` is demand that stock could not serve."""

    __tablename__ = "walkouts"
    __table_args__ = (
        Index("ix_walkouts_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        CheckConstraint(
            one_of(
                "reason", "budget", "collection", "colour", "brand", "enquiry_only", "staff_behaviour",
                "not_available", "style", "fit", "other",
            ),
            name="reason",
        ),
        CheckConstraint(one_of("result", "open", "converted", "lost"), name="result"),
        CheckConstraint("(result = 'converted') = (sales_order_id IS NOT NULL)", name="converted_by_an_order"),
        CheckConstraint("price_from >= 0 AND price_to >= price_from", name="prices"),
        # everything held on a customer, and when they were last seen; whether an order may be deleted by an import
        Index("ix_walkouts_customer_id", "customer_id", postgresql_where=text("customer_id IS NOT NULL")),
        Index("ix_walkouts_sales_order_id", "sales_order_id", postgresql_where=text("sales_order_id IS NOT NULL")),
    )  # fmt: skip
    walkout_id: Mapped[Key]
    store_id: Mapped[StoreId]
    walked_out_on: Mapped[dt.date]
    walked_out_at: Mapped[Timestamp]
    reason: Mapped[str]
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.category_id"))
    product_id: Mapped[ProductId | None]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.customer_id"))
    price_from: Mapped[Money | None]
    price_to: Mapped[Money | None]
    result: Mapped[str] = mapped_column(server_default="open")
    sales_order_id: Mapped[int | None] = mapped_column(ForeignKey("sales_orders.sales_order_id"))
    recorded_by: Mapped[UserId | None]
    walkout_ref: Mapped[str | None] = mapped_column(unique=True)
