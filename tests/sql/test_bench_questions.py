"""The questions of `ims bench warehouse` are ones that the metric engine answers."""

from __future__ import annotations

from ims.bench.dashboard import EVERYTHING, QUESTIONS, choose
from warehouse.metrics import query


def test_every_question_is_answered(shop):
    shop.order_line("2024-05-10", 2, 20)
    shop.stock("2024-05-01", 5)
    shop.build("2024-05-15")
    chosen = choose(shop.con)
    for metrics, by, where in QUESTIONS:
        found = query(shop.con, metrics, by, {name: chosen[name] for name in where}, scope=EVERYTHING)
        assert list(found.columns) == [*by, *metrics]
