"""The mixed load: four reads to one write, by people of several roles, over the routes that a working day uses.

Weights are shares of 1,000. A write that needs what an earlier one made takes it from that one's answers.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import psycopg

from ims.bench.plan import Kind
from ims.bench.world import World

ADMIN, BUYER, MANAGER, STAFF = ("bench-admin", "bench-buyer", "bench-manager", "bench-staff")
LINES = '[{"product_id":{product},"quantity":1},{"product_id":{other_product},"quantity":2}]'
DRAFT = '{"store_id":{shop},"customer_id":{shop_customer},"lines":' + LINES + "}"
READS = (
    Kind("orders of a store", 110, "GET", "/api/v1/orders?store_id={shop}&limit=20", (ADMIN, MANAGER)),
    Kind("own orders", 60, "GET", "/api/v1/orders?limit=20", (STAFF,)),
    Kind("an order", 210, "GET", "/api/v1/orders/{shop_order}", (ADMIN, MANAGER)),
    Kind("payments of an order", 40, "GET", "/api/v1/orders/{shop_order}/payments", (ADMIN, MANAGER)),
    Kind("a product with stock", 130, "GET", "/api/v1/products/{product}?with_stock=true", (BUYER, MANAGER, STAFF)),
    Kind("products of a category", 40, "GET", "/api/v1/products?category={category}&limit=20", (BUYER, STAFF)),
    Kind("search of products", 50, "GET", "/api/v1/products?q={product_words}&limit=20", (BUYER, MANAGER, STAFF)),
    Kind("a customer", 80, "GET", "/api/v1/customers/{shop_customer}", (ADMIN, MANAGER, STAFF)),
    Kind("orders of a customer", 30, "GET", "/api/v1/orders?customer_id={shop_customer}&limit=20", (ADMIN, MANAGER)),
    Kind(
        "search of customers",
        30,
        "POST",
        "/api/v1/customers/search?limit=20",
        (ADMIN, MANAGER, STAFF),
        '{"q":"{customer_words}"}',
    ),
    Kind("stores", 20, "GET", "/api/v1/stores?limit=20", (ADMIN, BUYER, MANAGER, STAFF)),
)
WRITES = (
    Kind(
        "draft an order",
        50,
        "POST",
        "/api/v1/orders",
        (MANAGER,),
        DRAFT,
        (201,),
        gives={"sales_order_id": "draft"},
        makes=("order_number",),
    ),
    Kind(
        "confirm an order",
        50,
        "POST",
        "/api/v1/orders/{draft}/confirm",
        (MANAGER,),
        takes="draft",
        gives={"sales_order_id": "confirmed"},
    ),
    Kind(
        "take a payment",
        50,
        "POST",
        "/api/v1/orders/{confirmed}/payments",
        (MANAGER,),
        '{"method":"upi","amount":"1.00","reference":"B-{key}"}',
        (201,),
        takes="confirmed",
    ),
    Kind(
        "change a customer", 30, "PATCH", "/api/v1/customers/{shop_customer}", (ADMIN, MANAGER), '{"city":"City {key}"}'
    ),
    Kind("change a product", 20, "PATCH", "/api/v1/products/{product}", (ADMIN,), '{"colour_name":"Colour {key}"}'),
)
KINDS = READS + WRITES

ORDERS = "SELECT sales_order_id FROM sales_orders WHERE store_id = ANY(%s) ORDER BY 1 DESC LIMIT 20000"
CUSTOMERS = "SELECT customer_id, full_name, right(mobile, 8) FROM customers WHERE home_store_id = ANY(%s) LIMIT 20000"
PRODUCTS = "SELECT brand, name, sku FROM products ORDER BY random() LIMIT 500"


def in_json(text: str) -> str:
    """The text as it stands between the quotes of a body."""
    return json.dumps(text)[1:-1]


def pools(url: str, world: World, stores: dict[str, list[int]]) -> dict[str, list[Any]]:
    """What the requests draw from; a shop is a store that all the people work for."""
    shops = stores[STAFF]
    ranges = {name: list(range(low, high + 1)) for name, (low, high) in world.ranges.items()}
    with psycopg.connect(url) as connection:
        orders = connection.execute(ORDERS, (shops,)).fetchall()
        customers = connection.execute(CUSTOMERS, (shops,)).fetchall()
        products = connection.execute(PRODUCTS).fetchall()
    return ranges | {
        "shop": list(shops),
        "shop_order": [row[0] for row in orders],
        "shop_customer": [row[0] for row in customers],
        "other_product": ranges["product"],
        "category": ["frames", "sunglasses", "solutions", "accessories"],
        "customer_words": [in_json(row[1 + number % 2]) for number, row in enumerate(customers)],
        "product_words": [
            quote((f"{brand} {name}", sku, brand)[number % 3]) for number, (brand, name, sku) in enumerate(products)
        ],
    }
