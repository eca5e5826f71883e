"""Temporary files: a folder for each job while it is computed, gone with the job or at the next start."""

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)


class Scratch:
    """The folder `work` in the data folder, which belongs to one process at a time (see Outbox)."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "work"
        _remove(self.folder)
        self.folder.mkdir(parents=True)

    @contextmanager
    def job(self, task_id: str) -> Iterator[Path]:
        """A folder for one job. Raises OSError where the disk does."""
        folder = Path(tempfile.mkdtemp(prefix=f"{task_id}-", dir=self.folder))
        try:
            yield folder
        finally:
            _remove(folder)


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError:
        log.exception("temporary files could not be removed", extra={"folder": str(folder)})
