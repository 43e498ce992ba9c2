"""Words and measures for each SKU: style, colour, shape and size of a frame, power of a lens."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ims.demo.lifecycle import Lives
from ims.demo.parameters import Category, read_table


def describe(
    category: Category, tier: list[str], life: Lives, special: list[bool], rng: np.random.Generator
) -> list[dict[str, Any]]:
    """One dict per SKU that is no lens: `label` for the name, `swap` names what a customer takes in its place.

    The rest are its attributes. A contact lens that is made to order is toric.
    """
    n = len(tier)
    words = read_table("places")["attributes"]
    colour, shape, material = (rng.integers(0, len(words[w]), n) for w in ("colours", "shapes", "materials"))
    eye = np.clip(np.rint(rng.normal(51.5, 2.5, n)), 42, 60).astype(int)
    bridge = np.clip(np.rint(rng.normal(17.5, 1.5, n)), 14, 24).astype(int)
    temple = rng.choice([135, 140, 145, 150], n, p=[0.20, 0.45, 0.30, 0.05])
    power = -np.rint((0.5 + rng.gamma(1.25, 1.45, n)) * 4) / 4
    cyl = rng.choice([-0.75, -1.25, -1.75], n, p=[0.5, 0.35, 0.15])
    out: list[dict[str, Any]] = []
    for i in range(n):
        style = f"{category.prefix}{life.slot[i] + 101}"
        row: dict[str, Any] = {"style": style, "swap": f"{category.prefix} {tier[i]}"}
        if category.key in ("frames", "sunglasses"):
            tint = words["colours"][colour[i]]
            row |= {
                "colour": tint,
                "shape": words["shapes"][shape[i]],
                "material": words["materials"][material[i]],
            }
            row |= {"eye_mm": int(eye[i]), "bridge_mm": int(bridge[i]), "temple_mm": int(temple[i])}
            row["label"] = f"{style} {row['shape']} {tint} {eye[i]}-{bridge[i]}"
        elif category.key == "contact_lenses":
            row |= {"modality": tier[i], "power": float(power[i]), "base_curve": 8.6, "diameter": 14.2}
            row["label"] = f"{tier[i]} {power[i]:+.2f} {style}"
            if special[i]:
                row["cyl"] = float(cyl[i])
                row["label"] = f"{tier[i]} toric {power[i]:+.2f} {cyl[i]:+.2f} {style}"
            row["swap"] = f"{category.prefix} {tier[i]} {power[i]:+.2f} {row.get('cyl', 0.0):+.2f}"
        else:
            row["label"] = f"{tier[i]} {style}"
        out.append(row)
    return out


def describe_cells(category: Category, cells: pl.DataFrame, lines: pl.DataFrame) -> list[dict[str, Any]]:
    """The same for stock lenses, cell by cell and within a cell line by line; another line's lens of the same power
    takes its place."""
    out: list[dict[str, Any]] = []
    number = 0
    for sph, cyl, _ in cells.iter_rows():
        for line, _, tier, _ in lines.iter_rows():
            index, coating = tier.split()
            out.append(
                {
                    "style": f"{category.prefix}{number + 101}",
                    "line": line,
                    "index": float(index),
                    "coating": coating,
                    "sph": sph,
                    "cyl": cyl,
                    "label": f"{tier} {sph:+.2f} {cyl:+.2f}",
                    "swap": f"{category.prefix} {sph:+.2f} {cyl:+.2f}",
                }
            )
            number += 1
    return out
