"""Puts the parts together."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from worker.callbacks import Callbacks
from worker.host import COMMAND, EngineHost, State
from worker.job import Phase
from worker.metrics import Metrics
from worker.outbox import Outbox
from worker.problems import Problem, RequestIds, answer_problem
from worker.routes import router
from worker.runner import Runner
from worker.scratch import Scratch
from worker.settings import Settings
from worker.signing import Signer
from worker.tracing import Tracer


def create_app(settings: Settings, engine: Sequence[str] = COMMAND, tracer: Tracer | None = None) -> FastAPI:
    """The worker as an ASGI application; its parts live from startup to shutdown.

    `engine` is the command that serves the engine, see `worker.child`. Without a `tracer` nothing is traced.
    """
    signer, metrics = Signer(settings.callback_secrets), Metrics()
    tracer = tracer or Tracer()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # No proxies or credentials from the environment: callbacks go where the dispatch says.
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            callbacks = Callbacks(http, signer, tracer)
            outbox = Outbox(settings.data_dir, callbacks, on_outcome=metrics.callback)
            await outbox.open()
            host = EngineHost(
                settings,
                stage_timeout=settings.stage_timeout,
                recycle_after=settings.recycle_after,
                command=engine,
            )
            app.state.runner = runner = Runner(
                host,
                outbox,
                callbacks,
                http,
                Scratch(settings.data_dir),
                metrics,
                tracer,
                queue_max=settings.queue_max,
                heartbeat=settings.heartbeat_seconds,
            )
            _watch(metrics, runner)
            await host.start()
            await runner.resume()
            yield
            await runner.drain(settings.drain_timeout)
            await host.close()
            await outbox.close()
        await asyncio.to_thread(tracer.close)

    app = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False, telemetry=tracer.requests)
    app.state.settings, app.state.signer, app.state.metrics = settings, signer, metrics
    app.state.checks = asyncio.Semaphore(2)  # a decoded picture may have 160 MB
    app.add_middleware(RequestIds)
    app.add_exception_handler(Problem, answer_problem)
    app.add_exception_handler(HTTPException, answer_problem)
    app.include_router(router)
    return app


def _watch(metrics: Metrics, runner: Runner) -> None:
    """Lets the metrics ask the parts for their present state."""
    for phase in Phase:
        metrics.jobs(phase.value, lambda phase=phase: runner.queue.count(phase))  # type: ignore[misc]
    metrics.engine_restarts(runner.host.restarts)
    for state in State:
        metrics.engine(state.value, lambda state=state: runner.host.state is state)  # type: ignore[misc]
