"""The whole story of the chain, ready to be told: people, orders and the history, with the references files use."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ims.demo.clock import day_on
from ims.demo.customers import Customers, draw_customers
from ims.demo.history import History
from ims.demo.lines import CANCELLED, fill_lines
from ims.demo.luck import Luck
from ims.demo.made_to_order import MadeToOrder, read_made_to_order
from ims.demo.money import add_up, price_lines
from ims.demo.needs import draw_glasses, draw_needs
from ims.demo.orders import Orders, draw_orders
from ims.demo.people import People, draw_people
from ims.demo.prescribing import draw_findings
from ims.demo.prices import Prices, draw_prices
from ims.demo.returned import assign_returns
from ims.demo.staff import Staff, draw_staff
from ims.demo.standing import find_returned
from ims.demo.stores import WAREHOUSE_CODE
from ims.demo.wearers import Wearers, draw_wearers
from ims.demo.world import Progress, World, live


@dataclass(frozen=True)
class Story:
    """Frames carry keys and references: orders `order`, `store_code`, `order_ref`, customer and patient references;
    lines `sku` and `line_ref`; findings (tests and prescriptions) `rx` and `prescription_number`.
    """

    world: World
    history: History
    luck: Luck
    people: People
    wearers: Wearers
    to_order: MadeToOrder
    prices: Prices
    staff: Staff
    customers: Customers
    findings: pl.DataFrame
    orders: pl.DataFrame
    lines: pl.DataFrame
    jobs: pl.DataFrame
    returns: pl.DataFrame

    def code(self, column: str = "store") -> pl.Expr:
        """store_code of a column of store numbers; the warehouse comes after the last store."""
        codes = dict(enumerate([*self.world.stores.codes, WAREHOUSE_CODE]))
        return pl.col(column).replace_strict(codes, return_dtype=pl.String)

    def on(self, column: str) -> pl.Expr:
        """The date of a column of day indices."""
        return day_on(self.world.start, pl.col(column))


def tell_story(world: World, statement_days: list[int], progress: Progress | None = None) -> Story:
    """Draw the people, live the history with what they need, and find out who bought what."""
    luck = Luck(world.seed)
    people, wearers, to_order = draw_people(world), draw_wearers(world), read_made_to_order()
    glasses = draw_glasses(world, people, to_order)
    needs, meant = draw_needs(world, glasses, wearers)
    history = live(world, needs, progress, statement_days)
    lines = fill_lines(world, glasses, people.visits, meant, history, to_order)
    returns = assign_returns(lines, history)
    drawn = draw_orders(world, people, wearers, glasses, lines, returns)
    prices = draw_prices(world, to_order)
    priced = price_lines(world, prices, drawn.lines)
    customers = draw_customers(world, people, wearers, drawn.orders)
    staff = draw_staff(world)
    findings = draw_findings(world, luck, people, wearers, customers, staff, drawn.orders)
    prescriptions = findings.filter(pl.col("outcome") == "new_rx")
    orders = _refer(world, luck, drawn, priced, customers, staff, prescriptions)
    orders = orders.join(find_returned(drawn.lines, returns), on="order", how="left", maintain_order="left")
    keys = orders.select("order", "store_code", "order_ref", "prescription_number")
    names = dict(enumerate(prices.items["sku"]))
    jobs = drawn.jobs.join(keys, on="order", maintain_order="left")
    return Story(
        world=world,
        history=history,
        luck=luck,
        people=people,
        wearers=wearers,
        to_order=to_order,
        prices=prices,
        staff=staff,
        customers=customers,
        findings=findings,
        orders=orders,
        lines=priced.join(keys, on="order", maintain_order="left").with_columns(
            sku=pl.col("item").replace_strict(names, return_dtype=pl.String), line_ref=pl.col("line_no").cast(pl.String)
        ),
        jobs=jobs.with_columns(job_number=pl.format("J-{}-{}", "order_ref", "pair_group")),
        returns=returns,
    )


def _refer(
    world: World,
    luck: Luck,
    drawn: Orders,
    priced: pl.DataFrame,
    customers: Customers,
    staff: Staff,
    prescriptions: pl.DataFrame,
) -> pl.DataFrame:
    """Orders with amounts, their number of the day in the store, and the references of whom they are for."""
    orders = add_up(drawn.orders, priced).sort("store", "day", "confirmed_s", "order")
    codes = dict(enumerate(world.stores.codes))
    number = pl.int_range(1, pl.len() + 1).over("store", "day").cast(pl.String).str.zfill(3)
    on = day_on(world.start, pl.col("day")).dt.strftime("%y%m%d")
    code = pl.col("store").replace_strict(codes, return_dtype=pl.String)
    orders = orders.with_columns(store_code=code).with_columns(
        order_ref=pl.format("{}-{}-{}", "store_code", on, number)
    )
    orders = orders.join(customers.customers.select("customer", customer_code="code"), on="customer", how="left")
    orders = orders.join(customers.patients.select("patient", patient_ref="ref"), on="patient", how="left")
    given = prescriptions.select(visit="rx", prescription_number="prescription_number", prescribed_by="optometrist")
    orders = orders.join(given, on="visit", how="left")
    store, key = orders["store"].to_numpy(), orders["order"].to_numpy()
    return orders.with_columns(
        salesperson=staff.seller(luck, store, key),
        is_prescription=pl.col("prescription_number").is_not_null()
        & (pl.col("promised_day").is_not_null())
        & _has_eyes(),
        is_cancelled=pl.col("source") == CANCELLED,
    ).sort("day", "store", "order_ref")


def _has_eyes() -> pl.Expr:
    """Spectacles: their order, or the twin of it that came to nothing, has base source 0."""
    base = pl.when(pl.col("source") >= CANCELLED).then(pl.col("order") // 8 % 8).otherwise("source")
    return base == 0
