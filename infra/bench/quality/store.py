"""Keeps what is dear to compute: arrays in files, by a name and a hash of the code that made them."""

import hashlib
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from quality.arrays import Floats

Arrays = dict[str, Floats]


class Store:
    """A folder of .npz files. Several processes may share it; all of it can be deleted at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str, modules: tuple[str, ...], make: Callable[[], Arrays]) -> Arrays:
        """The arrays kept under `name`; made, and kept, where there are none or the file is damaged.

        `modules` of this package, without `.py`, are what the arrays depend on.
        """
        folder = self._folder / _code_hash(modules)
        path = folder / f"{name.replace('/', '_')}.npz"
        try:
            with path.open("rb") as source, np.load(source) as kept:
                return dict(kept)
        except (FileNotFoundError, zipfile.BadZipFile, zlib.error, ValueError, EOFError):
            arrays = make()
        folder.mkdir(parents=True, exist_ok=True)
        # Never half a file under the name, whoever else writes it or is killed meanwhile.
        handle, draft = tempfile.mkstemp(dir=folder, suffix=".draft")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez_compressed(file, allow_pickle=False, **arrays)
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        return arrays


@cache
def _code_hash(modules: tuple[str, ...]) -> str:
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for module in modules:
        for source in sorted(here.glob(f"{module}.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
