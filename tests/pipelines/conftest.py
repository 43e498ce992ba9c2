"""A chain of two stores and four products, small enough to run the whole job on in seconds."""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.imports.folder import import_folder
from ims.settings import get_settings

AS_OF = dt.date(2024, 4, 15)
STORES = ("S1", "S2")
SKUS = ("A", "B", "C", "D")
CHAIN = 'name = "Tiny"\ncurrency = "EUR"\ntimezone = "Europe/Berlin"\nas_of = {as_of}\n'
Load = Callable[..., Path]


def write_csv(path: Path, columns: str, rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns.split(","))
        writer.writerows(rows)


def write_chain(folder: Path, as_of: dt.date = AS_OF, weeks: int = 10, with_supply: bool = True) -> Path:
    """The folder of a chain whose stock is low, so that there is something to order."""
    folder.mkdir(parents=True)
    draw = random.Random(7)
    pairs = [(store, sku) for store in STORES for sku in SKUS]
    days = [as_of - dt.timedelta(days=back) for back in range(7 * weeks, 0, -1)]
    sold = [(day, *pair, 1, 10) for day in days for pair in pairs if draw.random() < 0.4]
    (folder / "chain.toml").write_text(CHAIN.format(as_of=as_of))
    write_csv(folder / "stores.csv", "store_code,name", [(store, store) for store in STORES])
    products = [(sku, sku, "frames", 10, 4) for sku in SKUS]
    write_csv(folder / "products.csv", "sku,name,category,unit_price,unit_cost", products)
    write_csv(folder / "sales.csv", "sold_on,store_code,sku,quantity,net_amount", sold)
    if with_supply:
        write_csv(folder / "vendors.csv", "vendor_code,name", [("V", "Vendor")])
        terms = [(sku, "V", 7, 7) for sku in SKUS]
        write_csv(folder / "supply.csv", "sku,vendor_code,lead_time_days,review_period_days", terms)
        stock = [(as_of, *pair, 2) for pair in pairs]
        write_csv(folder / "stock.csv", "as_of,store_code,sku,on_hand", stock)
    return folder


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where a module without an installation of its own keeps keys."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMS_HOME", str(tmp_path_factory.mktemp("home")))
        get_settings.cache_clear()
        yield get_settings().home
    get_settings.cache_clear()


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write a tiny chain and import it into a database: `load(url, name, **options)`."""

    def write_and_import(url: str, name: str = "chain", **options: object) -> Path:
        folder = write_chain(tmp_path / name, **options)
        import_folder(folder, url)
        return folder

    return write_and_import
