"""Paise as money of two places."""

from __future__ import annotations

import polars as pl


def rupees(paise: str | pl.Expr) -> pl.Expr:
    """Exact: whole paise as a decimal of two places; 129999 is 1299.99."""
    column = pl.col(paise) if isinstance(paise, str) else paise
    return (column.cast(pl.Decimal(18, 2)) / 100).cast(pl.Decimal(14, 2))
