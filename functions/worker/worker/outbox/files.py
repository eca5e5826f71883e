"""The outbox's files: a folder for each attempt, with its picture and its results.

What a method has written is on the disk when it returns: data, names and all (fsync).
"""

import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)


class Files:
    """The folder `root`. Its owner makes the order of these calls and of the rows that name the files."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def picture(self, task_id: str, attempt: int) -> Path:
        """Where an attempt's picture is."""
        return self._folder(task_id, attempt) / "picture"

    def result(self, task_id: str, attempt: int, name: str) -> Path:
        """Where one of its results is."""
        return self._folder(task_id, attempt) / "results" / name

    def keep_picture(self, task_id: str, attempt: int, data: bytes) -> None:
        """Writes the picture. Raises OSError."""
        path = self.picture(task_id, attempt)
        self._make(path.parent)
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        sync(path.parent)

    def keep_result(self, task_id: str, attempt: int, source: Path) -> None:
        """Links the file, whose data `measure` has synced, or copies it from another file system.

        Raises OSError.
        """
        path = self.result(task_id, attempt, source.name)
        self._make(path.parent)
        path.unlink(missing_ok=True)  # a crash left it before its row was there
        try:
            path.hardlink_to(source)
        except FileNotFoundError:
            raise
        except OSError:
            shutil.copyfile(source, path)
            sync(path)
        sync(path.parent)

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            sync(folder.parent)
            sync(self._root)

    def drop_picture(self, task_id: str, attempt: int) -> None:
        """Removes a picture that no computing needs any more."""
        _attempt_to(Path.unlink, self.picture(task_id, attempt))

    def drop(self, task_id: str, attempt: int) -> None:
        """Removes all that an attempt has here."""
        _attempt_to(shutil.rmtree, self._folder(task_id, attempt))

    def sweep(self, wanted: set[Path]) -> None:
        """Makes the root, and removes every file in it but these: no row names them."""
        self._root.mkdir(parents=True, exist_ok=True)
        sync(self._root.parent)
        folders = {self._root / path.relative_to(self._root).parts[0] for path in wanted}
        for entry in self._root.iterdir():
            if entry not in folders:
                _attempt_to(shutil.rmtree if entry.is_dir() else Path.unlink, entry)
                continue
            for path in entry.rglob("*"):
                if path.is_file() and path not in wanted:
                    _attempt_to(Path.unlink, path)

    def _folder(self, task_id: str, attempt: int) -> Path:
        return self._root / f"{task_id}.{attempt}"


def measure(path: Path) -> str:
    """The SHA-256 of a file whose data is then on the disk. Raises OSError."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Puts a file's data, or a folder's names, on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _attempt_to(remove: Callable[[Path], object], path: Path) -> None:
    """What can't be removed now is, at the next start."""
    try:
        remove(path)
    except FileNotFoundError:
        return
    except OSError:
        log.exception("files could not be removed", extra={"path": str(path)})
