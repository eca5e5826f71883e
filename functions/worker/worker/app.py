"""Puts the parts together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from worker import engines
from worker.callbacks import Callbacks
from worker.problems import Problem, RequestIds, answer_problem
from worker.routes import router
from worker.runner import Runner
from worker.scratch import Scratch
from worker.settings import Settings
from worker.signing import Signer

DRAIN_SECONDS = 5.0


def create_app(settings: Settings) -> FastAPI:
    """The worker as an ASGI application; its parts live from startup to shutdown."""
    signer = Signer(settings.callback_secrets)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # No proxies or credentials from the environment: callbacks go where the dispatch says.
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            scratch = Scratch(settings.data_dir)
            app.state.runner = runner = Runner(
                engines.load(settings),
                Callbacks(http, signer),
                http,
                scratch,
                queue_max=settings.queue_max,
                heartbeat=settings.heartbeat_seconds,
            )
            yield
            await runner.drain(DRAIN_SECONDS)
            scratch.close()

    app = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    app.state.settings, app.state.signer = settings, signer
    app.state.checks = asyncio.Semaphore(2)  # a decoded picture may have 160 MB
    app.add_middleware(RequestIds)
    app.add_exception_handler(Problem, answer_problem)
    app.add_exception_handler(HTTPException, answer_problem)
    app.include_router(router)
    return app
