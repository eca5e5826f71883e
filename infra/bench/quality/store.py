"""Keeps what is dear to compute: arrays in files, by a name, under a hash of the code that made them."""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from quality.arrays import Floats

SOURCES = ("*.py", "solids/*.py")

IRRELEVANT = {"__main__", "__init__", "budgets", "engine", "metrics", "run", "sheet", "store", "table"}
"""Modules whose change changes nothing that is kept."""

Arrays = Mapping[str, Floats]


class Store:
    """A folder of .npz files. Several processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / _code_hash()

    def get(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """The arrays kept under `name`; made, and kept, where there are none or the file is damaged."""
        path = self._folder / f"{name.replace('/', '_')}.npz"
        try:
            with np.load(path) as kept:
                return dict(kept)
        except (FileNotFoundError, zipfile.BadZipFile, ValueError, EOFError):
            arrays = make()
        self._folder.mkdir(parents=True, exist_ok=True)
        # Never half a file under the name, whoever else writes it or is killed meanwhile.
        handle, draft = tempfile.mkstemp(dir=self._folder, suffix=".draft")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez_compressed(file, **arrays)
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        return arrays


def _code_hash() -> str:
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for source in sorted(path for pattern in SOURCES for path in here.glob(pattern)):
        if source.parent != here or source.stem not in IRRELEVANT:
            digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
