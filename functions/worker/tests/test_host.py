"""The engine's process, by real ones: what its parent learns, and that nothing of it stays."""

import asyncio
import errno
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.conftest import ROOT
from worker import host as host_module
from worker.engine import ImageRejected
from worker.engines.settings import EngineSettings
from worker.host import EngineFailed, EngineHost, EngineLost, EngineUnavailable, Loss, State

COMMAND = (sys.executable, "-m", "tests.host_engine")
PATIENCE = 120
"""Seconds after which a test that waits for what does not come fails."""


class Play:
    """One job of the acting engine, and what was told of it."""

    def __init__(self, host: EngineHost, folder: Path, act: str, formats: tuple[str, ...] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.image, self.out = folder / "image", folder
        self.image.write_text(act)
        self.stages: list[tuple[str, float]] = []
        self.files: list[str] = []
        self._told = asyncio.Event()
        self.task = asyncio.create_task(
            host.reconstruct(self.image, self.out, formats, self._on_stage, self._on_file)
        )

    def _on_stage(self, stage: str, done: float) -> None:
        self.stages.append((stage, done))
        self._told.set()

    def _on_file(self, path: Path) -> None:
        assert path.parent == self.out.absolute()
        self.files.append(path.name)

    async def reach(self, stage: str) -> None:
        """Waits until the engine is there."""
        while all(name != stage for name, _ in self.stages):
            self._told.clear()
            await self._told.wait()

    @property
    def pid(self) -> int:
        """The process that had the job."""
        return int((self.out / "pid").read_text())


@asynccontextmanager
async def hosted(host: EngineHost) -> AsyncIterator[None]:
    await host.start()
    try:
        yield
    finally:
        await host.close()


Perform = Callable[..., Play]
Test = Callable[[EngineHost, Perform], Coroutine[None, None, None]]
Run = Callable[..., None]


@pytest.fixture
def loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says how the engine is loaded."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("LOADING", str(tmp_path / "loading"))
    return tmp_path / "loading"


@pytest.fixture
def run(tmp_path: Path, loading: Path) -> Run:
    """Runs a test with a host of the acting engine, and sees that its process is gone in the end."""

    def run(
        test: Test,
        *,
        stage_timeout: float = PATIENCE,
        recycle_after: int = 0,
        command: Sequence[str] = COMMAND,
    ) -> None:
        plays: list[Play] = []

        async def all_of_it() -> None:
            host = EngineHost(
                EngineSettings(),
                stage_timeout=stage_timeout,
                recycle_after=recycle_after,
                command=command,
            )
            async with asyncio.timeout(PATIENCE), hosted(host):

                def perform(act: str, *formats: str) -> Play:
                    plays.append(Play(host, tmp_path / str(len(plays)), act, formats))
                    return plays[-1]

                await test(host, perform)
            assert state(host) is State.STOPPED
            with pytest.raises(EngineUnavailable):
                await host.ready()
            for play in plays:
                if (play.out / "pid").exists():
                    assert is_gone(play.pid)

        asyncio.run(all_of_it())

    return run


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def state(host: EngineHost) -> State:
    """As it is now: mypy thinks that what was asserted once stays so."""
    return host.state


async def until(condition: Callable[[], bool]) -> None:
    """Waits for what nothing tells of. The test's PATIENCE bounds it."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.005)


# -- jobs -------------------------------------------------------------------------------------------


def test_jobs_are_done_one_after_the_other_in_one_process(run: Run) -> None:
    async def test(host: EngineHost, perform: Perform) -> None:
        assert (host.state, host.name) == (State.STARTING, "silhouette")
        assert host.stages
        await host.ready()
        assert (host.state, host.name, host.stages) == (State.READY, "acting", ("first", "second"))
        first = perform("works", "stl", "ply")
        await first.reach("first")
        assert state(host) is State.BUSY
        await first.task
        assert state(host) is State.READY
        assert first.stages == [("first", 0.0), ("second", 0.5)]
        assert first.files == ["pid", "about.json"]
        assert json.loads((first.out / "about.json").read_text())["formats"] == ["stl", "ply"]
        second = perform("works")
        await second.task
        assert second.pid == first.pid
        assert not host.restarts

    run(test)


def test_only_one_at_a_time(run: Run) -> None:
    async def test(host: EngineHost, perform: Perform) -> None:
        first = perform("heeds")
        await first.reach("second")
        with pytest.raises(RuntimeError):
            await perform("works").task
        assert state(host) is State.BUSY
        await cancel(first)

    run(test)


@pytest.mark.parametrize(
    ("act", "error", "text"),
    [
        ("rejects", ImageRejected, "There is nothing to see."),
        ("raises aloud", EngineFailed, "KeyError: ('argument', 'aloud')"),
        ("shouts", EngineFailed, "ValueError: \x00é"),
        ("quits", EngineFailed, "JobCancelled"),
        ("full", OSError, "[Errno 28] No space left on device"),
    ],
)
def test_a_job_that_fails_leaves_the_process(run: Run, act: str, error: type[Exception], text: str) -> None:
    async def test(host: EngineHost, perform: Perform) -> None:
        failing = perform(act)
        with pytest.raises(error) as caught:
            await failing.task
        assert str(caught.value).startswith(text)
        if isinstance(caught.value, EngineFailed):
            assert "host_engine.py" in caught.value.__notes__[0] or act == "shouts"
        if isinstance(caught.value, OSError):
            assert caught.value.errno == errno.ENOSPC
        assert state(host) is State.READY
        after = perform("works")
        await after.task
        assert after.pid == failing.pid

    run(test)


def test_an_engine_that_fails_again_and_again_is_replaced(run: Run) -> None:
    async def test(host: EngineHost, perform: Perform) -> None:
        plays = []
        for act in ("raises", "works", "raises", "rejects", "raises", "works"):
            plays.append(perform(act))
            with suppress(EngineFailed, ImageRejected):
                await plays[-1].task
        assert len({play.pid for play in plays[:5]}) == 1
        assert plays[5].pid != plays[4].pid
        assert host.restarts == {Loss.FAILING: 1}

    run(test)


def test_what_the_engine_prints_goes_to_the_log(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    async def test(host: EngineHost, perform: Perform) -> None:
        await perform("prints").task

    run(test)
    out, err = capfd.readouterr()
    assert out == ""
    assert {"printed by Python", "written to descriptor 1", "put by C"} <= set(err.splitlines())


def test_a_callback_that_raises_costs_the_process_only(run: Run) -> None:
    async def test(host: EngineHost, perform: Perform) -> None:
        play = perform("works")
        await play.task

        def refuse(stage: str, done: float) -> None:
            raise LookupError(stage)

        with pytest.raises(LookupError, match="first"):
            await host.reconstruct(play.image, play.out, (), refuse, print)
        assert is_gone(play.pid)
        await perform("works").task

    run(test)


# -- loss -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "loss", "text"),
    [
        ("dies", Loss.DIED, "was killed by SIGKILL"),
        ("exits", Loss.DIED, "exited with code 3"),
        ("closes", Loss.DIED, "closed its channel"),
        ("allocates", Loss.OUT_OF_MEMORY, "memory"),
        ("torch", Loss.OUT_OF_MEMORY, "memory"),
        ("garbage {oops", Loss.GARBLED, "{oops"),
        ("garbage 7", Loss.GARBLED, "7"),
        ("garbage " + "[" * 100_000, Loss.GARBLED, "[[["),
        ('garbage {"type": "stage", "stage": 1}', Loss.GARBLED, "stage"),
        ('garbage {"type": "cancelled"}', Loss.GARBLED, "cancelled"),
        ("garbage ÿ", Loss.GARBLED, "sent"),
        ("floods", Loss.GARBLED, "bytes"),
    ],
    ids=lambda value: str(value)[:12].encode("ascii", "replace").decode(),
)
def test_a_lost_process_is_replaced(run: Run, act: str, loss: Loss, text: str) -> None:
    async def test(host: EngineHost, perform: Perform) -> None:
        lost = perform(act)
        with pytest.raises(EngineLost) as caught:
            await lost.task
        assert caught.value.loss is loss
        assert text in str(caught.value)
        assert is_gone(lost.pid)
        assert state(host) is State.STARTING
        assert host.restarts == {loss: 1}
        after = perform("works")
        await after.task
        assert after.pid != lost.pid

    run(test)


def test_a_stage_that_takes_too_long_ends_the_process_even_in_native_code(run: Run) -> None:
    async def test(host: EngineHost, perform: Perform) -> None:
        hanging = perform("hangs")
        with pytest.raises(EngineLost, match="the stage second took longer than 0\\.5 s") as caught:
            await hanging.task
        assert caught.value.loss is Loss.STAGE_TIMEOUT
        assert is_gone(hanging.pid)
        assert host.restarts == {Loss.STAGE_TIMEOUT: 1}

    run(test, stage_timeout=0.5)


@pytest.mark.parametrize("act", ["numpy", "opencv"])
def test_memory_can_be_bounded(run: Run, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    monkeypatch.setenv("MEMORY_MAX", str(1 << 30))

    async def test(host: EngineHost, perform: Perform) -> None:
        with pytest.raises(EngineLost) as caught:
            await perform(act).task
        assert caught.value.loss is Loss.OUT_OF_MEMORY

    run(test)


def test_a_process_that_dies_between_jobs_is_replaced(run: Run) -> None:
    async def test(host: EngineHost, perform: Perform) -> None:
        first = perform("works")
        await first.task
        os.kill(first.pid, signal.SIGKILL)
        await until(lambda: host.restarts[Loss.DIED] == 1)
        assert state(host) is State.STARTING
        await host.ready()
        second = perform("works")
        await second.task
        assert second.pid != first.pid

    run(test)


def test_one_that_dies_at_once_over_and_over_is_not_loaded_without_pause(
    run: Run, loading: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_module, "RETRY_FIRST", float(PATIENCE))
    loading.write_text("dies when told")

    async def test(host: EngineHost, perform: Perform) -> None:
        for deaths in (1, 2):
            await until(lambda: state(host) is State.READY)
            loading.with_name("die").touch()
            await until(lambda: host.restarts[Loss.DIED] == deaths)  # noqa: B023 - awaited here
        loading.unlink()  # noqa: ASYNC240
        assert state(host) is State.STARTING
        waiting = asyncio.create_task(host.ready())
        await asyncio.sleep(0)
        await host.close()  # ends the pause
        with pytest.raises(EngineUnavailable):
            await waiting

    run(test)


def test_a_process_is_recycled(run: Run) -> None:
    async def test(host: EngineHost, perform: Perform) -> None:
        plays = []
        for act in ("works", "rejects", "works", "works", "works"):
            plays.append(perform(act))
            with suppress(ImageRejected):
                await plays[-1].task
        pids = [play.pid for play in plays]
        assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]
        assert host.restarts == {Loss.RECYCLED: 2}

    run(test, recycle_after=2)


# -- loading ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "problems"),
    [
        ("unavailable", ("There is no GPU.", "The file x is missing.")),
        ("raises", ("loading it failed: ImportError: no module of that name",)),
        ("dies", ("while it was loaded its process was killed by SIGKILL",)),
        ("hangs", ("it was not loaded within 1 s",)),
    ],
)
def test_an_engine_that_cant_be_loaded_is_tried_again(
    run: Run, loading: Path, monkeypatch: pytest.MonkeyPatch, how: str, problems: tuple[str, ...]
) -> None:
    monkeypatch.setattr(host_module, "RETRY_FIRST", 0.01)
    if how == "hangs":
        monkeypatch.setattr(host_module, "LOAD_TIMEOUT", 1.0)
    loading.write_text(how)

    async def test(host: EngineHost, perform: Perform) -> None:
        waiting = perform("works")
        with pytest.raises(EngineUnavailable) as caught:
            await waiting.task
        assert caught.value.problems == problems
        with pytest.raises(EngineUnavailable):
            await host.ready()
        assert (host.state, host.problems) == (State.FAILED, problems)
        await until(lambda: host.restarts[Loss.NOT_LOADED] >= 2)
        monkeypatch.setattr(host_module, "LOAD_TIMEOUT", float(PATIENCE))
        loading.unlink()  # noqa: ASYNC240
        await until(lambda: host.state is State.READY)
        assert host.problems == ()
        await perform("works").task

    run(test)


def test_one_death_while_it_is_loaded_is_nobody_elses_business(run: Run, loading: Path) -> None:
    loading.write_text("dies once")

    async def test(host: EngineHost, perform: Perform) -> None:
        await perform("works").task
        assert host.restarts == {Loss.NOT_LOADED: 1}

    run(test)


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (("/nowhere/at-all",), "its process can't be started: "),
        (("sh", "-c", "echo oops >&0; sleep 1000"), "while it was loaded its process sent b'oops"),
        (("sh", "-c", """echo '{"type": "ready"}' >&0"""), "while it was loaded its process sent {'type'"),
        (("true",), "while it was loaded its process exited with code 0"),
    ],
    ids=["missing", "garbage", "incomplete", "silent"],
)
def test_what_is_no_engine_is_unavailable(run: Run, command: tuple[str, ...], problem: str) -> None:
    async def test(host: EngineHost, perform: Perform) -> None:
        with pytest.raises(EngineUnavailable) as caught:
            await host.ready()
        assert str(caught.value).startswith(problem)

    run(test, command=command)


# -- cancelling -------------------------------------------------------------------------------------


async def cancel(play: Play, times: int = 1) -> None:
    for _ in range(times):
        play.task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await play.task


@pytest.mark.parametrize("act", ["heeds", "yields"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_cancelled_job_frees_the_process(run: Run, act: str, times: int) -> None:
    async def test(host: EngineHost, perform: Perform) -> None:
        unwanted = perform(act)
        await unwanted.reach("second")
        await cancel(unwanted, times)
        assert state(host) is State.READY
        assert unwanted.stages[-1] == ("second", 0.5), "nothing is told of a job that was cancelled"
        after = perform("works")
        await after.task
        assert after.pid == unwanted.pid
        assert not host.restarts

    run(test)


@pytest.mark.parametrize("act", ["hangs", "chats"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_cancelled_job_that_goes_on_ends_with_its_process(run: Run, act: str, times: int) -> None:
    async def test(host: EngineHost, perform: Perform) -> None:
        unwanted = perform(act)
        await unwanted.reach("second")
        await cancel(unwanted, times)
        assert is_gone(unwanted.pid)
        assert state(host) is State.STARTING
        assert host.restarts == {Loss.CANCELLED: 1}
        await perform("works").task

    run(test)


def test_a_job_can_be_cancelled_while_it_waits_for_the_engine(run: Run, loading: Path) -> None:
    loading.write_text("hangs")

    async def test(host: EngineHost, perform: Perform) -> None:
        waiting = perform("works")
        await asyncio.sleep(0)
        await cancel(waiting)
        assert state(host) is State.STARTING

    run(test)


def test_a_cancelled_job_may_end_by_itself(run: Run) -> None:
    """The cancellation meets the job's last words, and must not meet the next job."""

    async def test(host: EngineHost, perform: Perform) -> None:
        await host.ready()
        for _ in range(20):
            early = perform("works")
            await early.reach("second")
            await cancel(early)
            await perform("works").task
        assert not host.restarts

    run(test)


# -- nothing stays ----------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["heeds", "hangs", "chats"])
def test_closing_ends_the_process_in_the_midst_of_a_job(run: Run, act: str) -> None:
    async def test(host: EngineHost, perform: Perform) -> None:
        play = perform(act)
        await play.reach("second")
        await host.close()
        assert is_gone(play.pid)
        with pytest.raises(EngineLost):
            await play.task
        assert not host.restarts

    run(test)


@pytest.mark.parametrize("turns", [0, 1, 2, 5, 10])
def test_closing_ends_a_process_that_is_about_to_start(run: Run, loading: Path, turns: int) -> None:
    loading.write_text("hangs")

    async def test(host: EngineHost, perform: Perform) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await host.close()  # returns once what was started is gone

    run(test)


@pytest.mark.parametrize("end", ["died", "closed"])
def test_what_the_engine_has_started_ends_with_it(run: Run, tmp_path: Path, end: str) -> None:
    lifeline = tmp_path / "lifeline"
    os.mkfifo(lifeline)

    async def test(host: EngineHost, perform: Perform) -> None:
        play = perform(f"forks {lifeline}")
        with await asyncio.to_thread(lifeline.open, "rb") as pipe:
            if end == "died":
                os.kill(play.pid, signal.SIGKILL)
                with pytest.raises(EngineLost, match="was killed by SIGKILL"):
                    await play.task
            else:
                await host.close()
                with pytest.raises(EngineLost):
                    await play.task
            assert await asyncio.to_thread(pipe.read) == b"", "read to the end: nobody holds it any more"

    run(test)


@pytest.mark.parametrize("busy", [False, True])
def test_the_process_ends_with_its_channel(loading: Path, tmp_path: Path, busy: bool) -> None:
    """Where the kernel does not tell it of its parent's end."""
    (tmp_path / "image").write_text("heeds")
    ours, theirs = socket.socketpair()
    with ours, subprocess.Popen(COMMAND, stdin=theirs.fileno(), start_new_session=True) as process:
        theirs.close()
        with ours.makefile("rb") as lines:
            assert json.loads(lines.readline())["type"] == "ready"
            if busy:
                job = {"type": "job", "image": str(tmp_path / "image"), "out": str(tmp_path), "formats": []}
                ours.sendall(json.dumps(job).encode() + b"\n")
                assert json.loads(lines.readline())["type"] == "stage"
        ours.shutdown(socket.SHUT_WR)
        assert process.wait() == -signal.SIGKILL


PARENT = """
import asyncio, pathlib, sys
from worker.engines.settings import EngineSettings
from worker.host import EngineHost

async def main(folder):
    host = EngineHost(
        EngineSettings(),
        stage_timeout=1000,
        recycle_after=0,
        command=(sys.executable, "-m", "tests.host_engine"),
    )
    await host.start()
    await host.ready()
    print("ready", flush=True)
    on_stage = lambda stage, done: print(stage, flush=True)
    await host.reconstruct(folder / "image", folder, (), on_stage, lambda path: None)

asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


@pytest.mark.parametrize("act", ["heeds", "hangs"])
def test_the_process_does_not_outlive_a_killed_parent(loading: Path, tmp_path: Path, act: str) -> None:
    (tmp_path / "image").write_text(act)
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        assert parent.stderr is not None
        assert [parent.stdout.readline() for _ in range(3)] == ["ready\n", "first\n", "second\n"]
        parent.kill()
        # The engine's process has it too: it ends when both are gone.
        assert parent.stderr.read() == ""


# -- surroundings -----------------------------------------------------------------------------------


def test_the_environment_has_the_settings_and_no_secrets(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLBACK_SECRETS", "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQ=")
    monkeypatch.setenv("COS_SECRET_KEY", "hush")
    monkeypatch.setenv("HF_TOKEN", "hush")
    monkeypatch.setenv("REDIS_URL", "redis://:hush@127.0.0.1/0")
    monkeypatch.setenv("FACES", "3000")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    found: list[int] = []

    async def test(host: EngineHost, perform: Perform) -> None:
        play = perform("works")
        await play.task
        about = json.loads((play.out / "about.json").read_text())
        assert not {"CALLBACK_SECRETS", "COS_SECRET_KEY", "HF_TOKEN", "REDIS_URL"} & about["env"].keys()
        assert (about["env"]["FACES"], about["env"]["OMP_NUM_THREADS"]) == ("3000", "1")
        found.append(int(about["oom"]))

    run(test)
    assert found[0] > int(Path("/proc/self/oom_score_adj").read_text())


def test_the_parent_has_none_of_the_engines_libraries() -> None:
    program = "import sys, worker.host; print(*{'numpy', 'cv2', 'PIL', 'trimesh'} & set(sys.modules))"
    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "\n"


def test_the_engine_of_the_settings_is_served(tmp_path: Path, loading: Path, ball: bytes) -> None:
    (tmp_path / "ball.png").write_bytes(ball)
    files: list[Path] = []
    stages: list[str] = []

    async def all_of_it() -> None:
        host = EngineHost(EngineSettings(faces=2000), stage_timeout=PATIENCE, recycle_after=0)
        async with asyncio.timeout(PATIENCE), hosted(host):
            await host.reconstruct(
                tmp_path / "ball.png", tmp_path, (), lambda stage, _: stages.append(stage), files.append
            )
        assert host.name == "silhouette"
        assert set(stages) <= set(host.stages)

    asyncio.run(all_of_it())
    assert {"pixel_images.png", "xyz_images.png", "output3d.zip"} <= {file.name for file in files}
    assert all(file.stat().st_size > 0 for file in files)
