"""Temporary files: a folder for each job, gone with the job, the process, or at the latest the next start."""

import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)


class Scratch:
    """The process's own folder below `root`, or below the system's temporary folder.

    The folder holds a lock that lives as long as the process, so that one which was killed can be told
    from one that runs beside this one, and the killed one's files are removed.
    """

    def __init__(self, root: Path | None) -> None:
        base = (root or Path(tempfile.gettempdir())) / "recon3d-jobs"
        base.mkdir(parents=True, exist_ok=True)
        # Locked before it gets its name: a process that starts just now must not take it for stale.
        unnamed = Path(tempfile.mkdtemp(prefix="new-", dir=base))
        self._lock = _lock(unnamed)
        self.folder = unnamed.rename(base / unnamed.name.replace("new-", "run-", 1))
        for other in base.glob("run-*"):
            if other != self.folder:
                _remove_if_stale(other)

    @contextmanager
    def job(self, task_id: str) -> Iterator[Path]:
        """A folder for one job. Raises OSError where the disk does."""
        folder = Path(tempfile.mkdtemp(prefix=f"{task_id}-", dir=self.folder))
        try:
            yield folder
        finally:
            _remove(folder)

    def close(self) -> None:
        """Removes everything."""
        _remove(self.folder)
        if self._lock is not None:
            os.close(self._lock)


def _lock(folder: Path) -> int | None:
    """The descriptor of the folder's lock, or None where another process holds it or the folder is gone."""
    try:
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _remove_if_stale(folder: Path) -> None:
    handle = _lock(folder)
    if handle is not None:
        _remove(folder)
        os.close(handle)
        log.info("removed files of a run that was killed", extra={"folder": str(folder)})


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError:
        log.exception("temporary files could not be removed", extra={"folder": str(folder)})
