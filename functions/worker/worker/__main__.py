"""`python -m worker`: serves until SIGTERM or SIGINT, then gives back what it has and exits with 0."""

import logging
import signal
import socket
import sqlite3
import sys
from collections.abc import Sequence

import uvicorn
from pydantic import ValidationError

from worker import logs
from worker.app import create_app
from worker.host import COMMAND
from worker.outbox import DataDirInUse, OutboxUnavailable
from worker.outbox.database import Database
from worker.settings import Settings, explain
from worker.tracing import Tracer, TracesUnavailable

log = logging.getLogger("worker")


def main(engine: Sequence[str] = COMMAND) -> int:
    """The exit code: 2 where the environment or the address is wrong. `engine` as for `create_app`."""
    # uvicorn repeats the signal that stopped it once it is done; then, and before it starts, this is right.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        settings = Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        sys.stderr.write(explain(error) + "\n")
        return 2
    logs.configure(settings.log_level)
    try:
        tracer = Tracer(settings.otel_exporter_otlp_endpoint)
    except TracesUnavailable as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=512)
    except OSError as error:
        sys.stderr.write(f"can't listen on {settings.host} port {settings.port}: {error}\n")
        return 2
    try:
        # Here, where a sentence can be said; the application opens it for good.
        database = Database(settings.data_dir)
        database.open()
        database.close()
    except (DataDirInUse, OutboxUnavailable, OSError, sqlite3.Error) as error:
        sys.stderr.write(f"can't use DATA_DIR {settings.data_dir}: {error}\n")
        return 2
    host, port = listener.getsockname()[:2]
    log.info("listening", extra={"host": host, "port": port, "engine": settings.engine})
    config = uvicorn.Config(
        create_app(settings, engine, tracer),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
