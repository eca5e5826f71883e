"""Looks into CRM's code while it runs, without a patch of the checkout: methods replaced for a while."""

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from worker.engines.crm.upstream import Sampler

log = logging.getLogger(__name__)

Check = Callable[[], None]
"""Asks whether the work is still wanted, and raises JobCancelled where it is not."""


@contextmanager
def replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """`owner.name` is `value` inside, and afterwards what it was: the owner's own or inherited."""
    inherited = name not in vars(owner)
    own = vars(owner).get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if inherited:
            delattr(owner, name)
        else:
            setattr(owner, name, own)


@contextmanager
def before(owner: object, method: str, do: Check) -> Iterator[None]:
    """Calls `do` before each call of `owner.method`, which does not happen where `do` raises."""
    original = getattr(owner, method)

    def call(*args: Any, **kwargs: Any) -> Any:
        do()
        return original(*args, **kwargs)

    with replaced(owner, method, call):
        yield


@contextmanager
def each_step(sampler: Sampler, check: Check, progress: Callable[[float], None]) -> Iterator[None]:
    """Calls `check` before each denoising step, and `progress` after it with the share done, in 0..1."""
    original = sampler.p_sample_ddim
    taken = 0

    def step(*args: Any, **kwargs: Any) -> Any:
        nonlocal taken
        check()
        result = original(*args, **kwargs)
        taken += 1
        # The sampler's own count: it takes 31 steps where 30 are asked for.
        progress(taken / len(sampler.ddim_timesteps))
        return result

    with replaced(sampler, "p_sample_ddim", step):
        yield


@contextmanager
def prints_logged() -> Iterator[None]:
    """What is printed inside (CRM prints at every step) goes to the log, at the level debug."""
    with redirect_stdout(_Lines()):
        yield


class _Lines(io.TextIOBase):
    """A text stream that logs each line that is complete."""

    def __init__(self) -> None:
        self._rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if line.strip():
                log.debug("crm", extra={"line": line})
        return len(text)
