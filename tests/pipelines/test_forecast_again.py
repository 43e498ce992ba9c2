"""A forecast is registered with what it was made from, has a card, and is made again, byte for byte."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from ims.failure import WrongInput
from models.forecast.registry import hash_frame
from pipelines.forecasting import forecast_again, list_models, read_model
from pipelines.frames import read_output
from pipelines.run import run
from warehouse.lake import connect

if TYPE_CHECKING:
    from tests.conftest import Installation
    from tests.pipelines.conftest import Load

DAY = dt.date(2024, 4, 15)


@pytest.mark.slow
def test_a_forecast_is_made_again_after_a_later_one(installation: Installation, load: Load) -> None:
    where = (installation.databases, installation.settings)
    with pytest.raises(WrongInput, match="No forecast was made yet"):
        read_model(*where, None)
    load(installation.databases.operational, weeks=24)
    published = run(DAY)
    assert published.state == "published", published.message
    (first,) = list_models(*where).iter_rows(named=True)
    con = connect(*where, read_only=True)
    weekly = read_output(con, "forecast_weekly")
    con.close()
    assert weekly is not None
    assert run(DAY + dt.timedelta(days=1)).state == "published"
    assert list_models(*where)["version"].to_list()[1:] == [first["version"]]

    made = forecast_again(*where, first["version"])
    assert made.is_same
    assert hash_frame(made.weekly) == hash_frame(weekly) == first["forecast_hash"]
    assert hash_frame(weekly.with_columns(mean_qty=weekly["mean_qty"] + 1e-12)) != first["forecast_hash"]

    card = read_model(*where, first["version"])["card"]
    assert f"# Forecast {first['version']}" in card
    assert "to 2024-04-08" in card, "the last complete week it saw"
    with pytest.raises(WrongInput, match="No forecast '20200101-x' is registered"):
        forecast_again(*where, "20200101-x")
