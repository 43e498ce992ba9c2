"""Files of what rarely changes: tax, categories, brands, companies, prices and costs over time, lenses and frames."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from ims.demo.days import Floats, Ints
from ims.demo.lifecycle import SEASONAL
from ims.demo.made_to_order import LAB_VENDORS
from ims.demo.parameters import read_table
from ims.demo.prices import CLASSES, HSN, RATES_AFTER, RATES_BEFORE, Paise
from ims.demo.records.orders import CITY_STATES
from ims.demo.records.rupees import rupees
from ims.demo.story import Story
from ims.demo.wearers import MODALITIES

KINDS = {"Frames": "frame", "Sunglasses": "sunglass", "Lenses": "lens", "Contact lenses": "contact_lens",
         "Solutions": "solution", "Accessories": "accessory", "Services": "service",
         "Eye tests": "eye_test"}  # fmt: skip
CLASS_NAMES = ["Spectacles, lenses and frames", "Standard rate", "Exempt"]
GST_SINCE = date(2017, 7, 1)
ENTITY = "DRISHVA"
MODALITY_NAMES = {"colour": "COLOR"}
NEW_DAYS = 90
MINIMUM_ORDER, WEEKDAYS = 15_000, "1 2 3 4 5 6"
OWN_BRANDS = ("Drishva", "Clarivane")


def tabulate_masters(story: Story) -> dict[str, pl.DataFrame]:
    """All of them; only a first folder needs them."""
    return {
        "legal_entities": pl.DataFrame(
            {"code": [ENTITY], "name": ["Drishva Opticians Private Limited"], "tax_number": ["DEMOP0000D"]}
        ),
        "legal_entity_registrations": _registrations(story),
        "tax_classes": pl.DataFrame({"code": CLASSES, "name": CLASS_NAMES}),
        "tax_rates": _tax_rates(story),
        "categories": _categories(story),
        "brands": _brands(story),
        "vendor_terms": _vendor_terms(story),
        "price_history": _price_history(story),
        "cost_history": _cost_history(story),
        "lens_lines": story.to_order.lens_lines,
        "product_frames": _frames(story),
        "product_contact_lenses": _contact_lenses(story),
    }


def complete_products(story: Story, products: pl.DataFrame) -> pl.DataFrame:
    """The `products` file with what is made to order, printed prices, tax and discount classes."""
    items, last = story.prices.items, story.world.days - 1
    number = np.arange(len(items))
    day = np.full(len(items), last)
    made = story.to_order.frame.select("sku", "name", "category", "subcategory", "brand").with_columns(
        is_never_reordered=pl.lit(value=True)
    )
    both = pl.concat([products, made], how="diagonal_relaxed")
    told = items.select("tax_class", "discount_class", "hsn_code").with_columns(
        unit_price=rupees(pl.lit(pl.Series(story.prices.price_on(number, day)))),
        unit_cost=rupees(pl.lit(pl.Series(story.prices.cost_on(number, day)))),
        mrp=rupees(pl.lit(pl.Series(story.prices.mrp_on(number, day)))),
        tax_rate=pl.Series(story.prices.rate_on(number, day) / 100).round(2),
    )
    both = both.with_columns(told.get_columns()).with_columns(pl.col("is_never_reordered").fill_null(value=False))
    return _describe_products(both, _stage(story))


def _stage(story: Story) -> pl.Expr:
    """Where in its life a product is at as_of."""
    kind = np.concatenate([lives.kind for lives in story.world.catalogue.lives])
    seasonal = story.world.catalogue.frame["sku"].filter(pl.Series(kind == SEASONAL))
    young = pl.col("launched_on") >= story.world.as_of - timedelta(days=NEW_DAYS)
    return (
        pl.when(pl.col("discontinued_on").is_not_null())
        .then(pl.lit("DISCONTINUED"))
        .when(young)
        .then(pl.lit("NEW"))
        .when(pl.col("sku").is_in(seasonal.implode()))
        .then(pl.lit("SEASONAL"))
        .otherwise(pl.lit("CORE"))
    )


def _describe_products(products: pl.DataFrame, stage: pl.Expr) -> pl.DataFrame:
    """What labels say: an EAN of the range for use inside a chain, style, colour and size; and where in life it is."""
    detail = pl.col("attributes").str.json_path_match
    twelve = pl.format("290{}", pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(9))
    weights = [1, 3] * 6
    sum_ = sum((pl.col("twelve").str.slice(i, 1).cast(pl.Int64) * w for i, w in enumerate(weights)), pl.lit(0))
    is_goods = pl.col("category").is_in(list(KINDS)[:6])
    measures = pl.format("{}-{}-{}", detail("$.eye_mm"), detail("$.bridge_mm"), detail("$.temple_mm"))
    return (
        products.with_columns(twelve=twelve)
        .with_columns(
            barcode=pl.when(is_goods).then(pl.format("{}{}", "twelve", (10 - sum_ % 10) % 10)),
            style_code=detail("$.style"),
            colour_name=detail("$.colour"),
            size_label=measures,
            lifecycle=stage,
        )
        .drop("twelve")
    )


def complete_stores(stores: pl.DataFrame, codes: list[str], sizes: Floats) -> pl.DataFrame:
    """The `stores` file with the company and the state of each, for tax, and how large it is."""
    states = pl.col("city").replace_strict(CITY_STATES, return_dtype=pl.String)
    area = {code: int(round(900 * size, -1)) for code, size in zip(codes, sizes, strict=True)}
    board = {code: int(round(600 * size**0.7, -1)) for code, size in zip(codes, sizes, strict=True)}
    return stores.with_columns(
        legal_entity=pl.lit(ENTITY),
        state_code=states,
        floor_area_sqft=pl.col("store_code").replace_strict(area, default=None, return_dtype=pl.Int64),
        frame_board_capacity=pl.col("store_code").replace_strict(board, default=None, return_dtype=pl.Int64),
    )


def complete_vendors(vendors: pl.DataFrame) -> pl.DataFrame:
    """The `vendors` file with the laboratories."""
    labs = pl.DataFrame({"vendor_code": list(LAB_VENDORS), "name": list(LAB_VENDORS.values())})
    return pl.concat([vendors, labs], how="diagonal_relaxed")


def _registrations(story: Story) -> pl.DataFrame:
    states = sorted({CITY_STATES[city] for city in story.world.stores.cities})
    return pl.DataFrame(
        {
            "legal_entity": [ENTITY] * len(states),
            "state_code": states,
            "registration": [f"{s}DEMOP0000D1Z5" for s in states],
            "valid_from_on": [GST_SINCE] * len(states),
        }
    )


def _tax_rates(story: Story) -> pl.DataFrame:
    cut_on: date = read_table("seasons")["tax_cut_on"]
    rows: list[tuple[str, float, date, date | None]] = []
    for code in CLASSES:
        before, after = RATES_BEFORE[code] / 100, RATES_AFTER[code] / 100
        if before == after:
            rows.append((code, before, GST_SINCE, None))
        else:
            rows += [(code, before, GST_SINCE, cut_on - timedelta(days=1)), (code, after, cut_on, None)]
    schema = {"tax_class": pl.String, "rate": pl.Float64, "valid_from_on": pl.Date, "valid_to_on": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _categories(story: Story) -> pl.DataFrame:
    items = story.prices.items.unique("category", keep="first", maintain_order=True)
    tax = dict(zip(items["category"], items["tax_class"], strict=True))
    return pl.DataFrame(
        [
            {"code": c, "name": c, "kind": k, "hsn_code": HSN[c], "tax_class": tax[c]}
            for c, k in KINDS.items()
            if c in tax
        ]
    )


def _brands(story: Story) -> pl.DataFrame:
    names = sorted({*story.world.catalogue.frame["brand"], *story.to_order.frame["brand"]})
    return pl.DataFrame({"name": names, "is_own": [n in OWN_BRANDS for n in names]})


def _vendor_terms(story: Story) -> pl.DataFrame:
    codes = sorted({*story.history.vendors, *LAB_VENDORS})
    asks = [MINIMUM_ORDER if c.startswith(("V-FR", "V-SG")) else None for c in codes]
    return pl.DataFrame(
        {"vendor_code": codes, "minimum_order_amount": asks, "order_weekdays": [WEEKDAYS] * len(codes),
         "valid_from_on": [story.world.start - timedelta(days=700)] * len(codes)},
        schema_overrides={"minimum_order_amount": pl.Int64},
    )  # fmt: skip


def _spans(story: Story, days: Ints, amounts: dict[str, Paise]) -> pl.DataFrame:
    """One row per item and span of equal amounts: sku, valid_from_on, valid_to_on and the amounts, in paise."""
    periods = [
        pl.DataFrame(
            {
                "item": np.arange(len(story.prices.items)),
                "from": np.full(len(story.prices.items), int(d)),
                **{n: a[:, p] for n, a in amounts.items()},
            }
        )
        for p, d in enumerate(days)
    ]
    rows = pl.concat(periods).sort("item", "from")
    changed = pl.any_horizontal(pl.col(n) != pl.col(n).shift(1).over("item") for n in amounts).fill_null(value=True)
    rows = rows.filter(changed).with_columns(until=pl.col("from").shift(-1).over("item") - 1)
    opened = pl.when(pl.col("from") < -1000).then(-1000).otherwise("from")
    rows = rows.with_columns(opened=opened)
    return rows.select(
        *amounts,
        sku=story.prices.items["sku"].gather(rows["item"]),
        valid_from_on=story.on("opened"),
        valid_to_on=story.on("until"),
    )


def _price_history(story: Story) -> pl.DataFrame:
    prices = story.prices
    spans = _spans(story, prices.price_days, {"unit_price": prices.unit_price, "mrp": prices.mrp})
    return spans.select("sku", "valid_from_on", "valid_to_on", unit_price=rupees("unit_price"), mrp=rupees("mrp"))


def _cost_history(story: Story) -> pl.DataFrame:
    spans = _spans(story, story.prices.cost_days, {"unit_cost": story.prices.unit_cost})
    return spans.select("sku", "valid_from_on", "valid_to_on", unit_cost=rupees("unit_cost"))


def _frames(story: Story) -> pl.DataFrame:
    frame = story.world.catalogue.frame.filter(pl.col("category").is_in(["Frames", "Sunglasses"]))
    detail = pl.col("attributes").str.json_path_match
    measures = {f"{m}_mm": detail(f"$.{m}_mm").cast(pl.Int64) for m in ("eye", "bridge", "temple")}
    rim = story.luck.choose("rim", np.arange(len(frame)), [0.7, 0.2, 0.1])
    return frame.select(
        "sku", **measures, shape=detail("$.shape"), rim=pl.Series(np.array(["full", "half", "rimless"])[rim]),
        material=detail("$.material"), tier="subcategory",
    )  # fmt: skip


def _contact_lenses(story: Story) -> pl.DataFrame:
    frame = story.world.catalogue.frame.filter(pl.col("category") == "Contact lenses")
    detail = pl.col("attributes").str.json_path_match
    modality = detail("$.modality")
    boxes = {m: kind.lenses_per_box for m, kind in MODALITIES.items()}
    return frame.select(
        "sku",
        series="brand",
        modality=modality.replace_strict(
            {m: MODALITY_NAMES.get(m, m.upper()) for m in MODALITIES}, return_dtype=pl.String
        ),
        base_curve_mm=detail("$.base_curve").cast(pl.Float64),
        diameter_mm=detail("$.diameter").cast(pl.Float64),
        sph=detail("$.power").cast(pl.Float64),
        lenses_per_box=modality.replace_strict(boxes, return_dtype=pl.Int64),
    )
