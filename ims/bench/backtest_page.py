"""docs/backtest.md from the tables that `ims backtest` left in the lake of this IMS_HOME: no figure in it is typed.

`python -m ims.bench.backtest_page SLUG "Title of the chain"` rewrites that chain's part and its charts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from ims.bench.backtest_chart import draw_lines, draw_stacks
from models.backtest.edits import summarise_edits
from models.backtest.run import OWN, PLAUSIBLE, summarise_backtest
from models.backtest.tuning import BASELINE

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "backtest.md"
TABLES = ("backtest", "backtest_edits", "backtest_ablation", "backtest_lost_sales")
STARTS = {
    PLAUSIBLE: "From a plausible shelf: every policy begins each window with the same few weeks of demand",
    OWN: "From the chain's own shelf: what it had and had coming on that day, and what it then did",
}
Frames = dict[str, pl.DataFrame | None]


def read_tables() -> Frames:
    """The tables as the last backtest of this IMS_HOME left them; None where there is none."""
    from api.database import open_databases
    from ims.settings import get_settings
    from pipelines.frames import read_output
    from warehouse.lake import connect

    settings = get_settings()
    con = connect(open_databases(settings), settings, read_only=True)
    try:
        return {name: read_output(con, name) for name in TABLES}
    finally:
        con.close()


def section(slug: str, title: str, tables: Frames) -> Iterator[str]:
    """The lines of one chain's part, between its two marks."""
    frame = tables["backtest"]
    yield f"<!-- chain {slug} -->\n## {title}\n"
    if frame is not None and frame.height:
        scored = frame.filter("is_scored")
        days = sorted(scored["window_starts_on"].unique().to_list())
        yield f"{len(days)} windows scored, {days[0]} to {days[-1]}; history before {frame['as_of'][0]}.\n"
        for start in (PLAUSIBLE, OWN):
            if start in scored["starts_from"]:
                yield f"**{STARTS[start]}**\n"
                yield from _means(scored.filter(pl.col("starts_from") == start))
                yield from _windows(scored.filter(pl.col("starts_from") == start, pl.col("segment_by") == "all"))
        yield f"![Cost by window](charts/backtest-{slug}-windows.svg)\n"
        yield f"![Holding and shortage](charts/backtest-{slug}-costs.svg)\n"
        yield from _segments(scored.filter(pl.col("starts_from") == PLAUSIBLE))
    yield from _ablation(tables["backtest_ablation"])
    yield from _lost(tables["backtest_lost_sales"])
    yield from _edits(tables["backtest_edits"])
    yield f"<!-- end {slug} -->"


def draw_charts(slug: str, frame: pl.DataFrame) -> None:
    """The chain's two charts as files beside the page."""
    mine = frame.filter("is_scored", pl.col("segment_by") == "all", pl.col("starts_from") == PLAUSIBLE)
    mine = mine.filter(pl.col("policy") != "theory").sort("window_starts_on")
    labels = [day.strftime("%y-%m-%d") for day in mine["window_starts_on"].unique(maintain_order=True)]
    lines = {str(name[0]): rows["cost"].to_list() for name, rows in mine.group_by("policy", maintain_order=True)}
    lines = {name: values for name, values in lines.items() if len(values) == len(labels)}
    means = mine.group_by("policy", maintain_order=True).agg(pl.col("holding_cost", "shortage_cost").mean())
    folder = DOCS / "charts"
    folder.mkdir(exist_ok=True)
    (folder / f"backtest-{slug}-windows.svg").write_text(draw_lines("Cost by window", labels, lines), encoding="utf-8")
    stacks = {row[0]: (row[1], row[2]) for row in means.rows()}
    chart = draw_stacks("Mean of the windows: holding and shortage", stacks)
    (folder / f"backtest-{slug}-costs.svg").write_text(chart, encoding="utf-8")


def _means(scored: pl.DataFrame) -> Iterator[str]:
    yield (
        "| policy | cost | spread | of the tuned mean's | mean ratio | spread | won | holding | shortage | fill rate "
        "| weeks empty | stock, units | stock, money | lines |\n" + "|---" * 14 + "|"
    )
    means = summarise_backtest(scored)
    base = means.filter(pl.col("policy") == BASELINE)["cost"][0]
    for row in means.iter_rows(named=True):
        yield (
            f"| {row['policy']} | {row['cost']:,.0f} | {row['cost_spread']:,.0f} | {row['cost'] / base:.3f} "
            f"| {row['ratio']:.3f} "
            f"| {row['ratio_spread']:.3f} | {row['won']} of {row['windows']} | {row['holding_cost']:,.0f} "
            f"| {row['shortage_cost']:,.0f} | {row['fill_rate']:.3f} | {row['empty_share']:.3f} "
            f"| {row['stock_qty']:,.0f} | {row['stock_value']:,.0f} | {row['order_lines']:,.0f} |"
        )
    yield ""


def _windows(scored: pl.DataFrame) -> Iterator[str]:
    ours = scored.filter(pl.col("policy") == "ours").sort("window_starts_on")
    if ours.height:
        yield "Ours to the tuned mean, window by window: " + " ".join(f"{ratio:.3f}" for ratio in ours["ratio"]) + "\n"
        yield f"Set for the last window: {ours['setting'][-1]}.\n"


def _segments(scored: pl.DataFrame) -> Iterator[str]:
    ours = summarise_backtest(scored.filter(pl.col("policy") == "ours"), by=("segment_by", "segment"))
    if ours.is_empty():
        return
    yield "| segment of ours | cost | ratio | spread | won | fill rate | weeks empty | stock |"
    yield "|---|---|---|---|---|---|---|---|"
    largest = (
        ours.sort("segment_by", "cost", descending=[False, True]).group_by("segment_by", maintain_order=True).head(8)
    )
    for row in largest.iter_rows(named=True):
        fill = "" if row["fill_rate"] is None else f"{row['fill_rate']:.3f}"
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.3f} | {row['ratio_spread']:.3f}"
        yield (
            f"| {row['segment_by']} {row['segment']} | {row['cost']:,.0f} | {ratio or ' | '} "
            f"| {row['won']} of {row['windows']} | {fill} | {row['empty_share']:.3f} | {row['stock_qty']:,.0f} |"
        )
    yield ""


def _ablation(frame: pl.DataFrame | None) -> Iterator[str]:
    if frame is None or frame.is_empty():
        return
    yield f"**What each ingredient of ours buys**, over {frame['windows'][0]} windows, the rest tuned anew\n"
    yield "| without it | ratio | spread | won | buys |\n|---|---|---|---|---|"
    for row in frame.iter_rows(named=True):
        error = "" if row["buys_error"] is None else f" ± {row['buys_error']:.3f}"
        yield (
            f"| {row['variant']} | {row['ratio']:.3f} | {row['ratio_spread']:.3f} | {row['won']} of {row['windows']} "
            f"| {row['buys']:+.3f}{error} |"
        )
    yield ""


def _lost(frame: pl.DataFrame | None) -> Iterator[str]:
    if frame is None or frame.is_empty():
        return
    yield "**Lost sales of the last thirteen months**, estimated by `marts.fct_lost_sales` against the true ones\n"
    yield "| category | true, units | estimated | ratio |\n|---|---|---|---|"
    for row in frame.iter_rows(named=True):
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        yield f"| {row['category']} | {row['true_lost_qty']:,.0f} | {row['estimated_lost_qty']:,.0f} | {ratio} |"
    yield ""


def _edits(frame: pl.DataFrame | None) -> Iterator[str]:
    if frame is None or frame.is_empty():
        return
    yield "**What people's decisions were worth** against the suggested quantities, on the demand that came\n"
    yield "| state | decisions | units added | better | money saved |\n|---|---|---|---|---|"
    for row in summarise_edits(frame).iter_rows(named=True):
        yield (
            f"| {row['state']} | {row['decisions']} | {row['units_added']:+,} | {100 * row['better_share']:.0f} % "
            f"| {row['saved_cost']:+,.2f} |"
        )
    yield ""


def replace_section(page: str, slug: str, lines: str) -> str:
    """The page with the chain's part in the place of the one it had, or at its end."""
    begin, end = f"<!-- chain {slug} -->", f"<!-- end {slug} -->"
    before, found, rest = page.partition(begin)
    after = rest.partition(end)[2] if found else ""
    return before.rstrip() + "\n\n" + lines + (after.rstrip() + "\n" if after.strip() else "\n")


def main(slug: str, title: str) -> None:
    """Rewrite the chain's part of the page, and its charts."""
    tables = read_tables()
    frame = tables["backtest"]
    if frame is not None and frame.height:
        draw_charts(slug, frame)
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(replace_section(page, slug, "\n".join(section(slug, title, tables))), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:3])
