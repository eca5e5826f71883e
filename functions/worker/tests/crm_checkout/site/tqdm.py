# mypy: ignore-errors
import os

from journal import note

# As the real one does since 4.66: read once, when it is imported.
DISABLED = bool(os.environ.get("TQDM_DISABLE"))


def tqdm(iterable, desc=None, total=None):
    if not DISABLED:
        note("bar", desc=desc)
    yield from iterable
