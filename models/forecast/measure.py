"""`python -m models.forecast.measure DIR --as-of DATE`: accuracy beside the baselines, on demand and catalog from DIR.

Reads DIR/demand.parquet and DIR/catalog.parquet (the frames of the pipeline), prints a table. Decides nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from models.forecast.evaluate import evaluate, summarise

HORIZON = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge rolling origins that end four weeks before the as-of day; 0 when done, 2 when DIR lacks a file."""
    parser = argparse.ArgumentParser(prog="python -m models.forecast.measure", description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True)
    parser.add_argument("--origins", type=int, default=3, help="how many, four weeks apart")
    given = parser.parse_args(arguments)
    paths = [given.folder / f"{name}.parquet" for name in ("demand", "catalog")]
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        print(f"no such file: {', '.join(missing)}", file=sys.stderr)
        return 2
    demand, catalog = (pl.read_parquet(path) for path in paths)
    origins = [given.as_of - timedelta(weeks=HORIZON * back) for back in range(given.origins, 0, -1)]
    table = summarise(evaluate(demand, catalog, origins, HORIZON))
    with pl.Config(tbl_cols=-1, tbl_width_chars=200, float_precision=4, tbl_hide_dataframe_shape=True):
        print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
