"""The passport of what is served: read from PostgreSQL on every rerun, so that going back shows at once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from api.services.publication import select_passport


@dataclass(frozen=True)
class Passport:
    """Which publication is shown, of which data, and what its checks said."""

    publication_id: int
    snapshot_id: int
    run_id: str
    as_of: dt.date
    data_as_of: dt.date
    checks: dict[str, Any]
    metric_version: str
    notes: list[str]
    published_at: dt.datetime
    chain: str
    currency: str
    timezone: str
    sales_grain: str

    @property
    def age_days(self) -> int:
        """Days from the data's as-of to today in the chain's timezone; never negative."""
        return max((self.today - self.data_as_of).days, 0)

    @property
    def today(self) -> dt.date:
        """The day it is where the chain is."""
        return dt.datetime.now(ZoneInfo(self.timezone)).date()


def read_passport(engine: Engine) -> Passport | None:
    """The served publication's passport; None before the first."""
    with engine.connect() as connection:
        row = connection.execute(select_passport()).mappings().one_or_none()
    if row is None:
        return None
    return Passport(**{field.name: row[field.name] for field in fields(Passport)})
