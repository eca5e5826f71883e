"""Spans of what the worker does, in the trace that a dispatch came with (W3C Trace Context).

They are exported (OTLP/HTTP, in batches, by a thread of their own) where OTEL_EXPORTER_OTLP_ENDPOINT says
where to. Without it nothing of OpenTelemetry but its interfaces is loaded, no header is read or sent, and a
span costs next to nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fastapi.telemetry import TelemetryConfig
from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

EXPORT_SECONDS = 10
"""How long an export may be tried; then its spans are lost, and a line says so."""

_propagator = TraceContextTextMapPropagator()


class TracesUnavailable(Exception):
    """What exports them is not installed."""


class Tracer:
    """The worker's own: nothing global, so that a process may hold more than one worker."""

    def __init__(self, endpoint: str = "") -> None:
        """`endpoint` is only asked whether there is one: the exporter reads the environment itself.

        Raises TracesUnavailable.
        """
        self._provider = _provider() if endpoint else None
        self._tracer = self._provider.get_tracer("worker") if self._provider else trace.NoOpTracer()

    @property
    def requests(self) -> TelemetryConfig:
        """How FastAPI traces requests. Metrics and logs are the worker's own."""
        return {
            "tracing": self._provider is not None,
            "tracer_provider": self._provider,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
            "exclude": lambda scope: not scope["path"].startswith("/generate3d"),  # probes, each some seconds
        }

    @contextmanager
    def span(
        self,
        name: str,
        parent: str,
        attributes: Mapping[str, str | int],
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> Iterator[Span]:
        """Work that belongs to `parent`, a traceparent ("": it begins a trace). An exception fails it."""
        came_from = _propagator.extract({"traceparent": parent}, context=context.Context())
        with self._tracer.start_as_current_span(
            name, context=came_from, kind=kind, attributes=attributes, record_exception=False
        ) as span:
            yield span

    def past(self, name: str, parent: Span, start_ns: int, end_ns: int) -> None:
        """Work that is over, as a child of `parent`. Times are in ns since 1970."""
        within = trace.set_span_in_context(parent, context.Context())
        self._tracer.start_span(name, context=within, start_time=start_ns).end(end_ns)

    def close(self) -> None:
        """Exports what is left, for a bounded time. Blocks."""
        if self._provider is not None:
            self._provider.shutdown()


def headers() -> dict[str, str]:
    """What a request says of the span that it is made in; nothing where traces are off."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return {"traceparent": carrier["traceparent"]} if "traceparent" in carrier else {}


def here() -> str:
    """The traceparent of the present span, to be kept; "" where traces are off."""
    return headers().get("traceparent", "")


def _provider() -> "TracerProvider":
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise TracesUnavailable(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, and what exports traces is not installed: "
            "pip install --require-hashes -r requirements-traces.txt"
        ) from error
    named = Resource({"service.name": "recon3d-worker"}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=named)
    # In seconds: this library reads OTEL_EXPORTER_OTLP_TIMEOUT as such, all others as milliseconds.
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=EXPORT_SECONDS)))
    return provider
