"""The mixed load: four reads to one write, by people of several roles, over the routes that a working day uses.

Weights are shares of 1,000. A write that needs what an earlier one made takes it from that one's answers.
"""

from __future__ import annotations

from typing import Any

from ims.bench.plan import Kind
from ims.bench.world import World

EVERYONE = ("bench-admin", "bench-buyer", "bench-manager", "bench-staff")
HEAD_OFFICE = ("bench-admin",)

KINDS = (
    Kind("list stores", 200, "GET", "/api/v1/stores?limit=20", EVERYONE),
    Kind("show store", 600, "GET", "/api/v1/stores/{store}", ("bench-admin", "bench-buyer")),
    Kind("change store", 200, "PATCH", "/api/v1/stores/{store}", HEAD_OFFICE, body='{"city":"City {key}"}'),
)


def pools(world: World, stores: dict[str, list[int]]) -> dict[str, list[Any]]:
    """What the requests draw from."""
    return {name: list(range(low, high + 1)) for name, (low, high) in world.ranges.items()} | {
        "managed_store": list(stores["bench-staff"])
    }
