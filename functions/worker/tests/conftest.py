"""A backend and a worker process for each test that asks for them."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import settings

from tests import shapes
from tests.backend import OLD_SECRET, SECRET, Backend
from worker.signing import Signer, decode_secret

ROOT = Path(__file__).parents[1]

# The same examples each time; --hypothesis-profile=long looks for other ones.
settings.register_profile("short", deadline=None, database=None, derandomize=True)
settings.register_profile("long", deadline=None, database=None, max_examples=20_000)
settings.load_profile("short")


@pytest.fixture
def backend() -> Iterator[Backend]:
    server = Backend()
    yield server
    server.close()


class Worker:
    """A worker as a process, and a client that signs what it sends.

    `tests.quick_worker` has an engine that takes no time; `worker` has its own.
    """

    def __init__(
        self, data_dir: Path, backend: Backend, module: str = "tests.quick_worker", **environment: str
    ) -> None:
        self.data_dir, self.backend = data_dir, backend
        settings = {
            "PORT": "0",
            "DATA_DIR": str(data_dir),
            "CALLBACK_SECRETS": f"{SECRET} {OLD_SECRET}",
            "HEARTBEAT_SECONDS": "0.2",
            "FACES": "2000",
            "DRAIN_TIMEOUT": "3s",
        }
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=inherited | settings | environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log: list[dict[str, Any]] = []
        ports: queue.Queue[int | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(ports,))
        self._reader.start()
        port = ports.get(timeout=30)
        assert port is not None, "the worker did not start"
        # The socket is open before the application is, which answers before the engine is loaded.
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)
        self.until(lambda: self.http.get("/health").status_code == 200)

    def _read(self, ports: "queue.Queue[int | None]") -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if not line.startswith("{"):
                continue  # what an engine's library prints
            event = json.loads(line)
            self.log.append(event)
            if event["msg"] == "listening":
                ports.put(event["port"])
        ports.put(None)

    def until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Asks again and again until it is so; the bound only ends a broken test."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it never came"
            time.sleep(0.01)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ends the process by a signal: its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()
        self.http.close()
        return code

    def form(self, task_id: str, attempt: int = 1, **changes: str | None) -> dict[str, str]:
        callback_url = f"{self.backend.url}/callback"
        fields = {"task_id": task_id, "attempt": str(attempt), "callback_url": callback_url, **changes}
        return {name: value for name, value in fields.items() if value is not None}

    def dispatch(
        self,
        task_id: str,
        image: bytes | None = None,
        attempt: int = 1,
        changes: Mapping[str, str | None] | None = None,
    ) -> httpx.Response:
        """A signed dispatch, as the backend sends it."""
        files = {"image": ("picture", image, "application/octet-stream")} if image is not None else None
        # httpx writes a form without files as another type, so a file part without a name stands in.
        fields = {
            name: (None, value) for name, value in self.form(task_id, attempt, **(changes or {})).items()
        }
        request = self.http.build_request("POST", "/generate3d", files={**fields, **(files or {})})
        return self.send(request, f"dispatch:{task_id}:{attempt}:n")

    def send(self, request: httpx.Request, message_id: str, secret: str = SECRET) -> httpx.Response:
        """Signs the request and sends it."""
        request.headers.update(Signer((decode_secret(secret),)).sign(message_id, request.read()))
        return self.http.send(request)

    def cancel(self, task_id: str) -> httpx.Response:
        request = self.http.build_request("DELETE", f"/generate3d/{task_id}")
        return self.send(request, f"cancel:{task_id}:1:n")

    def files(self) -> list[Path]:
        """Every file of a job that is on the disk."""
        return [path for path in self.data_dir.rglob("*/*") if path.is_file()]


StartWorker = Callable[..., Worker]


@pytest.fixture
def start_worker(tmp_path: Path, backend: Backend) -> Iterator[StartWorker]:
    started: list[Worker] = []

    def start(**environment: str) -> Worker:
        started.append(Worker(tmp_path / "data", backend, **environment))
        return started[-1]

    yield start
    for worker in started:
        worker.stop()


@pytest.fixture(scope="module")
def shared_backend() -> Iterator[Backend]:
    server = Backend()
    yield server
    server.close()


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory, shared_backend: Backend) -> Iterator[Worker]:
    """One worker for tests that leave nothing behind."""
    process = Worker(tmp_path_factory.mktemp("data"), shared_backend)
    yield process
    assert process.stop() == 0


@pytest.fixture(scope="module")
def silhouette(tmp_path_factory: pytest.TempPathFactory, shared_backend: Backend) -> Iterator[Worker]:
    """The worker as it is, with the engine `silhouette`."""
    process = Worker(tmp_path_factory.mktemp("data"), shared_backend, "worker")
    yield process
    assert process.stop() == 0


@pytest.fixture
def task_id() -> str:
    return str(uuid.uuid4())


@pytest.fixture(scope="session")
def ball() -> bytes:
    return shapes.encoded(shapes.rgba(shapes.ball()))
