"""Who buys and who is seen: customers, the patients of their households, and what they consented to.

`PERSONAL` says which columns are personal data: export and erasure work through it, and no extract names one of them.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Created, Key, StoreId, Timestamp, Tracked, UserId, one_of

# a customer's code may hold a name or a number as well; it is the one by which the chain's own systems know them
PERSONAL = {
    "customers": ("customer_code", "full_name", "mobile", "email", "tax_registration", "city"),
    "patients": ("full_name", "born_on", "gender"),
    "prescriptions": ("doctor_name",),
}

# what search reads of a customer; the digits of a number stand alone, so that part of one is found
WORDS = "ims_customer_text(full_name, mobile, email, customer_code)"


class Customer(Tracked, Base):
    """Who pays: a person or, with a tax registration, a business. An erased one keeps its key and a pseudonym."""

    __tablename__ = "customers"
    __table_args__ = (
        Index("ix_customers_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        CheckConstraint(one_of("kind", "b2c", "b2b"), name="kind"),
        CheckConstraint("mobile ~ '^[+]?[0-9]{6,15}$'", name="mobile"),
        CheckConstraint("email ~ '^[^@[:space:]]+@[^@[:space:]]+$'", name="email"),
        CheckConstraint("full_name <> ''", name="full_name"),
        CheckConstraint("tax_registration IS NULL OR kind = 'b2b'", name="tax_registration_of_a_business"),
        CheckConstraint("(erased_at IS NULL) = (pseudonym IS NULL)", name="pseudonym"),
        CheckConstraint(
            "erased_at IS NULL OR (coalesce(full_name, mobile, email, tax_registration, city) IS NULL"
            " AND customer_code = pseudonym)",
            name="erased",
        ),
        CheckConstraint("erased_code_hash IS NULL OR erased_at IS NOT NULL", name="erased_code_hash"),
        # search by words and their beginnings, and by parts of words and numbers
        Index(
            "ix_customers_words",
            func.to_tsvector(text("'simple'::regconfig"), literal_column(WORDS)),
            postgresql_using="gin",
        ),
        Index("ix_customers_trigrams", literal_column(f"ims_trigrams({WORDS})"), postgresql_using="gin"),
        # the customers of a store, newest first
        Index("ix_customers_home_store_id_customer_id", "home_store_id", "customer_id"),
    )
    customer_id: Mapped[Key]
    customer_code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column(server_default="b2c")
    full_name: Mapped[str | None]
    mobile: Mapped[str | None]
    email: Mapped[str | None]
    tax_registration: Mapped[str | None]
    city: Mapped[str | None]
    home_store_id: Mapped[StoreId | None]
    erased_at: Mapped[Timestamp | None]
    pseudonym: Mapped[str | None]  # unique as the code it then equals
    erased_code_hash: Mapped[str | None]  # keyed: an import knows by it who was erased


class CustomerConsent(Tracked, Base):
    """A consent given or withdrawn. The latest of a purpose holds; none is ever changed or removed."""

    __tablename__ = "customer_consents"
    __table_args__ = (
        CheckConstraint(one_of("purpose", "marketing", "reminders", "analytics", "data_sharing"), name="purpose"),
        CheckConstraint(one_of("source", "store", "web", "phone", "paper", "import"), name="source"),
        # the latest consent for each purpose of a customer
        Index("ix_customer_consents_customer_id_purpose", "customer_id", "purpose", "customer_consent_id"),
    )
    customer_consent_id: Mapped[Key]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.customer_id"))
    purpose: Mapped[str]
    is_granted: Mapped[bool]
    source: Mapped[str]
    recorded_at: Mapped[Created]
    recorded_by: Mapped[UserId | None]


class Patient(Tracked, Base):
    """Whose eyes are tested: a member of a customer's household. `patient_ref` is the key an import gave."""

    __tablename__ = "patients"
    __table_args__ = (
        Index("ix_patients_changed_xid", "changed_xid", postgresql_using="brin"),  # the extract: what is new
        CheckConstraint(one_of("gender", "female", "male", "other"), name="gender"),
        CheckConstraint("full_name <> ''", name="full_name"),
        CheckConstraint("erased_at IS NOT NULL OR full_name IS NOT NULL", name="named"),
        CheckConstraint("erased_at IS NULL OR coalesce(full_name, born_on::text, gender) IS NULL", name="erased"),
        Index("ix_patients_customer_id", "customer_id"),  # the household of a customer
    )
    patient_id: Mapped[Key]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.customer_id"))
    full_name: Mapped[str | None]
    born_on: Mapped[dt.date | None]
    gender: Mapped[str | None]
    erased_at: Mapped[Timestamp | None]
    patient_ref: Mapped[str | None] = mapped_column(unique=True)
