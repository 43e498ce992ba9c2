"""What every defect is made with: the tables of a folder, luck of its own, and the ledger of what was done."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from ims.demo.streams import open_stream

LOADS, SET_ASIDE = "loads", "set aside"


@dataclass
class Spoiled:
    """The tables as they are spoiled one defect after the other. `rows` is the ledger.

    `spared` are orders that have one defect already: a second would hide it.
    """

    tables: dict[str, pl.DataFrame]
    as_of: date
    seed: int
    rows: list[pl.DataFrame] = field(default_factory=list)
    spared: list[str] = field(default_factory=list)

    def rng(self, defect: str) -> np.random.Generator:
        """The stream of one defect: what the others do does not change it."""
        return open_stream(self.seed, f"defect {defect}")

    def orders(self) -> pl.DataFrame:
        """Orders that were confirmed and not cancelled, and are not spared."""
        is_void = pl.col("status").is_in(["draft", "cancelled"])
        return self.tables["sales_orders"].filter(~is_void, ~pl.col("order_ref").is_in(self.spared)).sort("order_ref")

    def choose(self, defect: str, frame: pl.DataFrame, rate: float | int) -> pl.DataFrame:
        """Rows of `frame` by luck, in its order: a share of them (at least one), or a number of them."""
        wanted = rate if isinstance(rate, int) else max(1, round(rate * len(frame)))
        picked = self.rng(defect).permutation(len(frame))[:wanted]
        chosen: pl.DataFrame = frame[np.sort(picked).tolist()]
        return chosen

    def note(self, defect: str, file: str, keys: pl.Series, check: str, lands: str = LOADS) -> None:
        """One row of the ledger for each key."""
        self.rows.append(
            pl.DataFrame({"key": keys.cast(pl.String)}).select(
                defect=pl.lit(defect), file=pl.lit(file), key="key", lands=pl.lit(lands), check=pl.lit(check)
            )
        )

    def put(self, file: str, key: str | list[str], changed: pl.DataFrame) -> None:
        """Replace the columns of `changed` in the rows of its keys."""
        frame = self.tables[file]
        kinds = {c: frame.schema[c] for c in changed.columns}
        self.tables[file] = frame.update(changed.cast(kinds), on=key, how="left", include_nulls=True)  # type: ignore[arg-type]

    @property
    def ledger(self) -> pl.DataFrame:
        """defect, file, key, lands (loads or set aside), check (schema.table.rule)."""
        return pl.concat(self.rows)
