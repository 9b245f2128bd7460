"""An OTLP collector on the loopback address: keeps the spans that services send over HTTP as protobuf."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Span:
    """What one service recorded. ``parent`` is empty for the first of a trace."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    report_id: str
    failed: bool
    facts: dict[str, str]


@dataclass
class Collector:
    """``url`` is for OTEL_EXPORTER_OTLP_ENDPOINT."""

    url: str
    spans: dict[str, Span] = field(default_factory=dict)

    def of(self, report_id: str) -> list[Span]:
        """Everything in the trace in which ``report_id`` was received."""
        seen = list(self.spans.values())
        traces = {span.trace for span in seen if span.report_id == report_id and "report" in span.name}
        return [span for span in seen if span.trace in traces]

    def path(self, span: Span) -> list[str]:
        """From the beginning of its trace to ``span``, each with its service."""
        above = self.path(self.spans[span.parent]) if span.parent in self.spans else [span.parent] if span.parent else []
        return [*above, f"{span.service}: {span.name}"]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector until the end of the block."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            collector.spans |= {span.id: span for span in _spans(ExportTraceServiceRequest.FromString(body))}
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for sent in request.resource_spans:
        service = next(fact.value.string_value for fact in sent.resource.attributes if fact.key == "service.name")
        for scope in sent.scope_spans:
            for span in scope.spans:
                facts = {fact.key: fact.value.string_value or str(fact.value.int_value) for fact in span.attributes}
                yield Span(
                    service=service.removeprefix("hoiam-"),
                    name=span.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    report_id=facts.get("hoiam.report_id", ""),
                    failed=span.status.code == 2,
                    facts=facts,
                )
