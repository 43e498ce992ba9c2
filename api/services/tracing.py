"""OpenTelemetry traces, when an endpoint is set (`IMS_OTEL_ENDPOINT` or the standard variables); else nothing at all.

A span names the route, never the path, the query or a person: those hold what people type. Ready-made ASGI
instrumentation writes them all, so the span of a request is made here.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span
    from starlette.types import Scope

    from ims.settings import Settings

NOTHING: AbstractContextManager[None] = nullcontext()
FLUSH_SECONDS = 5
STANDARD_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class _Tracing:
    """The tracer of this process, if there is one."""

    provider: TracerProvider | None = None
    tracer: Any = None
    user_key = secrets.token_bytes(32)


def start_tracing(settings: Settings) -> bool:
    """Send spans to the endpoint that the settings or the standard variables name; False when none is named."""
    if settings.otel_endpoint is None and not any(os.environ.get(name) for name in STANDARD_VARIABLES):
        return False
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    endpoint = settings.otel_endpoint
    # without one here the exporter reads the standard variables itself
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None, timeout=FLUSH_SECONDS)
    resource = Resource.create({"service.name": "ims", "service.version": version("ims")})
    _Tracing.provider = TracerProvider(resource=resource)
    _Tracing.provider.add_span_processor(BatchSpanProcessor(exporter))
    _Tracing.tracer = _Tracing.provider.get_tracer("ims")
    if settings.secret_key is not None:
        secret = settings.secret_key.get_secret_value().encode()
        _Tracing.user_key = hashlib.sha256(b"ims user of a trace" + secret).digest()
    return True


def stop_tracing() -> None:
    """Send what is left, for a few seconds at most."""
    if _Tracing.provider is not None:
        _Tracing.provider.shutdown()
    _Tracing.provider = _Tracing.tracer = None


def span(name: str) -> AbstractContextManager[object]:
    """A step inside the request, as `with span("transaction"):`. Costs an attribute's look-up when tracing is off."""
    if _Tracing.tracer is None:
        return NOTHING
    # an error's text holds values: only its kind is kept, by whoever ends the request
    step: AbstractContextManager[object] = _Tracing.tracer.start_as_current_span(
        name, record_exception=False, set_status_on_exception=False
    )
    return step


def request_span(scope: Scope) -> AbstractContextManager[Span | None]:
    """The span of a whole request, continuing the trace its `traceparent` header names."""
    if _Tracing.tracer is None:
        return NOTHING
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    whole: AbstractContextManager[Span] = _Tracing.tracer.start_as_current_span(
        scope["method"],
        context=TraceContextTextMapPropagator().extract(headers),
        kind=SpanKind.SERVER,
        record_exception=False,
        set_status_on_exception=False,
    )
    return whole


def describe_request(span: Span, method: str, route: str, status: int, user_id: int | None) -> None:
    """Name the span by its route; a user only by a keyed hash of the number."""
    from opentelemetry.trace import StatusCode

    span.update_name(f"{method} {route}")
    span.set_attributes({"http.request.method": method, "http.route": route, "http.response.status_code": status})
    if user_id is not None:
        span.set_attribute("enduser.pseudo.id", pseudonym(user_id))
    if status >= 500:
        span.set_status(StatusCode.ERROR)


def pseudonym(user_id: int) -> str:
    """A user in traces: the same within one IMS_SECRET_KEY, else within one process."""
    return hashlib.blake2b(str(user_id).encode(), digest_size=8, key=_Tracing.user_key).hexdigest()


def trace_id() -> str | None:
    """The trace that is at work, as W3C writes it."""
    if _Tracing.tracer is None:
        return None
    from opentelemetry.trace import get_current_span

    context = get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None
