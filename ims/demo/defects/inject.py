"""Puts all defects into the tables of a first folder, and says which and where."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from ims.demo.defects.days import spoil_days
from ims.demo.defects.goods import double_skus, spoil_goods
from ims.demo.defects.money import spoil_money, tax_wrongly
from ims.demo.defects.people import spoil_people
from ims.demo.defects.spoil import Spoiled
from ims.demo.defects.stock import spoil_stock


def inject(tables: dict[str, pl.DataFrame], seed: int, as_of: date) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """The tables with defects, and the ledger: defect, file, key, lands, check.

    Two of them stop a publication until they are corrected or waived: products that are there twice, and tax at a
    wrong rate.
    """
    chain = Spoiled(dict(tables), as_of, seed)
    spoil_days(chain)
    spoil_people(chain)
    spoil_money(chain)
    spoil_stock(chain)
    spoil_goods(chain)
    double_skus(chain)
    tax_wrongly(chain)
    return chain.tables, chain.ledger


def write_ledger(folder: Path, ledger: pl.DataFrame) -> None:
    """`defects.csv` in a folder outside of the chain's."""
    folder.mkdir(parents=True, exist_ok=True)
    ledger.write_csv(folder / "defects.csv")
