"""The queries that `ims bench queries` times, by sort: the reads of the API, and sums over a store's days."""

from __future__ import annotations

from dataclasses import dataclass

from ims.bench.mix import ADMIN, BUYER, MANAGER, STAFF
from ims.bench.plan import Kind

LIMITS_MS = {"simple": 10, "join": 50, "sum": 100, "search": 150}


@dataclass(frozen=True)
class Question:
    """A read of the API whose statements are timed, as each of its users."""

    sort: str
    kind: Kind


def _get(sort: str, name: str, path: str, *users: str) -> Question:
    return Question(sort, Kind(name, 1, "GET", f"/api/v1{path}", users))


def _find(name: str, words: str) -> Question:
    path, body = "/api/v1/customers/search?limit=50", f'{{"q":"{{{words}}}"}}'
    return Question("search", Kind(name, 1, "POST", path, (ADMIN, MANAGER), body))


QUESTIONS = (
    _get("simple", "a store", "/stores/{shop}", ADMIN, MANAGER),
    _get("simple", "a customer", "/customers/{shop_customer}", ADMIN, MANAGER),
    _get("simple", "payments of an order", "/orders/{shop_order}/payments", ADMIN, MANAGER),
    _get("simple", "a move of the ledger", "/stock/moves/{shop_move}", ADMIN, MANAGER),
    _get("join", "an order with lines and payments", "/orders/{shop_order}", ADMIN, MANAGER),
    _get("join", "orders in reach", "/orders", ADMIN, MANAGER, STAFF),
    _get("join", "orders of a store", "/orders?store_id={shop}", ADMIN, MANAGER),
    _get("join", "open orders of a store", "/orders?store_id={shop}&status=confirmed", ADMIN, MANAGER),
    _get("join", "orders of a customer", "/orders?customer_id={shop_customer}", ADMIN, MANAGER),
    _get("join", "orders of a store in a week", "/orders?store_id={shop}&{week}", ADMIN, MANAGER),
    _get("join", "an order by its number", "/orders?q={order_number}", ADMIN, MANAGER),
    _get("join", "customers of a store", "/customers?store_id={shop}", ADMIN, MANAGER),
    _get("join", "customers in reach", "/customers", ADMIN, MANAGER),
    _get("join", "household of a customer", "/customers/{shop_customer}/patients", ADMIN, MANAGER),
    _get("join", "products of a category", "/products?category={category}", BUYER, MANAGER),
    _get("join", "prices of a product", "/products/{product}/prices", BUYER, MANAGER),
    _get("join", "moves of a product in a store", "/stock/moves?store_id={shop}&product_id={product}", BUYER, MANAGER),
    _get("join", "moves of a store", "/stock/moves?store_id={shop}", BUYER, MANAGER),
    _get("join", "stock levels of a store", "/stock/levels?store_id={shop}", BUYER, MANAGER),
    _get("sum", "a product with stock by store", "/products/{product}?with_stock=true", BUYER, MANAGER),
    _get("sum", "stock levels of a product", "/stock/levels?product_id={product}", BUYER, MANAGER),
    _get("sum", "levels of a store below a number", "/stock/levels?store_id={shop}&below=5", BUYER, MANAGER),
    _get("search", "products by words", "/products?q={product_words}", BUYER, MANAGER),
    _get("search", "products by a part", "/products?q={product_part}", BUYER, MANAGER),
    _find("customers by name or number", "customer_words"),
    _find("customers by a part", "customer_part"),
)

# what no route asks yet in one statement, but a till's closing and a review of sales will
SUMS = {
    "takings of a store by day and method, 31 days": """
        SELECT p.received_at::date AS taken_on, p.method, count(*), sum(p.amount)
          FROM sales_orders o JOIN payments p USING (sales_order_id)
         WHERE o.store_id = %(shop)s AND o.ordered_on >= %(from_on)s::date
           AND o.ordered_on < %(from_on)s::date + 31
         GROUP BY 1, 2""",
    "units and amount of a product by store, 92 days": """
        SELECT o.store_id, sum(l.quantity), sum(l.net_amount)
          FROM sales_order_lines l
          JOIN sales_orders o ON o.sales_order_id = l.sales_order_id AND o.ordered_on = l.ordered_on
         WHERE l.product_id = %(product)s AND l.sold_on >= %(from_on)s::date AND l.sold_on < %(from_on)s::date + 92
           AND l.ordered_on >= %(from_on)s::date AND l.ordered_on < %(from_on)s::date + 92
         GROUP BY 1""",
}
