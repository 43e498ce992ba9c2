"""What is kept apart within a product: the powers of a stock lens, and units with a serial of their own.

How many lie where is not said here: that is the ledger's (`stock.py`).
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.schema.base import Base, Key, Tracked

Dioptres = Annotated[Decimal, mapped_column(Numeric(5, 2))]
UNIT_STATUSES = ("good", "damaged", "expired", "under_audit")


class LensCell(Tracked, Base):
    """One power of a stock lens, in dioptres on the grid of 0.25; `add` is null for a single-vision lens."""

    __tablename__ = "lens_cells"
    __table_args__ = (
        UniqueConstraint("product_id", "sph", "cyl", "add", postgresql_nulls_not_distinct=True),
        UniqueConstraint("lens_cell_id", "product_id"),  # what references both must name the cell's own product
        CheckConstraint("sph BETWEEN -25 AND 25", name="sph"),
        CheckConstraint("cyl BETWEEN -6 AND 6", name="cyl"),
        CheckConstraint("add BETWEEN 0.75 AND 4", name="add"),
        CheckConstraint("mod(sph, 0.25) = 0 AND mod(cyl, 0.25) = 0 AND coalesce(mod(add, 0.25), 0) = 0", name="grid"),
    )
    lens_cell_id: Mapped[Key]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.product_id"))
    sph: Mapped[Dioptres]
    cyl: Mapped[Dioptres] = mapped_column(server_default="0")
    add: Mapped[Dioptres | None]


class StockUnit(Tracked, Base):
    """A frame or box known by its serial. `status` is its quality; where it is, the ledger says."""

    __tablename__ = "stock_units"
    __table_args__ = (
        UniqueConstraint("product_id", "serial"),
        UniqueConstraint("stock_unit_id", "product_id"),  # what references both must name the unit's own product
        CheckConstraint(f"status IN {UNIT_STATUSES}", name="status"),
        Index("ix_stock_units_serial", "serial"),  # what is read off the goods themselves, of whatever product
    )
    stock_unit_id: Mapped[Key]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.product_id"))
    serial: Mapped[str]
    barcode: Mapped[str | None] = mapped_column(unique=True)
    batch_code: Mapped[str | None]
    expires_on: Mapped[dt.date | None]
    status: Mapped[str] = mapped_column(server_default="good")
