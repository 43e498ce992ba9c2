"""What is looked at after a release, an hour later and a day later: does a served IMS do what people need of it.

Asks it by HTTP, as anybody could, and reads its /metrics. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

Samples = Mapping[str, float]
MOST_FAILED = 0.001  # the service level: of a thousand requests one may fail by our fault
OLDEST_DAYS = 2
LEAST_FREE_BYTES = 5e9
PROBES = ("/health", "/ready", "/metrics")
KEPT_INSIDE = (404, 503)  # as our proxy says it, and an ingress whose service is nobody


@dataclass(frozen=True)
class Finding:
    """What one look found. `says` names what was seen."""

    name: str
    is_well: bool
    says: str


def look(client: httpx.Client, headers: Mapping[str, str] | None = None) -> list[Finding]:
    """Every look, in order; one that gets no answer says so and the others go on. `headers` are for /metrics alone."""

    def figures(client: httpx.Client) -> Iterator[Finding]:
        yield from _figures(client, headers or {})

    outside, inside = (_outside, _door, _stranger), (_alive, _ready, _door, _stranger, figures)
    return [finding for each in (outside if _is_outside(client) else inside) for finding in _seen(each, client)]


def _seen(each: Callable[[httpx.Client], Iterator[Finding]], client: httpx.Client) -> list[Finding]:
    import httpx

    try:
        return list(each(client))
    except httpx.HTTPError as error:
        return [Finding(each.__name__.strip("_"), False, f"no answer: {type(error).__name__}")]


def _is_outside(client: httpx.Client) -> bool:
    """Whether a door answers that keeps probes and figures to the inside: a page comes, a probe does not."""
    import httpx

    try:
        kept = all(client.get(path).status_code in KEPT_INSIDE for path in PROBES)
        return kept and client.get("/sign-in").status_code == 200
    except httpx.HTTPError:
        return False


def _outside(_: httpx.Client) -> Iterator[Finding]:
    yield Finding("probes", True, "kept inside by the door; ask a part itself for its figures")


def _alive(client: httpx.Client) -> Iterator[Finding]:
    answer = client.get("/health")
    yield Finding("alive", answer.status_code == 200, f"/health says {answer.status_code}")


def _ready(client: httpx.Client) -> Iterator[Finding]:
    answer = client.get("/ready")
    reasons = "; ".join(answer.json()["reasons"]) if answer.status_code in {200, 503} else f"{answer.status_code}"
    yield Finding("ready", answer.status_code == 200, reasons or "it serves what is published")


def _door(client: httpx.Client) -> Iterator[Finding]:
    answer = client.get("/sign-in")
    yield Finding("sign-in page", answer.status_code == 200 and "<form" in answer.text, f"it says {answer.status_code}")
    missing = [
        name
        for name in ("content-security-policy", "x-content-type-options", "referrer-policy")
        if name not in answer.headers
    ]
    yield Finding("security headers", not missing, f"missing: {', '.join(missing)}" if missing else "all there")


def _stranger(client: httpx.Client) -> Iterator[Finding]:
    status = client.get("/api/v1/stores").status_code
    # 404: this process serves no API
    yield Finding("strangers", status in {401, 404}, f"the API answers one without a name with {status}")


def _figures(client: httpx.Client, headers: Mapping[str, str]) -> Iterator[Finding]:
    answer = client.get("/metrics", headers=dict(headers))
    if answer.status_code != 200:
        yield Finding("metrics", False, f"/metrics says {answer.status_code}; it asks for a token or a certificate")
        return
    found = read_samples(answer.text)
    failed, asked = _count(found, status="5"), _count(found)
    share = failed / asked if asked else 0.0
    yield Finding("requests", share <= MOST_FAILED, f"{failed:,.0f} of {asked:,.0f} failed by a fault of ours")
    yield Finding("database", found.get("ims_database_up") == 1, "reached" if found.get("ims_database_up") else "away")
    given_up = found.get("ims_pool_timeouts_total", 0)
    yield Finding("connections", given_up == 0, f"{given_up:,.0f} requests got none")
    dead = found.get("ims_outbox_messages{state=dead}", 0)
    yield Finding("messages", dead == 0, f"{dead:,.0f} were given up")
    age = found.get("ims_published_data_age_days", 0)
    yield Finding("figures", age <= OLDEST_DAYS, f"as of {age:,.0f} days ago")
    ended = next((state for state in ("blocked", "failed") if found.get(f"ims_run_state{{state={state}}}")), None)
    yield Finding("newest run", ended is None, f"it was {ended}: `ims checks`" if ended else "it did not fail")
    free = found.get("ims_home_free_bytes", 0)
    yield Finding("disk", free >= LEAST_FREE_BYTES, f"{free / 1e9:,.0f} GB free")


def read_samples(text: str) -> dict[str, float]:
    """Every sample of a /metrics page, as `name{label=value}`."""
    from prometheus_client.parser import text_string_to_metric_families

    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def _count(found: Samples, status: str = "") -> float:
    """Requests answered, those whose status begins with `status`; probes are none, a 503 of theirs is their answer."""
    return sum(
        value
        for name, value in found.items()
        if name.startswith("ims_http_requests_total{")
        and f"status={status}" in name
        and not any(f"route={probe}," in name for probe in PROBES)
    )
