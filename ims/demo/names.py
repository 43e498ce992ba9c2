"""Invented people's names, mobiles and mail addresses. None belongs to anybody."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from ims.demo.days import Ints
from ims.demo.luck import Keys, Luck
from ims.demo.parameters import read_table

MOBILES = 999_999_937  # a prime: multiplying by another number than 0 permutes what is below it


def name_people(luck: Luck, person: Keys, family: Keys, is_female: npt.NDArray[np.bool_]) -> pl.Series:
    """A given name each, and the surname of the family."""
    words = read_table("names")
    women, men, surnames = (np.array(words[w]) for w in ("women", "men", "surnames"))
    given = np.where(
        is_female,
        women[luck.choose("given name", person, np.ones(len(women)))],
        men[luck.choose("given name", person, np.ones(len(men)))],
    )
    surname = surnames[luck.choose("surname", family, np.ones(len(surnames)))]
    return pl.DataFrame({"g": given, "s": surname}).select(pl.format("{} {}", "g", "s")).to_series()


def number_mobiles(number: Ints) -> pl.Series:
    """A mobile for each number below 10^9, no two alike."""
    tail = pl.Series((number * 48_271) % MOBILES)
    return pl.DataFrame({"t": tail}).select(pl.format("9{}", pl.col("t").cast(pl.String).str.zfill(9))).to_series()
