"""The worker's calls: take a task, stop it, how are you, and in figures."""

import asyncio
import logging
import math
from dataclasses import replace
from typing import cast

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from worker import picture, tracing
from worker.dispatch import Dispatch, parse, read_body, read_form
from worker.engine import EngineUnavailable
from worker.host import State
from worker.job import Phase
from worker.metrics import CONTENT_TYPE, Metrics
from worker.outbox import OutboxUnavailable
from worker.problems import Problem
from worker.queue import QueueFull
from worker.runner import Draining, Runner, Superseded
from worker.signing import MessageId, SignatureInvalid, Signer

log = logging.getLogger(__name__)

router = APIRouter()


@router.post("/generate3d")
async def generate3d(request: Request) -> Response:
    """Takes a task. Again for what is here already: the same answer, and nothing starts twice."""
    body = await read_body(request)
    caller = _verified(request, body, "dispatch")
    form = await read_form(request.headers, body)
    try:
        dispatch = await parse(form)
    finally:
        await form.close()
    dispatch = replace(dispatch, target=replace(dispatch.target, trace=tracing.here()))
    if (caller.task, caller.attempt) != (dispatch.target.task_id, dispatch.target.attempt):
        raise _signature_invalid()

    runner = _runner(request)
    try:
        if not await runner.already_has(dispatch.target):
            await _check_image(request, dispatch)
            await runner.submit(dispatch)
    except Superseded as error:
        raise Problem(409, "attempt_superseded", "A later attempt of this task is known.") from error
    except QueueFull as error:
        raise _come_again("The queue is full.", error.retry_after) from error
    except Draining as error:
        raise _come_again("The worker stops.", 5) from error
    except EngineUnavailable as error:
        raise _come_again("The engine can't run here. GET /health says why.", 60) from error
    except OutboxUnavailable as error:
        log.exception("can't keep what comes in", extra={"taskId": dispatch.target.task_id})
        raise _come_again("The worker can't keep anything at the moment.", 30) from error
    answer = {
        "status": "accepted",
        "task_id": dispatch.target.task_id,
        # A promise, in whole seconds.
        "heartbeat_seconds": math.ceil(request.app.state.settings.heartbeat_seconds),
    }
    return JSONResponse(answer, 202)


@router.delete("/generate3d/{task_id}")
async def cancel(request: Request, task_id: str) -> Response:
    """Stops the task's work, queued or running."""
    caller = _verified(request, await read_body(request), "cancel")
    if caller.task != task_id:
        raise _signature_invalid()
    if not await _runner(request).cancel(task_id):
        raise Problem(404, "task_not_found", "There is no work on this task here.")
    return JSONResponse({"status": "cancelled", "task_id": task_id}, 202)


@router.api_route("/health", methods=["GET", "HEAD"])
async def health(request: Request) -> Response:
    """200 once jobs can be computed; 503 while the engine starts, can't run, or the worker stops."""
    runner = _runner(request)
    state = "stopping" if runner.draining else runner.host.state.value
    healthy = state in (State.READY.value, State.BUSY.value)
    depth = await runner.outbox.depth()
    document = {
        "status": "healthy" if healthy else "unhealthy",
        "models_loaded": runner.host.state in (State.READY, State.BUSY),
        "engine": runner.host.name,
        "state": state,
        "problems": runner.host.problems,
        "queue": {
            "running": runner.queue.count(Phase.RUNNING),
            "queued": runner.queue.count(Phase.QUEUED),
            "limit": runner.queue.limit,
            "delivering": runner.queue.count(Phase.DELIVERING),
        },
        "outbox": {"pending": depth.pending, "dead": depth.dead},
    }
    return JSONResponse(document, 200 if healthy else 503)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """The figures, for Prometheus."""
    figures = cast(Metrics, request.app.state.metrics)
    depth = await _runner(request).outbox.depth()
    figures.outbox(pending=depth.pending, dead=depth.dead)
    return Response(figures.text(), media_type=CONTENT_TYPE)


def _come_again(why: str, seconds: int) -> Problem:
    return Problem(503, "unavailable", why, headers={"retry-after": str(seconds)})


async def _check_image(request: Request, dispatch: Dispatch) -> None:
    """Looks at a picture that came along; one to be fetched is looked at in the job. Raises Problem."""
    if not isinstance(dispatch.image, bytes):
        return
    try:
        async with request.app.state.checks:
            await asyncio.to_thread(picture.check, dispatch.image)
    except picture.UnknownType as error:
        raise Problem(415, "unsupported_media_type", f"{error}.".capitalize()) from error
    except picture.TooManyPixels as error:
        raise Problem(422, "image_too_large", f"{error}.".capitalize()) from error
    except picture.Undecodable as error:
        raise Problem(422, "image_invalid", f"{error}.".capitalize()) from error


def _verified(request: Request, body: bytes, kind: str) -> MessageId:
    """Who calls. Raises Problem 401 where the message is not signed, or is for another endpoint."""
    signer = cast(Signer, request.app.state.signer)
    try:
        message = signer.verify(request.headers, body)
    except SignatureInvalid as error:
        raise _signature_invalid() from error
    if message.kind != kind:
        raise _signature_invalid()
    return message


def _signature_invalid() -> Problem:
    return Problem(401, "signature_invalid", "The message's signature is missing or wrong.")


def _runner(request: Request) -> Runner:
    return cast(Runner, request.app.state.runner)
