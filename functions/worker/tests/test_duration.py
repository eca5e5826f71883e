"""Durations are those of Go's time.ParseDuration, above 0."""

import pytest

from worker.duration import parse


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("1h30m", 5400), ("1.5s", 1.5), ("300ms", 0.3), (".5m", 30), ("1m0s", 60), ("10us", 1e-5)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "0s", "-5s", "5 s", "1d", "5s later", "١s", "1e3s", "inf"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        parse(text)
