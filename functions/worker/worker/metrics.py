"""What `/metrics` tells Prometheus.

Gauges are set when they are asked for; counters and seconds are kept where things happen.
"""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from worker.process import Loss

__all__ = ["CONTENT_TYPE", "Metrics"]

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """The worker's own registry: nothing global, so that a process may hold more than one worker."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._jobs = Gauge("recon3d_worker_jobs", "Jobs by phase", ["phase"], registry=registry)
        self._up = Gauge(
            "recon3d_worker_engine_state", "1 for the engine's state", ["state"], registry=registry
        )
        self._outbox = Gauge(
            "recon3d_worker_outbox_messages", "Messages not sent", ["state"], registry=registry
        )
        self._stages = Histogram(
            "recon3d_worker_stage_seconds",
            "Seconds in a stage of the engine",
            ["engine", "stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._waits = Histogram(
            "recon3d_worker_queue_seconds",
            "Seconds from acceptance to the slot",
            buckets=_SECONDS,
            registry=registry,
        )
        self._ended = Counter("recon3d_worker_jobs_ended", "Jobs by outcome", ["outcome"], registry=registry)
        self._callbacks = Counter(
            "recon3d_worker_callbacks",
            "Callbacks by kind and outcome",
            ["kind", "outcome"],
            registry=registry,
        )

    def jobs(self, phase: str, count: Callable[[], float]) -> None:
        """Asks `count` for the jobs in this phase."""
        self._jobs.labels(phase).set_function(count)

    def outbox(self, *, pending: int, dead: int) -> None:
        """How many messages wait in the outbox."""
        self._outbox.labels("pending").set(pending)
        self._outbox.labels("dead").set(dead)

    def engine(self, state: str, is_so: Callable[[], float]) -> None:
        """Asks `is_so` for 1 while the engine is in this state, else 0."""
        self._up.labels(state).set_function(is_so)

    def stage(self, engine: str, stage: str, seconds: float) -> None:
        """A stage has ended."""
        self._stages.labels(engine, stage).observe(seconds)

    def waited(self, seconds: float) -> None:
        """A job got the slot."""
        self._waits.observe(seconds)

    def ended(self, outcome: str) -> None:
        """A job was computed, failed, rejected, released or stopped."""
        self._ended.labels(outcome).inc()

    def callback(self, kind: str, outcome: str) -> None:
        """A callback had an answer, or none."""
        self._callbacks.labels(kind, outcome).inc()

    def engine_restarts(self, by_reason: Mapping[Loss, int]) -> None:
        """Reads the counts of replaced engine processes from there."""
        self._registry.register(_Restarts(by_reason))

    def text(self) -> bytes:
        """The exposition."""
        return generate_latest(self._registry)


class _Restarts(Collector):
    """A counter that is kept elsewhere."""

    def __init__(self, by_reason: Mapping[Loss, int]) -> None:
        self._by_reason = by_reason

    def collect(self) -> Iterator[CounterMetricFamily]:
        """One sample for each reason there was."""
        family = CounterMetricFamily(
            "recon3d_worker_engine_replaced", "Engine processes given up", labels=["reason"]
        )
        for reason, count in self._by_reason.items():
            family.add_metric([reason], count)
        yield family
