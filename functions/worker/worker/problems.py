"""Errors as `application/problem+json` (RFC 9457): an exception, and the edge that answers it."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)


class Problem(Exception):
    """An answer that is an error. `code` is for programs, `detail` for a person."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.errors, self.headers = list(errors), headers

    def response(self, request_id: str) -> JSONResponse:
        """The problem document."""
        document: dict[str, object] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "requestId": request_id,
        }
        if self.errors:
            document["errors"] = self.errors
        return JSONResponse(
            document, self.status, headers=self.headers, media_type="application/problem+json"
        )


async def answer_problem(request: Request, error: Exception) -> JSONResponse:
    """Starlette's exception handler for Problem and for what its router raises (404, 405 with Allow)."""
    if isinstance(error, HTTPException):
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "bad_request")
        error = Problem(error.status_code, code, error.detail, headers=error.headers)
    assert isinstance(error, Problem)  # noqa: S101 - registered for these two only
    return error.response(request.state.request_id)


class RequestIds:
    """Gives each request an id, on its answer too, and answers what nobody caught with a plain 500.

    That is logged here, once, with the id; the answer says nothing of it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            log.exception("request failed", extra={"requestId": request_id, "path": scope["path"]})
            if started:
                raise
            problem = Problem(500, "internal", "Something went wrong here. Try again later.")
            await problem.response(request_id)(scope, receive, send_with_id)
