"""OpenTelemetry traces. Off until ``OTEL_EXPORTER_OTLP_ENDPOINT`` names a collector: nothing of the SDK is even imported then.

A trace goes on over outbox and bus in the ``traceparent`` of each envelope, whether anybody records it or not, and every log line about a
request or a message names it. Spans say which report and which message, never who reported or what.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shared.bus import Letter
from shared.envelope import CURRENT, TRACEPARENT, Envelope, new_trace

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, SpanKind, Tracer

QUIET = {"/healthz", "/readyz", "/metrics"}  # asked every few seconds, by machines
PATIENCE = 3  # seconds for one export: a collector that is away holds up nobody
Begin = Callable[..., list[Envelope]]

_tracer: "Tracer | None" = None


def start(service: str, endpoint: str) -> Callable[[], None]:
    """Record from now on, and send to the OTLP collector at ``endpoint``; what ends it. Does nothing for an empty ``endpoint``."""
    global _tracer
    if not endpoint:
        return lambda: None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: f"hoiam-{service}"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=PATIENCE)))
    _tracer = provider.get_tracer("hoiam")

    def stop() -> None:
        global _tracer
        _tracer = None
        provider.shutdown()

    return stop


@contextmanager
def request(scope: Any) -> Iterator[None]:
    """One HTTP request: part of its caller's trace, or of a new one. What is said or logged meanwhile belongs to it."""
    given = dict(scope["headers"]).get(b"traceparent", b"").decode("latin-1")
    known = given if TRACEPARENT.match(given) else ""
    span = _span_of_request(scope, known)
    token = CURRENT.set(_text(span) if span else known or new_trace())
    try:
        yield
    finally:
        CURRENT.reset(token)
        if span:
            _describe(span, scope)
            span.end()


@contextmanager
def transaction(service: str) -> Iterator[Begin]:
    """Gives what begins a span for each of its envelopes and returns them inside of those; all end with the transaction, alike."""
    if _tracer is None:
        yield lambda envelopes, **_: envelopes
        return
    spans: list[Span] = []

    def begin(envelopes: Sequence[Envelope], *, verb: str = "handle", is_root: bool = False) -> list[Envelope]:
        begun = [_span_of_message(envelope, service, verb, is_root) for envelope in envelopes]
        spans.extend(begun)
        return [replace(envelope, traceparent=_text(span)) for envelope, span in zip(envelopes, begun, strict=True)]

    try:
        yield begin
    except Exception as error:
        for span in spans:
            _fail(span, type(error).__name__)
        raise
    finally:
        for span in spans:
            span.end()


@contextmanager
def sending(letters: Sequence[Letter]) -> Iterator[Callable[[Sequence[str]], None]]:
    """Letters on their way to the bus together; gives what notes the verdict on each."""
    if _tracer is None:
        yield lambda _verdicts: None
        return
    from opentelemetry.trace import SpanKind

    names = (f"send {letter.type.removeprefix('vn.hoiam.').removesuffix('.v1')}" for letter in letters)
    facts = [{"messaging.destination.name": letter.exchange, "messaging.message.id": letter.message_id} for letter in letters]
    spans = [_started(n, letter.traceparent, SpanKind.PRODUCER, f) for n, letter, f in zip(names, letters, facts, strict=True)]

    def note(verdicts: Sequence[str]) -> None:
        for span, reason in zip(spans, verdicts, strict=True):
            if reason:
                _fail(span, reason)

    try:
        yield note
    except Exception as error:
        note([type(error).__name__] * len(spans))
        raise
    finally:
        for span in spans:
            span.end()


def trace_id(traceparent: str) -> str:
    """32 hexadecimal digits (W3C Trace Context, section 3.2.2.3)."""
    return traceparent[3:35]


def _span_of_request(scope: Any, known: str) -> "Span | None":
    if _tracer is None or scope["path"] in QUIET:
        return None
    from opentelemetry.trace import SpanKind

    return _started(scope["method"], known, SpanKind.SERVER, {"http.request.method": scope["method"]})


def _describe(span: "Span", scope: Any) -> None:
    """By the route's pattern: a path has tracking codes in it, and a query whatever somebody searched for."""
    route, status = scope["state"].get("route", f"{scope['method']} unknown"), scope["state"].get("answered", 500)
    span.update_name(route)
    span.set_attributes({"http.route": route.split(" ")[1], "http.response.status_code": status})
    if status >= 500:
        _fail(span, str(status))


def _span_of_message(envelope: Envelope, service: str, verb: str, is_root: bool) -> "Span":
    from opentelemetry.trace import SpanKind

    kind = SpanKind.INTERNAL if envelope.source == service else SpanKind.CONSUMER
    facts = {"hoiam.report_id": str(envelope.message.report_id), "messaging.message.id": str(envelope.id)}
    return _started(f"{verb} {envelope.message.topic}", "" if is_root else envelope.traceparent, kind, facts)


def _started(name: str, traceparent: str, kind: "SpanKind", facts: dict[str, Any]) -> "Span":
    assert _tracer
    return _tracer.start_span(name, context=_parent(traceparent), kind=kind, attributes=facts, start_time=time.time_ns())


def _parent(traceparent: str) -> "Context":
    """Empty for a span that begins a trace."""
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    if not traceparent:
        return Context()
    _, trace, span, flags = traceparent.split("-")
    context = SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
    return set_span_in_context(NonRecordingSpan(context), Context())


def _text(span: "Span") -> str:
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _fail(span: "Span", why: str) -> None:
    from opentelemetry.trace import StatusCode

    span.set_status(StatusCode.ERROR, why)
