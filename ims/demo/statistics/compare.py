"""Measures a generated chain and sets each figure beside its anchor. Reads anchors.toml; writes Markdown as text."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files

from ims.demo.statistics.deliveries import measure_deliveries
from ims.demo.statistics.demand import measure_demand
from ims.demo.statistics.shelves import measure_shelves
from ims.demo.story import Story

SHARES = (
    "stock-out", "fill", "reaction", "returned", "returned good", "shrinkage", "expired", "top fifth",
    "growth a year", "by store and week", "by week", "short lines", "refused units", "orders without a date",
    "lines on time and in full", "transferred units received good",
)  # fmt: skip


@dataclass(frozen=True)
class Anchor:
    """One figure: what is known of it (`anchor`, may be empty), and its band by profile, ends included."""

    section: str
    name: str
    anchor: str
    bands: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Section:
    """A table of the report."""

    title: str
    note: str
    anchors: list[Anchor]


def measure(story: Story) -> dict[str, float]:
    """Every figure by its name, `<what> / <of what>`."""
    world, history = story.world, story.history
    size = {
        "size / stores": float(len(world.stores.codes)),
        "size / stocked SKUs": float(len(world.catalogue.frame)),
        "size / pairs": float(world.pairs.is_shop.sum()),
        "size / order lines": float(len(story.lines)),
    }
    return size | measure_shelves(world, history) | measure_demand(world, history) | measure_deliveries(world, history)


def read_anchors() -> list[Section]:
    """The sections of anchors.toml, in file order."""
    table = tomllib.loads(files("ims.demo.statistics").joinpath("anchors.toml").read_text(encoding="utf-8"))
    return [
        Section(
            row["title"],
            row["note"].strip(),
            [
                Anchor(
                    row["title"],
                    name,
                    known["anchor"],
                    {key: (band[0], band[1]) for key, band in known.items() if key != "anchor"},
                )
                for name, known in row["rows"].items()
            ],
        )
        for row in table.values()
    ]


def find_strays(figures: dict[str, float], profile: str) -> list[str]:
    """A sentence for each figure outside its band for this profile (large has those of demo), or not measured."""
    key = "ci" if profile == "ci" else "demo"
    strays = []
    for section in read_anchors():
        for anchor in section.anchors:
            if key not in anchor.bands:
                continue
            low, high = anchor.bands[key]
            value = figures.get(anchor.name)
            if value is None or not low <= value <= high:
                shown = "not measured" if value is None else f"{value:.4g}"
                strays.append(f"{anchor.name} is {shown}, outside of {low}-{high}.")
    return strays


def write_tables(measured: dict[int, dict[str, float]]) -> str:
    """Markdown tables, one column per seed."""
    seeds = list(measured)
    lines = []
    for section in read_anchors():
        lines += [f"### {section.title}", "", section.note, ""]
        lines += ["| | anchor | " + " | ".join(f"seed {seed}" for seed in seeds) + " |"]
        lines += ["|" + "---|" * (len(seeds) + 2)]
        for anchor in section.anchors:
            values = " | ".join(_show(anchor.name, measured[seed].get(anchor.name)) for seed in seeds)
            lines.append(f"| {_name(anchor.name)} | {anchor.anchor} | {values} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _name(name: str) -> str:
    what, of = name.split(" / ")
    of = of.replace("_", " ")
    if what == "size":
        return of
    return what if of == "all" else f"{what.replace('_', ' ')}: {of}"


def _show(name: str, value: float | None) -> str:
    if value is None:
        return ""
    if name.startswith("size"):
        return f"{value:,.0f}"
    if name.split(" / ")[0] in SHARES:
        return f"{100 * value:.1f} %"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
