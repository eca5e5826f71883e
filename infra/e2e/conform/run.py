"""Holds a running system to openapi.yaml: generated requests, good and bad, and chains of them.

Each answer is checked. SEED, and EXAMPLES of requests for each operation, may be set in the environment;
arguments are schemathesis' own. The binaries have to be built.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent


class Worker(BaseHTTPRequestHandler):
    """A worker that takes every task and never says more of it: the generated callbacks do."""

    protocol_version = "HTTP/1.1"

    def answer(self, status: int, document: object) -> None:
        """Sends a document, once the request is read."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """GET /health."""
        self.answer(200, {"status": "healthy", "models_loaded": True})

    def do_POST(self) -> None:
        """POST /generate3d."""
        self.answer(202, {"status": "accepted", "task_id": ""})

    def do_DELETE(self) -> None:
        """DELETE /generate3d/{task_id}."""
        self.answer(202, {"status": "cancelled", "task_id": ""})

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def token(secret: str) -> str:
    """A user's bearer token (RFC 7519, HS256), good for a day."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    claims = {"sub": "conform", "exp": int(time.time()) + 24 * 3600}
    text = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims).encode())
    return text + "." + part(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))


@contextlib.contextmanager
def system(environ: dict[str, str]) -> Iterator[str]:
    """A system of its own, at the URL that it tells."""
    with tempfile.TemporaryDirectory() as data, ThreadingHTTPServer(("127.0.0.1", 0), Worker) as worker:
        threading.Thread(target=worker.serve_forever, daemon=True).start()
        site = Path(data, "site")
        site.mkdir()
        (site / "index.html").write_text("<!doctype html>")
        log = Path(data, "log")
        env = {
            "PATH": os.environ["PATH"],
            "HOME": data,
            "PORT": "0",
            "DATA_DIR": data,
            "WEB_ROOT": str(site),
            "WORKER_URLS": f"http://127.0.0.1:{worker.server_port}",
            # Each is on, and told of; none is met.
            "CREATE_RATE": "1000000/m",
            "MAX_ACTIVE_TASKS": "1000000",
            # A stream of a task that runs ends by itself.
            "STREAM_MAX": "100ms",
            **environ,
        }
        command = [str(ROOT / ".build/bin/local"), "up"]
        with (
            log.open("wb") as sink,
            subprocess.Popen(  # noqa: S603 - our own program
                command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=sink, text=True
            ) as host,
        ):
            try:
                ready = next((line for line in host.stdout or () if line.startswith("ready ")), "")
                if not ready:
                    sys.exit("the system did not start:\n" + log.read_text())
                yield ready.split()[1]
            finally:
                host.send_signal(signal.SIGTERM)
                host.wait(60)
                worker.shutdown()


def main() -> int:
    """The exit code is the tests'."""
    jwt_secret = secrets.token_hex(32)
    callback_secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    with system({"AUTH_MODE": "jwt", "JWT_SECRET": jwt_secret, "CALLBACK_SECRETS": callback_secret}) as url:
        command = [
            str(Path(sys.executable).parent / "schemathesis"),
            "--config-file",
            str(HERE / "schemathesis.toml"),
            "run",
        ]
        command += [str(ROOT / "infra/docs/openapi.yaml"), "--url", url, "--exclude-tag", "worker"]
        command += ["--seed", os.environ.get("SEED") or "1"]
        command += ["--max-examples", os.environ.get("EXAMPLES") or "10", *sys.argv[1:]]
        known = {
            "PYTHONPATH": str(HERE),
            "CONFORM_URL": url,
            "CONFORM_TOKEN": token(jwt_secret),
            "CONFORM_SECRET": callback_secret,
            "CONFORM_MARK": secrets.token_hex(),
        }
        # What it keeps of a run would be part of the next.
        with tempfile.TemporaryDirectory() as empty:
            return subprocess.call(command, cwd=empty, env=os.environ | known)  # noqa: S603 - our own words


if __name__ == "__main__":
    sys.exit(main())
