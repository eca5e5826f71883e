"""A receiver of spans, which reads them by OpenTelemetry's own types."""

import gzip
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.loopback import Loopback


@dataclass(frozen=True)
class Span:
    """One that was received, ids in hex; `parent` is "" where it begins the trace."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    attributes: dict[str, str]
    failed: bool


class Collector(Loopback):
    """An OTLP/HTTP receiver."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        super().__init__(_handler(self.spans))


def _handler(spans: list[Span]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers["content-encoding"] == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                named = {a.key: a.value.string_value for a in resource.resource.attributes}
                for scope in resource.scope_spans:
                    for s in scope.spans:
                        attributes = {a.key: a.value.string_value for a in s.attributes}
                        ids = s.trace_id.hex(), s.span_id.hex(), s.parent_span_id.hex()
                        failed = s.status.code == 2
                        spans.append(Span(named["service.name"], s.name, s.kind, *ids, attributes, failed))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    return Handler
