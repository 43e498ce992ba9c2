"""Products without stock: lenses that a laboratory makes, services and eye tests. They follow the catalogue's SKUs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ims.demo.parameters import read_table

GROUPS = {"lenses": "Lenses", "services": "Services", "eye_tests": "Eye tests"}
RATE_NOW = {"lenses": 0.05, "services": 0.18, "eye_tests": 0.0}
LAB_VENDORS = {"V-LAB1": "Clarivane laboratory", "V-LAB2": "Netra lens laboratory"}
RANGES = {"sph_from": -16.0, "sph_to": 10.0, "cyl_from": -6.0, "cyl_to": 0.0}


@dataclass(frozen=True)
class MadeToOrder:
    """One row per product: sku, name, group, category, subcategory, brand, unit_price, unit_cost, class, weight."""

    frame: pl.DataFrame
    lens_lines: pl.DataFrame

    def rows_of(self, column: str, value: str) -> list[int]:
        """Row numbers of the products of a class or group."""
        return [i for i, v in enumerate(self.frame[column].to_list()) if v == value]


def read_made_to_order() -> MadeToOrder:
    """The products of `made_to_order.toml`; a lens costs what one lens of a pair costs."""
    rows, lines = [], []
    for group, entries in read_table("made_to_order").items():
        for entry in entries:
            net = np.round(entry["price"] / (1.0 + RATE_NOW[group]), 2)
            rows.append(
                {
                    "sku": entry["sku"],
                    "name": entry["name"],
                    "group": group,
                    "category": GROUPS[group],
                    "subcategory": entry.get("subcategory", GROUPS[group]),
                    "brand": "Clarivane" if group == "lenses" else "Drishva",
                    "unit_price": float(net),
                    "unit_cost": float(np.round(net * (1.0 - entry["margin"]), 2)),
                    "class": entry.get("class", group),
                    "weight": entry["weight"],
                }
            )
            if group == "lenses":
                lines.append(_line(entry))
    return MadeToOrder(pl.DataFrame(rows), pl.DataFrame(lines))


def _line(entry: dict[str, Any]) -> dict[str, Any]:
    """The row of `lens_lines`: the powers the laboratory makes."""
    near = entry["kind"] in ("BIFOCAL", "PROGRESSIVE")
    return {
        "sku": entry["sku"],
        "series": entry["name"].split(" 1.")[0],
        "refractive_index": entry["index"],
        "material": entry["material"],
        "kind": entry["kind"],
        "coatings": " ".join(entry["coatings"]),
        **RANGES,
        "add_from": 0.75 if near else None,
        "add_to": 3.5 if near else None,
        "step": 0.25,
    }
