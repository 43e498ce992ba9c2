"""The model card: what made a forecast, from what, how good it was in trials, and what it cannot know; as Markdown.

Reads a registry row and the forecast. Nothing in it is typed by hand but its words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from models.forecast.engine import Forecast

METHODS = {
    "boosted_blend": "gradient boosting over all series, blended with level × season",
    "structural": "decayed in-stock level × season by hierarchy",
    "mean_13_season": "mean of 13 in-stock weeks × season",
    "decayed_mean": "decayed in-stock mean, flat",
    "mean_52": "in-stock mean of a year, flat",
    "short_history_mean": "the chain is younger than 10 weeks: a shrunk mean",
    "borrowed_from_category": "under 2 weeks on the shelf: its sku elsewhere, its category, its store's size",
    "inherited_demand": "a successor with under 13 weeks on the shelf: the demand of the item it replaces",
    "no_sales_yet": "under 13 weeks on the shelf, nothing sold: the same, shrunk towards 0",
    "discontinued": "the last week of sale has passed: 0",
}


def write_card(row: Mapping[str, object], forecast: Forecast) -> str:
    """Markdown of one version."""
    return "\n".join(_lines(row, forecast)) + "\n"


def _lines(row: Mapping[str, object], forecast: Forecast) -> Iterator[str]:
    metrics = json.loads(str(row["metrics"]))
    yield f"# Forecast {row['version']}\n"
    yield (
        f"Weekly demand of {row['series_count']:,} series, {row['horizon_weeks']} weeks from {row['as_of']}, as a mean "
        "and 19 quantiles; paths of weeks share a shock. For orders and stock; not for single customers.\n"
    )
    yield "## Made from\n"
    span = f"{row['trained_from_on']} to {row['trained_until_on']}"
    yield f"- Complete weeks from {span}, {row['observed_weeks']:,} of them on the shelf."
    yield f"- Snapshot {row['snapshot_id']} of the lake; code {row['code_version']}; features {row['features_hash']}."
    said = str(row["forecast_hash"])[:16]
    yield f"- Made again by `ims forecast again {row['version']}`: the same bytes ({said}…).\n"
    yield "## Who forecasts what\n"
    yield "| method | rows | what it is |"
    yield "|---|---|---|"
    for name, rows in metrics["rows_by_method"].items():
        yield f"| `{name}` | {rows:,} | {METHODS.get(name, '')} |"
    if forecast.champions is not None and forecast.champions.height:
        yield "\n## Trials\n"
        yield "Pinball loss a run of three weeks that no method had seen: of the weeks, and of their sum.\n"
        yield "| segment | champion | loss | next best | its loss | trials | why |"
        yield "|---|---|---|---|---|---|---|"
        for each in forecast.champions.iter_rows(named=True):
            yield (
                f"| {each['segment']} | `{each['champion']}` | {each['champion_loss']:.3f} | `{each['rival']}` | "
                f"{each['rival_loss']:.3f} | {each['origins']} | {each['reason']} |"
            )
    yield "\n## What it cannot know\n"
    yield "- A promotion, price or opening that nobody has told the chain's records."
    yield "- Demand that an empty shelf hid beyond the weeks before and after: it is estimated, never seen."
    yield "- A shock common to all items: single months err together, by up to a tenth."
    yield "\n## Settings\n"
    yield f"    {row['parameters']}"
