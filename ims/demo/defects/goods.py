"""Defects of products and prices."""

from __future__ import annotations

import polars as pl

from ims.demo.defects.spoil import SET_ASIDE, Spoiled

ALIASES = {"Frames": "FRAMES", "Lenses": "RX_LENSES", "Sunglasses": "SUN GLASSES", "Contact lenses": "CONTACT-LENSES",
           "Solutions": "SOLUTION", "Accessories": "ACCESSORIES"}  # fmt: skip
PLACEHOLDERS = ["Test", "xxx", "Sample 2", "TBD"]


def spoil_goods(chain: Spoiled) -> None:
    """Barcodes, categories and names that somebody did not fill in; prices that do not fit together."""
    goods = chain.tables["products"].filter(pl.col("barcode").is_not_null())
    blank = chain.choose("blank_barcode", goods, 0.05).select("sku", barcode=pl.lit(None, dtype=pl.String))
    chain.put("products", "sku", blank)
    chain.note("blank_barcode", "products", blank["sku"], "raw.products.barcode_is_given")
    _spoil_categories(chain, goods)
    named = chain.choose("placeholder_name", goods, 0.01).with_row_index("n")
    names = pl.Series([PLACEHOLDERS[n % len(PLACEHOLDERS)] for n in named["n"]])
    chain.put("products", "sku", named.select("sku", name=names))
    chain.note("placeholder_name", "products", named["sku"], "raw.products.name_is_no_placeholder")
    shelved = goods.filter(~pl.col("is_never_reordered"))
    dear = chain.choose("cost_above_price", shelved, min(15, len(goods) // 20))
    chain.put("products", "sku", dear.select("sku", unit_cost=(pl.col("unit_price").cast(pl.Float64) * 1.2).round(2)))
    chain.note("cost_above_price", "products", dear["sku"], "raw.products.cost_is_below_price")
    high = chain.choose("price_above_mrp", chain.tables["price_history"], 3)
    high = high.select("sku", "valid_from_on", unit_price=(pl.col("mrp").cast(pl.Float64) * 1.1).round(2))
    chain.put("price_history", ["sku", "valid_from_on"], high)
    keys = high.select(pl.format("{} {}", "sku", "valid_from_on")).to_series()
    chain.note("price_above_mrp", "price_history", keys, "raw.import_quarantine.prices_fit_together", SET_ASIDE)


def _spoil_categories(chain: Spoiled, goods: pl.DataFrame) -> None:
    """Another spelling of the category, or none; both of different products."""
    alias = chain.choose("category_alias", goods, 0.02)
    chain.put("products", "sku", alias.select("sku", category=pl.col("category").replace_strict(ALIASES)))
    chain.note("category_alias", "products", alias["sku"], "raw.products.category_has_one_spelling")
    rest = goods.filter(~pl.col("sku").is_in(alias["sku"].implode()))
    blank = chain.choose("category_blank", rest, 0.002)
    chain.put("products", "sku", blank.select("sku", category=pl.lit(" ")))
    chain.note("category_blank", "products", blank["sku"], "raw.products.category_is_given")


def double_skus(chain: Spoiled) -> None:
    """Products that are there twice, once in small letters or with a space. What finds it stops the publication."""
    twice = chain.choose("duplicate_sku", chain.tables["products"].filter(pl.col("barcode").is_not_null()), 5)
    copies = twice.with_columns(sku=pl.col("sku").str.to_lowercase(), barcode=pl.lit(None, dtype=pl.String))
    chain.tables["products"] = pl.concat([chain.tables["products"], copies])
    for check in ("sku_is_unique_however_it_is_written", "barcode_is_given"):
        chain.note("duplicate_sku", "products", copies["sku"], f"raw.products.{check}")
