"""The limits of optical powers, in dioptres: stated once for prescriptions, lenses, contact lenses and lens cells.

Powers lie on a grid of 0.25; an axis, in whole degrees, belongs to a cylinder and to nothing else.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from sqlalchemy import CheckConstraint, Numeric
from sqlalchemy.orm import mapped_column

Power = Annotated[Decimal, mapped_column(Numeric(5, 2))]


def sph_limit(column: str) -> str:
    """A sphere: -25 to +25."""
    return f"{column} BETWEEN -25 AND 25 AND mod({column}, 0.25) = 0"


def cyl_limit(column: str) -> str:
    """A cylinder: -6 to +6."""
    return f"{column} BETWEEN -6 AND 6 AND mod({column}, 0.25) = 0"


def add_limit(column: str) -> str:
    """A near addition: +0.75 to +4.00."""
    return f"{column} BETWEEN 0.75 AND 4 AND mod({column}, 0.25) = 0"


def power_limits() -> tuple[CheckConstraint, ...]:
    """For a table with columns sph, cyl, axis and add: each within its limits, an axis with a cylinder only."""
    return (
        CheckConstraint(sph_limit("sph"), name="sph"),
        CheckConstraint(cyl_limit("cyl"), name="cyl"),
        CheckConstraint("axis BETWEEN 1 AND 180", name="axis"),
        CheckConstraint("(coalesce(cyl, 0) <> 0) = (axis IS NOT NULL)", name="axis_with_cylinder"),
        CheckConstraint(add_limit("add"), name="add"),
    )
