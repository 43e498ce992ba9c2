"""Words and measures for each SKU: style, colour, shape and size of a frame, power of a lens."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ims.demo.lifecycle import Lives
from ims.demo.parameters import Category, read_table


def describe(
    category: Category, tier: list[str], cells: pl.DataFrame | None, life: Lives, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """One dict per SKU: `label` for the name, the rest are its attributes."""
    n = len(tier)
    words = read_table("places")["attributes"]
    colour, shape, material = (rng.integers(0, len(words[w]), n) for w in ("colours", "shapes", "materials"))
    eye = np.clip(np.rint(rng.normal(51.5, 2.5, n)), 42, 60).astype(int)
    bridge = np.clip(np.rint(rng.normal(17.5, 1.5, n)), 14, 24).astype(int)
    temple = rng.choice([135, 140, 145, 150], n, p=[0.20, 0.45, 0.30, 0.05])
    power = -np.rint((0.5 + rng.gamma(1.25, 1.45, n)) * 4) / 4
    out: list[dict[str, Any]] = []
    for i in range(n):
        style = f"{category.prefix}{life.slot[i] + 101}"
        row: dict[str, Any] = {"style": style}
        if category.key in ("frames", "sunglasses"):
            tint = words["colours"][colour[i]]
            row |= {
                "colour": tint,
                "shape": words["shapes"][shape[i]],
                "material": words["materials"][material[i]],
            }
            row |= {"eye_mm": int(eye[i]), "bridge_mm": int(bridge[i]), "temple_mm": int(temple[i])}
            row["label"] = f"{style} {row['shape']} {tint} {eye[i]}-{bridge[i]}"
        elif cells is not None:
            lines = len(set(tier))
            sph, cyl = cells.row(i // lines)[:2]
            row = {"index": float(tier[i].split()[0]), "coating": tier[i].split()[1], "sph": sph, "cyl": cyl}
            row["label"] = f"{tier[i]} {sph:+.2f} {cyl:+.2f}"
        elif category.key == "contact_lenses":
            row |= {"modality": tier[i], "power": float(power[i]), "base_curve": 8.6, "diameter": 14.2}
            row["label"] = f"{tier[i]} {power[i]:+.2f} {style}"
        else:
            row["label"] = f"{tier[i]} {style}"
        out.append(row)
    return out
