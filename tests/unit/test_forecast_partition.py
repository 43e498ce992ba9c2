"""Groups of stores: none is split, and put together they are every series once, in order."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from models.forecast.engine import Forecast
from models.forecast.partition import merge_forecasts, split_stores

MONDAY = date(2024, 4, 15)


def make_part(stores: str, origin: date = MONDAY) -> Forecast:
    series = pl.DataFrame([(s, f"K{k}") for s in stores for k in range(2)], schema=["store_code", "sku"], orient="row")
    n = series.height
    mean = np.array([[ord(s) + k] for s in stores for k in range(2)], dtype=float)
    return Forecast(origin, series, mean, np.ones(n), np.ones(n), None, np.full(n, "structural"))


def test_a_store_is_never_split() -> None:
    catalog = pl.DataFrame({"store_code": ["A"] * 4 + ["B"] * 4 + ["C"] * 4 + ["D"] * 9})
    assert split_stores(catalog, 8) == [["A", "B"], ["C"], ["D"]]


def test_groups_put_together_are_every_series_in_order() -> None:
    merged = merge_forecasts([make_part("BD"), make_part("AC")])
    assert merged.series["store_code"].to_list() == ["A", "A", "B", "B", "C", "C", "D", "D"]
    assert merged.mean[:, 0].tolist() == [65, 66, 66, 67, 67, 68, 68, 69]


def test_groups_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="two groups"):
        merge_forecasts([make_part("AB"), make_part("B")])
    with pytest.raises(ValueError, match="different weeks"):
        merge_forecasts([make_part("A"), make_part("B", date(2024, 4, 22))])
