"""What a load client is told and what it tells: plain data that travels as JSON between two processes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ims.bench.histogram import Histogram

FIELD = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Kind:
    """One kind of request. `{name}` in path and body is drawn from the pool of that name, `{key}` is always new.

    `takes` names a pool whose values are used up (an order is confirmed once): while it is empty, another kind is
    sent instead. `gives` maps a member of the answer to the pool that its value goes into; `makes` names members
    that the application makes up and that are new each time, as an order's number.
    """

    name: str
    weight: int
    method: str
    path: str
    users: Sequence[str]
    body: str | None = None
    status: Sequence[int] = (200,)
    takes: str | None = None
    gives: dict[str, str] = field(default_factory=dict)
    makes: Sequence[str] = ()

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.method != "GET" and "/search?" not in self.path

    @property
    def fields(self) -> list[str]:
        """The names in path and body."""
        return FIELD.findall(self.path + (self.body or ""))


@dataclass(frozen=True)
class Journey:
    """Kinds of which each takes what one before it gave: an order is made, confirmed, paid."""

    kinds: list[Kind]

    @property
    def weight(self) -> int:
        """How often it is made; each of its kinds as often."""
        return self.kinds[0].weight


def journeys(kinds: Sequence[Kind]) -> list[Journey]:
    """The kinds as journeys; raises ValueError where one is sent more often than what it takes is made."""
    found = [Journey([kind]) for kind in kinds if kind.takes is None]
    for kind in kinds:
        if kind.takes is not None:
            home = next(each for each in found if any(kind.takes in step.gives.values() for step in each.kinds))
            if kind.weight != home.weight:
                raise ValueError(f"{kind.name} has the weight {kind.weight}, what it takes {home.weight}")
            home.kinds.append(kind)
    return found


@dataclass(frozen=True)
class Plan:
    """A load: closed loop at `connections`, or open loop at `rate` a second, or `interval` seconds between a
    connection's requests (connections held, mostly idle). After its `seconds` an open loop sends what is due still, and
    every load waits for its answers, for `patience` seconds; what has none by then has failed."""

    host: str
    port: int
    kinds: Sequence[Kind]
    pools: dict[str, list[Any]]
    tokens: dict[str, str]  # by user
    connections: int
    seconds: float
    rate: float | None = None
    interval: float | None = None
    patience: float = 30.0
    seed: int = 1

    def to_json(self) -> str:
        """As one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read what `to_json` wrote."""
        given = json.loads(text)
        return cls(**{**given, "kinds": [Kind(**each) for each in given["kinds"]]})


@dataclass
class Outcome:
    """What a load found. `failures` counts answers of a status not expected, and words for what gave no answer."""

    seconds: float = 0.0
    latencies: dict[str, Histogram] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    held: int = 0  # connections open at once, at most
    late: float = 0.0  # seconds by which the open loop could not keep its rate, at most
    client_cpu_seconds: float = 0.0

    @property
    def requests(self) -> int:
        """Requests answered as expected."""
        return sum(each.total for each in self.latencies.values())

    @property
    def errors(self) -> int:
        """Everything else."""
        return sum(self.failures.values())

    @property
    def all(self) -> Histogram:
        """Latencies of all kinds together."""
        together = Histogram()
        for each in self.latencies.values():
            together.merge(each)
        return together

    def to_json(self) -> str:
        """As one line."""
        latencies = {name: each.counts for name, each in self.latencies.items()}
        return json.dumps({**vars(self), "latencies": latencies})

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        """Read what `to_json` wrote."""
        given = json.loads(text)
        latencies = {
            name: Histogram({int(bucket): count for bucket, count in counts.items()})
            for name, counts in given.pop("latencies").items()
        }
        return cls(latencies=latencies, **given)
