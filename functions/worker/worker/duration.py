"""Durations as Go writes them: `90s`, `1h30m`, `1.5s`, `300ms`."""

import re
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_TERM = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)", re.A)


def parse(text: str) -> float:
    """Seconds. Raises ValueError where the text is no duration above 0."""
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _TERM.findall(text))
    if seconds <= 0 or _TERM.sub("", text):
        raise ValueError("must be a duration above 0, such as 90s, 1h30m or 300ms")
    return seconds


def _seconds(value: object) -> object:
    return parse(value) if isinstance(value, str) else value


Duration = Annotated[float, BeforeValidator(_seconds)]
"""A setting in seconds, which the environment gives as a duration."""
