"""`python -m ims.bench.forecast.cases FOLDER AS_OF OUT`: what an optical chain pays for, drawn from one forecast.

A festival, a new store, a successor frame, a wave of contact-lens renewals, a lens grid; each beside what came after.
"""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ims.bench.forecast.chain import Chain, read_chain
from ims.bench.forecast.svg import BLUE, GREEN, GREY, INK, ORANGE, Line, draw_grids, draw_lines
from models.features.panel import ANY_DAY, Floats, Ints, Panel, build_panel
from models.features.renewals import index_renewals
from models.forecast.distribution import count_quantiles
from models.forecast.engine import Forecast, forecast

PAST, AHEAD = 110, 12
YOUNG, QUARTER = 8, 13


class Seen:
    """A forecast made at `as_of`, beside what its chain sold before and after."""

    def __init__(self, chain: Chain, as_of: date) -> None:
        self.chain = chain
        self.made: Forecast = forecast(chain.demand, chain.catalog, as_of, AHEAD, known=chain.known)
        self.panel: Panel = build_panel(chain.demand, chain.catalog, chain.as_of, ANY_DAY)
        self.origin = self.panel.index_of(as_of)
        self.catalog = self.panel.series.join(chain.catalog, on=["store_code", "sku"], maintain_order="left")

    def rows(self, *where: pl.Expr) -> Ints:
        """Rows of the series that a condition on the catalog holds for."""
        found = self.catalog.with_row_index("row").filter(*where)["row"]
        return found.to_numpy().astype(np.int64)

    def shelf(self, rows: Ints) -> Floats:
        """Share of each week ahead on the shelf (n, AHEAD): as it came, after that as in the last quarter it was sold.

        An empty shelf sells nothing, so that what came can be set beside what was expected of the days on it only.
        """
        seen = self.panel.weight[rows, max(self.origin - QUARTER, 0) : self.origin]
        begun = np.maximum.accumulate(seen > 0, axis=1).sum(axis=1)
        usual = np.where(begun > 0, seen.sum(axis=1) / np.maximum(begun, 1), 1.0)
        share = np.repeat(usual[:, None], AHEAD, axis=1)
        came = self.panel.weight[rows, self.origin : self.origin + AHEAD]
        share[:, : came.shape[1]] = came
        return share

    def compare(self) -> dict[str, tuple[float, float]]:
        """Category -> units expected for the days on the shelf of the weeks that have come, and units sold."""
        came = min(self.panel.n_weeks - self.origin, AHEAD)
        ahead = slice(self.origin, self.origin + came)
        found = {}
        for category in sorted(set(self.catalog["category"].drop_nulls())):
            rows = self.rows(pl.col("category") == category)
            expected = (self.made.mean[rows] * self.shelf(rows))[:, :came].sum()
            found[category] = float(expected), float((self.panel.demand * self.panel.weight)[rows, ahead].sum())
        return found

    def draw(
        self,
        title: str,
        rows: Ints,
        extra: list[Line] | None = None,
        marks: dict[int, str] | None = None,
        past: int = PAST,
    ) -> str:
        """Units of the rows a week: sold, expected, the band within which four of five weeks should lie."""
        first = max(self.origin - past, 0)
        last = min(self.origin + AHEAD, self.panel.n_weeks)
        columns = list(range(first, self.origin + AHEAD))
        sold = (self.panel.demand * self.panel.weight)[rows].sum(axis=0)
        expected = self.made.mean[rows] * self.shelf(rows)
        mean = expected.sum(axis=0)
        begins = int(np.argmax(sold > 0))
        apart = expected**2 * (self.made.shared + self.made.inner)[rows, None]
        variance = apart.sum(axis=0) + self.made.common * mean**2
        band = count_quantiles(mean, mean**2 / np.maximum(variance, 1e-9), np.array([0.1, 0.9]))
        low, high = ([*[None] * (self.origin - first), *band[:, side].tolist()] for side in (0, 1))
        lines = [
            Line("sold before", [float(sold[c]) if begins <= c < self.origin else None for c in columns], INK),
            Line(
                "expected on that shelf",
                [None if c < self.origin else float(mean[c - self.origin]) for c in columns],
                BLUE,
            ),
            Line("came", [float(sold[c]) if self.origin - 1 <= c < last else None for c in columns], ORANGE),
            *(extra or []),
        ]
        labels = [f"{self.panel.monday(c):%d %b %y}" for c in columns]
        told = {column - first: words for column, words in (marks or {}).items() if first <= column}
        return draw_lines(title, labels, lines, (low, high), told | {self.origin - first: "forecast made"})


def festival(seen: Seen) -> str:
    """Frames and sunglasses of the chain around a festival that moves."""
    days = seen.chain.known.festivals
    marks = {seen.panel.index_of(day): f"{name} {day:%d %b}" for name, day in days.iter_rows()}
    marks = {column: words for column, words in marks.items() if column < seen.origin + AHEAD}
    rows = seen.rows(pl.col("category").is_in(["Frames", "Sunglasses"]))
    return seen.draw("A festival that moves: frames and sunglasses, units a week", rows, marks=marks)


def new_store(seen: Seen) -> str:
    """Everything sold by the store that opened last, as expected eight weeks after it opened."""
    opened = {
        code: int(np.argmax(seen.panel.weight[seen.rows(pl.col("store_code") == code)].sum(axis=0) > 0))
        for code in sorted(set(seen.catalog["store_code"]))
    }
    newest = max(opened, key=lambda code: (opened[code], code))
    early = Seen(seen.chain, min(seen.panel.monday(opened[newest] + YOUNG), seen.made.origin))
    rows = early.rows(pl.col("store_code") == newest)
    marks = {opened[newest]: "opened"}
    return early.draw(f"A new store: {newest}, units a week", rows, marks=marks, past=3 * YOUNG)


def successor(seen: Seen) -> str:
    """The styles of the last ten weeks that took another's place, over all stores, beside those they replaced."""
    links = seen.chain.known.predecessors.join(
        seen.chain.catalog.group_by("sku").agg(pl.col("launched_on").first()), on="sku"
    ).filter(pl.col("launched_on").is_between(seen.made.origin - timedelta(weeks=10), seen.made.origin))
    heirs, old = (seen.rows(pl.col("sku").is_in(links[name].to_list())) for name in ("sku", "predecessor"))
    before = (seen.panel.demand * seen.panel.weight)[old].sum(axis=0)
    first, last = max(seen.origin - PAST, 0), min(seen.origin + AHEAD, seen.panel.n_weeks)
    line = Line("those they replaced", before[first:last].tolist(), GREY, dash=True)
    mark = {seen.panel.index_of(day): "first launch" for day in [links["launched_on"].min()] if isinstance(day, date)}
    return seen.draw(f"Successors: {links.height} styles of the last ten weeks, units a week", heirs, [line], mark)


def renewals(seen: Seen) -> str:
    """Contact lenses of the chain, beside the boxes that were due as known when the forecast was made."""
    rows = seen.rows(pl.col("category") == "Contact lenses")
    index = index_renewals(seen.panel, seen.chain.known.renewals)
    first = max(seen.origin - PAST, 0)
    columns = range(first, seen.origin + AHEAD)
    due: list[float | None] = []
    for column in columns:
        known = np.full(len(rows), min(column, seen.origin))
        due.append(0.0 if index is None else float(index.due(rows, np.full(len(rows), column), known).sum()))
    line = Line("due, of boxes sold by then", due, GREEN, dash=True)
    return seen.draw("Contact-lens renewals: boxes a week", rows, [line])


def lens_grid(seen: Seen) -> str:
    """The line of stock lenses that sells most: what eyes need, what sold in a year, what is expected."""
    year = (seen.panel.demand * seen.panel.weight)[:, max(seen.origin - 52, 0) : seen.origin].sum(axis=1)
    told = seen.catalog.with_columns(sold=pl.Series(year), ahead=pl.Series(seen.made.mean.sum(axis=1)))
    rows = told.join(seen.chain.known.powers, on="sku")
    line = rows.group_by("lens_line").agg(pl.col("sold").sum()).sort("sold", "lens_line")["lens_line"][-1]
    cells = rows.filter(lens_line=line).group_by("sph", "cyl")
    summed = cells.agg(pl.col("sold").sum(), pl.col("ahead").sum(), pl.col("eyes_share").first())
    sph, cyl = sorted(set(summed["sph"]), reverse=True), sorted(set(summed["cyl"]), reverse=True)
    names = {"share of eyes": "eyes_share", "sold in a year": "sold", f"expected in {AHEAD} weeks": "ahead"}
    grids = {name: np.zeros((len(sph), len(cyl))) for name in names}
    for cell in summed.iter_rows(named=True):
        for name, column in names.items():
            grids[name][sph.index(cell["sph"]), cyl.index(cell["cyl"])] = cell[column] or 0.0
    return draw_grids(
        f"A lens grid: {line}, sphere down, cylinder across",
        [f"{s:+.2f}" for s in sph],
        [f"{c:.2f}" for c in cyl],
        {name: grid.tolist() for name, grid in grids.items()},
    )


CASES = {
    "festival": festival,
    "new-store": new_store,
    "successor": successor,
    "renewals": renewals,
    "lens-grid": lens_grid,
}


def draw_cases(chain: Chain, as_of: date, out: Path) -> None:
    """Write forecast-<case>.svg for every case to `out`, and print what came of the forecast by category."""
    seen = Seen(chain, as_of)
    for name, draw in CASES.items():
        (out / f"forecast-{name}.svg").write_text(draw(seen))
    told = seen.compare()
    for category, (expected, sold) in [
        *told.items(),
        ("all together", tuple(map(sum, zip(*told.values(), strict=True)))),
    ]:
        print(
            f"{category}: {expected:,.0f} expected on that shelf, {sold:,.0f} sold ({expected / max(sold, 1) - 1:+.1%})"
        )


if __name__ == "__main__":
    draw_cases(read_chain(Path(sys.argv[1])), date.fromisoformat(sys.argv[2]), Path(sys.argv[3]))
