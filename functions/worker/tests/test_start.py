"""What the worker says where its environment is wrong."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backend import SECRET
from tests.conftest import ROOT, StartWorker


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {"PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "worker"]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_all_that_is_wrong_is_named_together() -> None:
    ended = start(PORT="eighty", QUEUE_MAX="-1", HEARTBEAT_SECONDS="x", ENGINE="magic", LOG_LEVEL="loud")
    assert ended.returncode == 2
    for name in ("CALLBACK_SECRETS", "PORT", "QUEUE_MAX", "HEARTBEAT_SECONDS", "ENGINE", "LOG_LEVEL"):
        assert f"  {name}: " in ended.stderr


@pytest.mark.parametrize(
    ("host", "secrets"),
    [
        ("127.0.0.1", ""),
        ("0.0.0.0", ""),
        ("127.0.0.1", "   "),
        ("127.0.0.1", "whsec_"),
        ("127.0.0.1", "plain-secret"),
        ("127.0.0.1", "whsec_dG9vIHNob3J0"),
        ("127.0.0.1", "whsec_bm90/YWxs*b2YgaXQgaXMgYmFzZTY0LCBhcyB0eXBlZA=="),
        ("127.0.0.1", f"{SECRET} oops"),
    ],
)
def test_nothing_is_served_without_a_secret(host: str, secrets: str) -> None:
    ended = start(HOST=host, PORT="0", CALLBACK_SECRETS=secrets)
    assert ended.returncode == 2
    assert "CALLBACK_SECRETS" in ended.stderr
    assert "oops" not in ended.stderr
    assert SECRET not in ended.stderr


def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = start(PORT=str(taken.getsockname()[1]), CALLBACK_SECRETS=SECRET)
    assert ended.returncode == 2
    assert "can't listen" in ended.stderr


def test_a_data_folder_has_one_worker(start_worker: StartWorker) -> None:
    worker = start_worker()
    ended = start(PORT="0", CALLBACK_SECRETS=SECRET, DATA_DIR=str(worker.data_dir))
    assert ended.returncode == 2
    assert "another worker runs on" in ended.stderr
    assert worker.http.get("/health").status_code == 200


def test_a_data_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = start(PORT="0", CALLBACK_SECRETS=SECRET, DATA_DIR=str(tmp_path / "file"))
    assert ended.returncode == 2
    assert "can't use DATA_DIR" in ended.stderr


def test_the_probe_asks_this_worker(start_worker: StartWorker) -> None:
    worker = start_worker()
    probe = [sys.executable, "-m", "worker.probe"]
    port = str(worker.http.base_url.port)
    assert subprocess.run(probe, cwd=ROOT, env={"PORT": port}, check=False).returncode == 0
    worker.stop()
    ended = subprocess.run(probe, cwd=ROOT, env={"PORT": port}, capture_output=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr != b""
