"""The worker's three calls: take a task, stop it, and how are you."""

import asyncio
import math
from typing import cast

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from worker import picture
from worker.dispatch import Dispatch, parse, read_body, read_form
from worker.job import Phase
from worker.problems import Problem
from worker.queue import QueueFull, Superseded
from worker.runner import Draining, Runner
from worker.signing import MessageId, SignatureInvalid, Signer

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
    if (caller.task, caller.attempt) != (dispatch.target.task_id, dispatch.target.attempt):
        raise _signature_invalid()

    runner = _runner(request)
    try:
        if not runner.already_has(dispatch.target):
            await _check_image(request, dispatch)
            runner.submit(dispatch)
    except Superseded as error:
        raise Problem(409, "attempt_superseded", "A later attempt of this task is known.") from error
    except QueueFull as error:
        headers = {"retry-after": str(error.retry_after)}
        raise Problem(503, "unavailable", "The queue is full.", headers=headers) from error
    except Draining as error:
        raise Problem(503, "unavailable", "The worker stops.", headers={"retry-after": "5"}) from error
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
    if not _runner(request).cancel(task_id):
        raise Problem(404, "task_not_found", "There is no work on this task here.")
    return JSONResponse({"status": "cancelled", "task_id": task_id}, 202)


@router.api_route("/health", methods=["GET", "HEAD"])
async def health(request: Request) -> Response:
    """200 once jobs are taken, 503 while the worker stops."""
    runner = _runner(request)
    document = {
        "status": "unhealthy" if runner.draining else "healthy",
        "models_loaded": True,
        "engine": runner.engine.name,
        "queue": {
            "running": runner.queue.count(Phase.RUNNING),
            "queued": runner.queue.count(Phase.QUEUED),
            "limit": runner.queue.limit,
            "delivering": runner.queue.count(Phase.DELIVERING),
        },
    }
    return JSONResponse(document, 503 if runner.draining else 200)


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
