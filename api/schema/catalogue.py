"""What products are: categories and brands, frames, lenses and contact lenses, prices, costs and tax over time.

Products themselves are in `masters`; power cells and serialised units, which are stock, are in `stock`.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Numeric, text
from sqlalchemy.dialects.postgresql import ARRAY, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from api.schema.base import Base, Key, Money, ProductId, Share, StoreId, Tracked, UnitCost, UserId, no_overlap, one_of
from api.schema.powers import Power, add_limit, cyl_limit, power_limits, sph_limit

COATINGS = ("HC", "AR", "ANTI_BLUE", "GREEN", "PHOTOCHROMIC", "POLARIZED", "UV")


class TaxClass(Tracked, Base):
    """Goods or services taxed alike; its rates are dated."""

    __tablename__ = "tax_classes"
    __table_args__ = (CheckConstraint("code <> ''", name="code"),)
    tax_class_id: Mapped[Key]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]


class TaxRate(Tracked, Base):
    """The rate of a class while it was law; 0 where it is exempt."""

    __tablename__ = "tax_rates"
    __table_args__ = (
        CheckConstraint("rate BETWEEN 0 AND 1", name="rate"),
        CheckConstraint("valid_to_on >= valid_from_on", name="ends_after_start"),
        no_overlap("tax_class_id"),
    )
    tax_rate_id: Mapped[Key]
    tax_class_id: Mapped[int] = mapped_column(ForeignKey("tax_classes.tax_class_id"))
    rate: Mapped[Share]
    valid_from_on: Mapped[dt.date]
    valid_to_on: Mapped[dt.date | None]


class Category(Tracked, Base):
    """A category that products name by its code; one that an import names first is of kind `other` until described."""

    __tablename__ = "categories"
    __table_args__ = (
        CheckConstraint(
            one_of(
                "kind", "frame", "sunglass", "lens", "contact_lens", "solution", "accessory", "service", "eye_test",
                "other",
            ),
            name="kind",
        ),
        CheckConstraint("hsn_code ~ '^[0-9]{4,8}$'", name="hsn_code"),
    )  # fmt: skip
    category_id: Mapped[Key]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="other")
    hsn_code: Mapped[str | None]
    tax_class_id: Mapped[int | None] = mapped_column(ForeignKey("tax_classes.tax_class_id"))
    is_enabled: Mapped[bool] = mapped_column(server_default="true")


class Brand(Tracked, Base):
    """A brand that products name."""

    __tablename__ = "brands"
    brand_id: Mapped[Key]
    name: Mapped[str] = mapped_column(unique=True)
    is_own: Mapped[bool] = mapped_column(server_default="false")


class ProductFrame(Tracked, Base):
    """The measures of a frame or of sunglasses, in millimetres as engraved on the temple: eye, bridge, temple."""

    __tablename__ = "product_frames"
    __table_args__ = (
        CheckConstraint("eye_mm BETWEEN 40 AND 62", name="eye_mm"),
        CheckConstraint("bridge_mm BETWEEN 14 AND 24", name="bridge_mm"),
        CheckConstraint("temple_mm BETWEEN 120 AND 150", name="temple_mm"),
        CheckConstraint(one_of("rim", "full", "half", "rimless"), name="rim"),
        CheckConstraint(one_of("tier", "value", "mid", "premium", "luxury"), name="tier"),
    )
    product_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("products.product_id"), primary_key=True)
    eye_mm: Mapped[int | None]
    bridge_mm: Mapped[int | None]
    temple_mm: Mapped[int | None]
    shape: Mapped[str | None]
    rim: Mapped[str | None]
    material: Mapped[str | None]
    tier: Mapped[str | None]


class LensLine(Tracked, Base):
    """A lens that comes in many powers: one product, whose stock is counted by power cell. Ranges include both ends."""

    __tablename__ = "lens_lines"
    __table_args__ = (
        CheckConstraint("refractive_index IN (1.50, 1.56, 1.60, 1.67, 1.74)", name="refractive_index"),
        CheckConstraint(one_of("material", "CR39", "POLY", "MR8", "MR174", "TRIVEX", "GLASS"), name="material"),
        CheckConstraint(one_of("kind", "SV", "BIFOCAL", "PROGRESSIVE", "OFFICE", "READING"), name="kind"),
        CheckConstraint(f"coatings <@ ARRAY[{', '.join(map(repr, COATINGS))}]", name="coatings"),
        CheckConstraint(f"{sph_limit('sph_from')} AND {sph_limit('sph_to')} AND sph_to >= sph_from", name="sph"),
        CheckConstraint(f"{cyl_limit('cyl_from')} AND {cyl_limit('cyl_to')} AND cyl_to >= cyl_from", name="cyl"),
        CheckConstraint(f"{add_limit('add_from')} AND {add_limit('add_to')} AND add_to >= add_from", name="add"),
        CheckConstraint("(add_from IS NULL) = (add_to IS NULL)", name="add_range"),
        CheckConstraint("step IN (0.25, 0.50)", name="step"),
    )
    lens_line_id: Mapped[Key]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.product_id"), unique=True)
    series: Mapped[str | None]
    refractive_index: Mapped[Decimal] = mapped_column(Numeric(3, 2))
    material: Mapped[str]
    kind: Mapped[str]
    coatings: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    sph_from: Mapped[Power]
    sph_to: Mapped[Power]
    cyl_from: Mapped[Power]
    cyl_to: Mapped[Power]
    add_from: Mapped[Power | None]
    add_to: Mapped[Power | None]
    step: Mapped[Power] = mapped_column(server_default="0.25")


class LensLinePrice(Tracked, Base):
    """The price of a lens whose power, |sph| + |cyl|, lies in a band (both ends included) while it is valid."""

    __tablename__ = "lens_line_prices"
    __table_args__ = (
        CheckConstraint("power_from >= 0 AND power_to >= power_from", name="band"),
        CheckConstraint("unit_price >= 0", name="unit_price"),
        CheckConstraint("mrp >= unit_price", name="mrp"),
        CheckConstraint("valid_to_on >= valid_from_on", name="ends_after_start"),
        ExcludeConstraint(
            (text("int8range(lens_line_id, lens_line_id, '[]')"), "&&"),
            (text("numrange(power_from, power_to, '[]')"), "&&"),
            (text("daterange(valid_from_on, valid_to_on, '[]')"), "&&"),
            name="validity",
        ),
    )
    lens_line_price_id: Mapped[Key]
    lens_line_id: Mapped[int] = mapped_column(ForeignKey("lens_lines.lens_line_id"))
    power_from: Mapped[Power]
    power_to: Mapped[Power]
    unit_price: Mapped[UnitCost]
    mrp: Mapped[Money | None]
    valid_from_on: Mapped[dt.date]
    valid_to_on: Mapped[dt.date | None]


class ProductContactLens(Tracked, Base):
    """A contact lens of one power, sold by the box; its stock carries batch and expiry."""

    __tablename__ = "product_contact_lenses"
    __table_args__ = (
        CheckConstraint(
            one_of("modality", "DAILY", "FORTNIGHTLY", "MONTHLY", "QUARTERLY", "YEARLY", "COLOR"), name="modality"
        ),
        CheckConstraint("base_curve_mm BETWEEN 8.0 AND 9.5", name="base_curve_mm"),
        CheckConstraint("diameter_mm BETWEEN 13.0 AND 15.0", name="diameter_mm"),
        *power_limits(),
        CheckConstraint("lenses_per_box > 0", name="lenses_per_box"),
    )
    product_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("products.product_id"), primary_key=True)
    series: Mapped[str | None]
    modality: Mapped[str]
    base_curve_mm: Mapped[Decimal | None] = mapped_column(Numeric(3, 1))
    diameter_mm: Mapped[Decimal | None] = mapped_column(Numeric(3, 1))
    sph: Mapped[Power | None]
    cyl: Mapped[Power | None]
    axis: Mapped[int | None]
    add: Mapped[Power | None]
    lenses_per_box: Mapped[int]
    colour: Mapped[str | None]


class PriceHistory(Tracked, Base):
    """What a product sold for: `unit_price` without tax, `mrp` with it; a store's own price goes before the chain's."""

    __tablename__ = "price_history"
    __table_args__ = (
        CheckConstraint("unit_price >= 0", name="unit_price"),
        CheckConstraint("mrp >= unit_price", name="mrp"),
        CheckConstraint("valid_to_on >= valid_from_on", name="ends_after_start"),
        no_overlap("product_id", "coalesce(store_id, 0)"),
        Index("ix_price_history_product_id_valid_from_on", "product_id", "valid_from_on"),  # what held on a day
    )
    price_history_id: Mapped[Key]
    product_id: Mapped[ProductId]
    store_id: Mapped[StoreId | None]
    unit_price: Mapped[UnitCost]
    mrp: Mapped[Money | None]
    valid_from_on: Mapped[dt.date]
    valid_to_on: Mapped[dt.date | None]
    created_by: Mapped[UserId | None]


class CostHistory(Tracked, Base):
    """What a unit of a product cost; a store's own cost goes before the chain's."""

    __tablename__ = "cost_history"
    __table_args__ = (
        CheckConstraint("unit_cost >= 0", name="unit_cost"),
        CheckConstraint("valid_to_on >= valid_from_on", name="ends_after_start"),
        no_overlap("product_id", "coalesce(store_id, 0)"),
        Index("ix_cost_history_product_id_valid_from_on", "product_id", "valid_from_on"),  # what held on a day
    )
    cost_history_id: Mapped[Key]
    product_id: Mapped[ProductId]
    store_id: Mapped[StoreId | None]
    unit_cost: Mapped[UnitCost]
    valid_from_on: Mapped[dt.date]
    valid_to_on: Mapped[dt.date | None]
    created_by: Mapped[UserId | None]


__all__ = [
    "Brand",
    "Category",
    "CostHistory",
    "LensLine",
    "LensLinePrice",
    "PriceHistory",
    "ProductContactLens",
    "ProductFrame",
    "TaxClass",
    "TaxRate",
]
